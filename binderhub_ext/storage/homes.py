"""Homes and the private state of projects: made once, then left to their person.

Only places in which nobody but us can rename anything are touched here, so no link can be
planted. What exists is never changed: not its owner, not its mode.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ..beneath import (
    DIRECTORY,
    beneath,
    lstat_beneath,
    open_beneath,
    read_beneath,
    write_beneath,
)
from ..core.errors import Conflict, NoSpace
from ..core.layout import DataDirectory
from ..locks import lock
from .mounts import PRIVATE, STATE_HOME, Mount

_OURS = 0o711
_THEIRS = 0o700
_DRAFT = b".making-"
_OWNERS = ".owners"
"""Whose homes are that are named by a hash: files of their names, each with the person's name."""


def check_owner(layout: DataDirectory, user: str) -> bool:
    """Refuse a person whose home is somebody else's, as names are told apart by a short hash.

    It is theirs of whom this was asked first. Where people choose their own names, others can be
    found that have the same hash (see :func:`..core.names.directory_name`).

    Returns:
        Whether it is known to be theirs. Where that could not be written down, as the disk is full
        or homes are not ours to look into, nobody is kept from their files, and is asked again.

    Raises:
        Conflict: it is somebody else's.
    """
    name = layout.home(user).name
    if name == user:
        return True
    try:
        owner = _owner(layout.homes / _OWNERS, name, user.encode())
    except OSError as error:
        if NoSpace.caused(error) or isinstance(error, PermissionError):
            return False
        raise
    if owner != user.encode():
        raise Conflict(
            "This hub cannot tell your name, {name}, from another person's, whose files are kept"
            " under it. Ask the administrator for another name.",
            name=user,
        )
    return True


def write_owners(layout: DataDirectory, people: Iterable[str]) -> None:
    """Write down whose homes are of which nobody knows it: theirs who come first of some people."""
    try:
        homes = _names(layout.homes) - _names(layout.homes / _OWNERS)
    except PermissionError:  # a service that may not look into homes
        return
    for user in people:
        name = layout.home(user).name
        if name != user and name in homes:
            check_owner(layout, user)
            homes.discard(name)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def _owner(owners: Path, name: str, user: bytes) -> bytes:
    """Whose a home is; from now on this person's if nobody knows."""
    owners.mkdir(mode=_THEIRS, parents=True, exist_ok=True)
    with beneath(owners, ".") as directory:
        lock(directory)
        with suppress(FileNotFoundError):
            return read_beneath(directory, name)
        write_beneath(directory, name, user, 0o600)
        return user


def ensure_home(
    layout: DataDirectory, user: str, uid: int | None = None, gid: int | None = None
) -> Path:
    """Make a person's home if it is not there.

    Args:
        uid: owner of a new home; `None` for the one this process runs as.
        gid: its group; `None` likewise.

    Returns:
        The home. Use it as a name to show, not to open: see :mod:`..beneath`.

    Raises:
        Conflict: a link or a file is in its place, or it is somebody else's.
    """
    layout.homes.mkdir(mode=_OURS, parents=True, exist_ok=True)
    check_owner(layout, user)
    home = layout.home(user)
    _ensure(layout.homes, home.name, uid, gid)
    return home


def ensure_state(
    layout: DataDirectory,
    user: str,
    project: str,
    uid: int | None = None,
    gid: int | None = None,
) -> Path:
    """Make the private state of a person's project: its own home and its own `PRIVATE` folders.

    Arguments, result and errors are those of :func:`ensure_home`.
    """
    state = layout.state(user, project)
    state.parent.mkdir(mode=_OURS, parents=True, exist_ok=True)
    state.mkdir(mode=_OURS, exist_ok=True)
    for name in (STATE_HOME, *PRIVATE):
        _ensure(state, name, uid, gid)
    return state


def ensure_mount_points(
    mounts: Sequence[Mount], uid: int | None = None, gid: int | None = None
) -> None:
    """Make the places over which mounts appear, each in what is seen there without it.

    Args:
        mounts: everything a server sees, outermost first; the first is the home.
        uid: owner of what is made; `None` for the one this process runs as.
        gid: its group; `None` likewise.

    Raises:
        Conflict: a link or a file is in such a place, or anything where it has to be empty.
    """
    for number, mount in enumerate(mounts):
        around = [each for each in mounts[:number] if mount.target.is_relative_to(each.target)]
        if around:
            inside = around[-1].path / mount.target.relative_to(around[-1].target)
            if mount.on_empty:
                check_free(around[-1].root, inside, mount.target)
            ensure_place(around[-1].root, inside, mount.target, uid, gid)


def is_free(root: Path, path: PurePosixPath) -> bool:
    """Whether something may be mounted at a place of a person's without hiding anything."""
    try:
        with beneath(root, path) as directory, os.scandir(directory) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True
    except NotADirectoryError:
        return False


def check_free(root: Path, path: PurePosixPath, shown: PurePosixPath) -> None:
    """Refuse to show a repository's files where something else is.

    Args:
        root, path, shown: as of :func:`ensure_place`.

    Raises:
        Conflict: something is there.
    """
    if not is_free(root, path):
        raise Conflict(
            "~/{shown} has something in it, so that the content of this launch cannot be there."
            " Rename what is there, or name another folder in the link:"
            " content=<folder>:<provider>/….",
            shown=shown,
        )


def ensure_place(
    root: Path, path: PurePosixPath, shown: PurePosixPath, uid: int | None, gid: int | None
) -> None:
    """Make a folder over which something else is mounted, as its person's own.

    Left to the program that mounts, it would be its own (root's), closed to the person, and
    made behind whatever link is in the way.

    Args:
        root: a directory nobody else can rename things in.
        path: relative to `root`; what is missing on the way is made too.
        shown: what the person knows it as, relative to their home.
        uid: owner of what is made; `None` for the one this process runs as.
        gid: its group; `None` likewise.

    Raises:
        Conflict: a link or a file is in its place.
    """
    owner = (-1 if uid is None else uid, -1 if gid is None else gid)
    try:
        os.close(open_beneath(root, path, create=True, owner=owner))
    except NotADirectoryError as error:
        raise Conflict(
            "~/{shown} cannot be shown to your server: a link or a file is in its way. Rename"
            " what is there and launch again.",
            shown=shown,
        ) from error


def _ensure(parent: Path, name: str, uid: int | None, gid: int | None) -> None:
    with beneath(parent, ".") as directory:
        # Two starts at once must not both make it: the second would take the first's place
        # under a server that already runs.
        lock(directory)
        if lstat_beneath(directory, name) is None:
            _make(directory, os.fsencode(name), uid, gid)
        with suppress(NotADirectoryError):
            os.close(os.open(name, DIRECTORY, dir_fd=directory))
            return
    raise Conflict(
        "{parent} is not a folder, so it cannot be used. The administrator has to move it.",
        parent=parent / name,
    )


def _make(parent: int, name: bytes, uid: int | None, gid: int | None) -> None:
    """Make a directory with its owner under its final name at once, also if we are killed."""
    draft = _DRAFT + name[-200:]
    with suppress(FileNotFoundError):
        os.rmdir(draft, dir_fd=parent)
    os.mkdir(draft, _THEIRS, dir_fd=parent)
    with beneath(parent, draft) as made:
        os.fchown(made, -1 if uid is None else uid, -1 if gid is None else gid)
        os.fchmod(made, _THEIRS)
    os.rename(draft, name, src_dir_fd=parent, dst_dir_fd=parent)
