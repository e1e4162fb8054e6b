"""Folders of the machine that their owner offered to themselves: what names one, what may be one.

A link names an offer by its id and never says where the folder is; who made the offer, for whom and
of what is kept in the data directory alone (:mod:`..folders`). Such a folder is seen by a server as
it is; what a build sees of it is in :mod:`.foldercode`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath, PurePosixPath
from urllib.parse import quote

from .errors import BadLink, NotAllowed
from .plain import plain, shown
from .projects import PROJECTS
from .provider import Provider
from .repo import FOLDER_OF_MACHINE, Repo
from .sentences import fixed

_PLACE = "https://folder.invalid/"
_ID = re.compile(r"[0-9a-f]{16}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,59}")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")

_OF_EVERYBODY = tuple(
    map(PurePosixPath, ("/", "/home", "/media", "/mnt", "/run", "/tmp", "/var", "/var/tmp"))
)
"""What many people and programs keep their things in; a folder in one of them can be anybody's."""

_OF_THE_SYSTEM = tuple(map(PurePosixPath, ("/dev", "/proc", "/sys", "/run/user", "/run/lock")))


class _Folder(Provider):
    noun = fixed("folder")

    def repo(self, name: str) -> Repo:
        id, _, title = plain(name, "folder").strip("/").partition("/")
        if not _ID.fullmatch(id) or not _NAME.fullmatch(title):
            raise BadLink(
                "{name} is not the name of a folder that was offered here. To open a folder of "
                "this machine, type “binder-at-home launch ./folder” there.",
                name=shown(name),
            )
        return Repo(self.id, f"{id}/{title}", f"{_PLACE}{id}/{title}")

    def spec(self, repo: Repo, ref: str) -> str:
        return quote(repo.name)


FOLDER = _Folder(
    FOLDER_OF_MACHINE,
    "Folder of this machine",
    label="Id of the folder",
    placeholder="made by: binder-at-home launch ./my-project",
    pattern=r"[0-9a-f]{16}/[A-Za-z0-9_][A-Za-z0-9._-]*",
    has_ref=False,
    name="Folder",
    fetcher="binderhub_ext.repos.folder:FolderProvider",
)


def repo_of(id: str, path: PurePath) -> Repo:
    """The repository of an offered folder."""
    return FOLDER.repo(f"{id}/{title_of(path)}")


def title_of(path: PurePath) -> str:
    """What links call a folder: its name, as far as a link can have it."""
    name = _NOT_IN_A_NAME.sub("-", path.name).strip(".-")[:60].rstrip(".-")
    return name or "folder"


def is_of_a_folder(project: str) -> bool:
    """Whether a place in somebody's home is only where a folder of the machine appears."""
    return project.startswith(f"{PROJECTS}/folder.invalid/")


def check_place(
    path: PurePath,
    homes: Iterable[PurePath],
    data: PurePath,
    programs: Iterable[PurePath] = (),
) -> None:
    """Refuse a folder in which more is than somebody's project.

    Args:
        path: absolute, without links.
        homes: of whoever offers it, likewise.
        data: the data directory, likewise.
        programs: where the hub's own programs are, likewise; they run in no sandbox.

    Raises:
        NotAllowed: says why, and what can be offered.
    """
    if not str(path).isprintable():
        raise NotAllowed("The folder has letters in its path that cannot be shown. Rename it.")
    for home in homes:
        if home.is_relative_to(path):
            raise NotAllowed(
                "{path} is your home or has it in it, with all your passwords and keys. Offer a"
                " folder in it that has one project.",
                path=path,
            )
        if path.is_relative_to(home) and path.relative_to(home).parts[0].startswith("."):
            raise NotAllowed(
                "{path} is in a hidden folder of your home, where programs keep settings and"
                " keys. Offer a folder that has one project.",
                path=path,
            )
    if data.is_relative_to(path) or path.is_relative_to(data):
        raise NotAllowed(
            "{path} and the data directory {data} are one in the other. Offer a folder elsewhere.",
            path=path,
            data=data,
        )
    for program in programs:
        if program.is_relative_to(path) or path.is_relative_to(program):
            raise NotAllowed(
                "{path} has programs of Binder@home in it, or is among them ({program}), and a"
                " server could change what runs outside of it. Offer a folder elsewhere.",
                path=path,
                program=program,
            )
    if path in _OF_EVERYBODY or any(path.is_relative_to(place) for place in _OF_THE_SYSTEM):
        raise NotAllowed(
            "{path} is the system's or everybody's. Offer a folder that has one project.",
            path=path,
        )
