"""Taking over what somebody has on another hub: a folder becomes their home, or a part of it.

Nothing that is there is ever written over. First all of it is copied to a place where nobody else
gets, then each thing in it is moved to where it belongs, at once or not at all. Killed at any
instant, it is gone on with by the next try; what was done once is not done again.

    homes/.imports/<home>/about.json    what is being copied, and where to
    homes/.imports/<home>/copied/       as far as that has come
    homes/.imports/<home>/whole/        all of it, as far as it is not moved yet
    homes/.imports/<digest>.json        what was done
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from ..beneath import (
    beneath,
    exists_beneath,
    mkdir_beneath,
    open_beneath,
    open_named,
    read_beneath,
    write_beneath,
)
from ..core.errors import CannotStart, Conflict, NoSpace
from ..core.layout import DataDirectory
from ..core.plain import printable
from ..locks import held_if_free
from .copying import Copied, Copy
from .mounts import PRIVATE
from .quota import count_with
from .sync.files import move
from .trees import empty_beneath
from .usage import forget_usage, home_places

_IMPORTS = ".imports"
_ABOUT, _COPIED, _WHOLE = "about.json", "copied", "whole"
_RESCUED = "lost+found"
"""The kernel's own, at the top of a claim that is a disk, and closed to everybody else."""

_SHOWN = 5
_OURS = 0o700


@dataclass(frozen=True)
class Import:
    """What is taken over.

    Attributes:
        user: whose it will be.
        folder: where it is now, absolute.
        into: where it goes in the home; empty for the home itself.
        private: whether settings and caches come along (`PRIVATE`), of which each project here has
            its own, and which nobody would see in a home.
    """

    user: str
    folder: str
    into: str = ""
    private: bool = False

    @property
    def digest(self) -> str:
        return sha256(json.dumps(asdict(self)).encode()).hexdigest()


def was_imported(layout: DataDirectory, wanted: Import) -> bool:
    """Whether that was done once, whatever became of it since."""
    return exists_beneath(layout.homes, f"{_IMPORTS}/{wanted.digest}.json")


def take_over(layout: DataDirectory, wanted: Import, owner: tuple[int, int]) -> Copied:
    """Copy a folder into somebody's home, which is there. Its own files stay as they are.

    Args:
        owner: uid and gid of the home; -1 for this process's own.

    Returns:
        What was copied by this try.

    Raises:
        CannotStart: the folder cannot be had or read.
        Conflict: something is there already; nothing was moved over it.
        NoSpace: the disk is full; the next try goes on.
    """
    try:
        with ExitStack() as open_folders:
            draft = open_folders.enter_context(_draft(layout, wanted))
            source = open_folders.enter_context(_opened(layout, wanted))
            done = Copied()
            if not exists_beneath(draft, _WHOLE):
                _check_free(layout, wanted, source)
                done = _copy(draft, source, wanted, owner)
            _move(layout, draft, wanted, owner)
            about = json.dumps(asdict(wanted)).encode()
            write_beneath(layout.homes, f"{_IMPORTS}/{wanted.digest}.json", about, 0o600)
            empty_beneath(draft)
    except OSError as error:
        if NoSpace.caused(error):
            raise NoSpace(
                "The disk is full. Make room and run it again: it goes on where it stopped."
            ) from error
        raise CannotStart(
            "{folder} could not be copied: {why}. Run it again when that is mended: it goes on"
            " where it stopped.",
            folder=wanted.folder,
            why=error.strerror or str(error),
        ) from error
    for root, path in home_places(layout, wanted.user):
        forget_usage(layout, root, path)
    return done


@contextmanager
def _draft(layout: DataDirectory, wanted: Import) -> Iterator[int]:
    """Our place for one person's import, for one process at a time; begun anew for another one."""
    name = f"{_IMPORTS}/{layout.home(wanted.user).name}"
    mkdir_beneath(layout.homes, name, _OURS)
    with held_if_free(layout.homes / name) as free, beneath(layout.homes, name) as draft:
        if not free:
            raise Conflict("Something is just being imported for {user}.", user=wanted.user)
        about = json.dumps(asdict(wanted)).encode()
        if not exists_beneath(draft, _ABOUT) or read_beneath(draft, _ABOUT) != about:
            # What is there is a copy of what is elsewhere still.
            empty_beneath(draft)
            write_beneath(draft, _ABOUT, about, 0o600)
        yield draft


@contextmanager
def _opened(layout: DataDirectory, wanted: Import) -> Iterator[int]:
    folder, root = Path(wanted.folder), layout.root.resolve()
    place = folder.parent.resolve() / folder.name
    if place.is_relative_to(root) or root.is_relative_to(place):
        raise CannotStart(
            "{folder} and the data directory {root} are one in the other.",
            folder=folder,
            root=layout.root,
        )
    try:
        opened = open_named(folder)
    except OSError as error:
        raise CannotStart(
            "{folder} is no folder that can be read, or a link to one, or behind a link that"
            " somebody else can have made.",
            folder=folder,
        ) from error
    try:
        yield opened
    finally:
        os.close(opened)


def _everything(folder: int) -> list[str]:
    return sorted(os.listdir(folder))


def _names(wanted: Import, source: int) -> list[str]:
    """What is in the folder, as far as it comes along."""
    left = (_RESCUED,) if wanted.private else (_RESCUED, *PRIVATE)
    return [name for name in _everything(source) if name not in left]


def _check_free(layout: DataDirectory, wanted: Import, source: int) -> None:
    """Refuse early, before anything is copied."""
    home = PurePosixPath(layout.home(wanted.user).name)
    places = [wanted.into] if wanted.into else _names(wanted, source)
    there = [place for place in places if exists_beneath(layout.homes, home / place)]
    if there:
        more = f" (+{len(there) - _SHOWN})" if len(there) > _SHOWN else ""
        raise Conflict(
            "{user} has this already: {there}. Nothing is written over it. Import it into another"
            " folder with --into.",
            user=wanted.user,
            there=", ".join(f"~/{printable(place)}" for place in there[:_SHOWN]) + more,
        )


def _copy(draft: int, source: int, wanted: Import, owner: tuple[int, int]) -> Copied:
    """Copy all of it, and say so by its name when that is done."""
    name = PurePosixPath(wanted.into).name
    with beneath(draft, PurePosixPath(_COPIED, name), create=True, mode=_OURS) as target:
        copy = Copy(source, target, owner)
        for each in _names(wanted, source):
            copy.add(each)
        if name:
            os.fchown(target, *owner)
    if unread := copy.done.unread:
        raise CannotStart(
            "Nothing was imported, as {count} files or folders in {folder} cannot be read. Run it"
            " as somebody who can.",
            count=len(unread),
            folder=wanted.folder,
            detail="\n".join(map(printable, unread[:_SHOWN])),
        )
    os.rename(_COPIED, _WHOLE, src_dir_fd=draft, dst_dir_fd=draft)
    return copy.done


def _move(layout: DataDirectory, draft: int, wanted: Import, owner: tuple[int, int]) -> None:
    home = PurePosixPath(layout.home(wanted.user).name)
    above = home / PurePosixPath(wanted.into).parent
    with ExitStack() as open_folders:
        whole = open_folders.enter_context(beneath(draft, _WHOLE))
        try:
            target = open_beneath(layout.homes, above, create=True, owner=owner)
        except NotADirectoryError as error:
            raise Conflict(
                "A part of ~/{into} is a link or a file of {user}'s. Name another folder.",
                into=wanted.into,
                user=wanted.user,
            ) from error
        open_folders.callback(os.close, target)
        count_with(whole, target)
        for name in _everything(whole):
            try:
                move(whole, os.fsencode(name), target, os.fsencode(name))
            except FileExistsError as error:
                raise Conflict(
                    "{name} has come in the way of what {user} had. Rename it and run this again.",
                    name=printable(name),
                    user=wanted.user,
                ) from error
