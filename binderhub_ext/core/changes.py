"""What differs between the launch a server was started with and the one asked for now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .launch import Files, Launch, VolumeRequest
from .sharees import Sharee, newcomers

_SEES = {
    Files.PROJECT: "the project's own folder",
    Files.HOME: "your whole home",
    Files.NONE: "nothing of your files",
}


def changes(old: Launch, new: Launch, *, image: bool = True) -> tuple[str, ...]:
    """Sentences that say what would change; empty if both start the same.

    Where the browser lands is no difference: one server serves every target. Nor is who may enter,
    which needs no restart: see :func:`lets_in`.

    Args:
        old: what runs.
        new: what is asked for.
        image: whether the new one's image is known yet.
    """
    return tuple(_changes(old, new if image else replace(new, image=old.image)))


def lets_in(shared: Iterable[Sharee], new: Launch) -> tuple[str, ...]:
    """Sentences that say who could enter a server after a launch and cannot now.

    Nobody is put out by a launch, whomever it leaves unnamed.

    Args:
        shared: who may enter now.
    """
    return tuple(f"It would let in {one.words}." for one in newcomers(new.share, shared))


def _changes(old: Launch, new: Launch) -> Iterator[str]:
    if _identity(old) != _identity(new):
        yield f"It would run {_repo(new)} instead of {_repo(old)}."
    elif old.commit and new.commit and old.commit.id != new.commit.id:
        yield f"It would run commit {new.commit.short} instead of {old.commit.short}."
    if old.image != new.image:
        yield "It would run in another environment."
    if old.files != new.files:
        yield f"It would see {_SEES[new.files]} instead of {_SEES[old.files]}."
    if old.volumes != new.volumes:
        yield f"Its volumes would be {_names(new.volumes)} instead of {_names(old.volumes)}."
    if (old.memory, old.cpu) != (new.memory, new.cpu):
        yield "It would have other limits of memory and processors."
    elif old.size != new.size:
        yield "It would be a server of another size."
    if old.idle != new.idle:
        yield "It would stop after another time of inactivity."


def _identity(launch: Launch) -> str:
    return launch.commit.repo.identity if launch.commit else ""


def _repo(launch: Launch) -> str:
    return launch.commit.repo.shown if launch.commit else "the image alone"


def _names(volumes: Iterable[VolumeRequest]) -> str:
    return ", ".join(f"{v.name} ({v.access or 'as allowed'})" for v in volumes) or "none"
