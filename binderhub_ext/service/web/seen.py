"""What a server would see, as the page that asks lists it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ...core.launch import Files, Project
from ...core.sentences import Sentence
from ...core.volumes import Kind, Placed

_LIVE = Sentence("The folder itself, no copy: what the server changes in it is changed there.")
_CONTENT = Sentence("The project of that repository; other launches of it see it too.")


def seen(
    files: Files,
    folder: str,
    content: Iterable[Project],
    volumes: Iterable[Placed],
    place: str = "",
) -> list[dict[str, str]]:
    """Each place with what it is; nothing for what goes with the server.

    Args:
        folder: of the environment's project, relative to the home; empty for none.
        place: where that is on this machine, if it is a folder of the machine.
    """
    return [
        *_own(files, folder, place),
        *(_content(project) for project in content if files is not Files.NONE),
        *map(_volume, volumes),
    ]


def _own(files: Files, folder: str, place: str) -> list[dict[str, str]]:
    live = [_mount(Sentence("A folder of your machine"), place, "rw", _LIVE)] if place else []
    if files is Files.HOME:
        everything = Sentence("Everything that is yours here.")
        home = _mount(Sentence("Your whole home"), "~", "rw", everything)
        return [{**home, "whole": "yes"}, *live]
    if live:
        return live
    if files is Files.PROJECT:
        path = f"~/{folder}" if folder else "~"
        folder_title = Sentence("This project's folder")
        return [_mount(folder_title, path, "rw", Sentence("Nothing else of yours."))]
    return []


def _content(project: Project) -> dict[str, str]:
    title = Sentence("Your files of {repo}", repo=project.commit.repo.title)
    return _mount(title, f"~/{project.folder}", "rw", _CONTENT)


def _volume(placed: Placed) -> dict[str, str]:
    volume = placed.volume
    owner = (
        Sentence("Shared by {owner}.", owner=volume.owner)
        if volume.kind is Kind.SHARED
        else Sentence("Of a group of yours.")
    )
    title = Sentence("Volume {name}", name=volume.name)
    return _mount(title, f"~/{placed.place}", str(placed.access), owner)


def _mount(title: str, path: str, access: str, said: str) -> dict[str, str]:
    return {"title": title, "path": path, "access": access, "words": said}
