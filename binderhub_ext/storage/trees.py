"""Going over trees of folders that somebody else made, and perhaps still changes.

Such a tree may be deeper than Python's own functions can follow and than any path can be long,
have a million files in one folder, be closed to its owner, or change while it is read. So nothing
here calls itself, no path is joined, at most `_KEPT` descriptors are open, and no link is followed.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from ..beneath import DIRECTORY, RelativePath, beneath, exists_beneath, parts_of

DEEPEST = 200
"""Folders within folders that anybody needs."""

_KEPT = 64
_PATIENCE = 600.0
"""Seconds for one removal; what is left then goes the next time."""

_UP = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_GONE = (FileNotFoundError, NotADirectoryError)


class TooDeep(OSError):
    """Folders are nested deeper than anybody needs."""


@dataclass
class Folder:
    """A folder that was opened without following a link.

    Attributes:
        descriptor: open until the walk goes on.
        entries: what is in it, each only once; not in any order.
    """

    descriptor: int
    entries: Iterator[os.DirEntry[str]]
    _names: list[str]

    @property
    def path(self) -> str:
        """Relative to where the walk began, as it is until the walk goes on; empty at first."""
        return "/".join(self._names)


@dataclass
class _Level:
    """A folder on the way to where the walk is; `descriptor` is -1 while it is closed."""

    descriptor: int
    waiting: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.status = os.fstat(self.descriptor)

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class _Way:
    """The way from the top of a tree to a folder in it.

    Args:
        parent: descriptor of the folder the top is in.
        force: give us all rights to folders of our own that are closed to us.
    """

    def __init__(self, parent: int, top: bytes, force: bool) -> None:
        self._force = force
        self.levels = [_Level(_open(parent, top, force))]
        self.names: list[str] = []

    def close(self) -> None:
        for level in self.levels:
            level.close()

    @property
    def here(self) -> _Level:
        return self.levels[-1]

    def enter(self, name: str) -> bool:
        """Go down; gives whether there is a folder of that name that can be opened."""
        try:
            below = _Level(_open(self.here.descriptor, name, self._force))
        except (*_GONE, PermissionError):
            return False
        self.levels.append(below)
        self.names.append(name)
        if len(self.levels) > _KEPT:
            self.levels[-_KEPT].close()
        return True

    def leave(self) -> str:
        """Go up; gives the name of the folder that was left.

        Raises:
            OSError: it was moved elsewhere meanwhile.
        """
        with closing(self.levels.pop()) as left:
            if self.here.descriptor < 0:
                above = os.open("..", _UP, dir_fd=left.descriptor)
                if not os.path.samestat(os.fstat(above), self.here.status):
                    os.close(above)
                    raise OSError(errno.ESTALE, "a folder was moved away while it was read")
                self.here.descriptor = above
        return self.names.pop()


def folders_beneath(
    root: Path | int, path: RelativePath = ".", *, force: bool = False, deepest: int = 0
) -> Iterator[Folder]:
    """A folder and every folder in it, each before what is in it.

    What goes away meanwhile is left out, and so are folders that cannot be opened.

    Args:
        root: a trusted directory, or a descriptor of a directory.
        force: give us all rights to folders of our own that are closed to us.
        deepest: how many folders may be nested; 0 for any number.

    Raises:
        TooDeep: more are.
        FileNotFoundError, NotADirectoryError: there is no such folder, or a link is in its place.
        OSError: a folder was moved elsewhere while we were in it.
    """
    *above, name = parts_of(path) or [b"."]
    with beneath(root, b"/".join(above)) as parent:
        way = _Way(parent, name, force)
    with closing(way):
        yield from _look(way)
        while way.names or way.here.waiting:
            if not way.here.waiting:
                way.leave()
            elif way.enter(way.here.waiting.pop()):
                if 0 < deepest < len(way.names):
                    raise TooDeep(errno.ELOOP, f"more than {deepest} folders within each other")
                yield from _look(way)


def give_beneath(root: Path | int, owner: tuple[int, int], *, files: bool) -> None:
    """Give a folder, the folders in it and perhaps all else in it to somebody.

    Raises:
        TooDeep: more than `DEEPEST` folders are nested.
    """
    for folder in folders_beneath(root, deepest=DEEPEST):
        os.fchown(folder.descriptor, *owner)
        for entry in folder.entries if files else ():
            if not entry.is_dir(follow_symlinks=False):
                os.chown(entry.name, *owner, dir_fd=folder.descriptor, follow_symlinks=False)


def _look(way: _Way) -> Iterator[Folder]:
    with os.scandir(way.here.descriptor) as found:
        entries = _noted(found, way.here.waiting)
        yield Folder(way.here.descriptor, entries, way.names)
        # Those that nobody looked at may be folders.
        deque(entries, maxlen=0)


def _noted(entries: Iterator[os.DirEntry[str]], folders: list[str]) -> Iterator[os.DirEntry[str]]:
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            folders.append(entry.name)
        yield entry


def _open(parent: int, name: str | bytes, force: bool) -> int:
    try:
        opened = os.open(name, DIRECTORY, dir_fd=parent)
    except PermissionError:
        if not force:
            raise
        handle = os.open(name, DIRECTORY | os.O_PATH, dir_fd=parent)
        try:
            set_mode(handle, 0o700)
            return os.open(".", DIRECTORY, dir_fd=handle)
        finally:
            os.close(handle)
    if force and os.geteuid() and not os.fstat(opened).st_mode & stat.S_IXUSR:
        with suppress(PermissionError):
            os.fchmod(opened, 0o700)
    return opened


def set_mode(handle: int, mode: int) -> None:
    """Set the mode of what was opened with `O_PATH`, which nobody can replace by a link."""
    Path(f"/proc/self/fd/{handle}").chmod(mode)


def folders_in(path: Path, *, force: bool = False) -> Iterator[Folder]:
    """:func:`folders_beneath` for a path whose folder nobody else can rename."""
    with _place_of(path) as parent:
        yield from folders_beneath(parent, os.fsencode(path.name), force=force)


@contextmanager
def _place_of(path: Path) -> Iterator[int]:
    """The folder something is in, to which an administrator may have made a link."""
    parent = os.open(path.parent, _UP)
    try:
        yield parent
    finally:
        os.close(parent)


# ---- removing


def remove_beneath(root: Path | int, path: RelativePath) -> bool:
    """Remove whatever is at a place, with everything in it, while others may change it.

    No link is followed. Where something is mounted in it, it is left as it is: what is shown there
    is kept elsewhere.

    Args:
        root: a trusted directory, or a descriptor of a directory.

    Returns:
        Whether nothing is there now.

    Raises:
        ValueError: `path` is not a plain relative path, or the root itself.
    """
    *above, name = parts_of(path)
    try:
        with beneath(root, b"/".join(above)) as parent:
            with suppress(OSError):
                _remove(parent, name)
            return not exists_beneath(parent, name)
    except _GONE:
        return True


def empty_beneath(root: Path | int) -> bool:
    """Remove everything in a folder but not the folder; gives whether it is empty now."""
    with beneath(root, ".") as folder:
        with os.scandir(folder) as entries:
            names = [os.fsencode(entry.name) for entry in entries]
        gone = [remove_beneath(folder, name) for name in names]
        return all(gone)


def remove_tree(path: Path) -> bool:
    """:func:`remove_beneath` for a path whose folder nobody else can rename."""
    try:
        with _place_of(path) as parent:
            return remove_beneath(parent, os.fsencode(path.name))
    except _GONE:
        return True


def _remove(parent: int, name: bytes) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=parent)
    elif not _has_mounts(parent, name):
        deadline = monotonic() + _PATIENCE
        with closing(_Way(parent, name, force=True)) as way:
            _clear(way.here, deadline)
            while way.names or way.here.waiting:
                if not way.here.waiting:
                    left = way.leave()
                    with suppress(OSError):
                        os.rmdir(left, dir_fd=way.here.descriptor)
                elif way.enter(way.here.waiting.pop()):
                    _clear(way.here, deadline)
        os.rmdir(name, dir_fd=parent)


def _clear(level: _Level, deadline: float) -> None:
    """Remove what is in a folder and is none; folders then wait.

    Raises:
        TimeoutError: it is too late.
    """
    if os.geteuid():
        with suppress(PermissionError):
            os.fchmod(level.descriptor, 0o700)
    with os.scandir(level.descriptor) as entries:
        for entry in _noted(entries, level.waiting):
            if monotonic() > deadline:
                raise TimeoutError
            if not entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    os.unlink(entry.name, dir_fd=level.descriptor)


def _has_mounts(parent: int, name: bytes) -> bool:
    """Whether something is mounted at or below a place, also from the same file system."""
    place = bytes(Path(f"/proc/self/fd/{parent}").readlink()) + b"/" + name + b"/"
    mounts = Path("/proc/self/mountinfo").read_bytes().splitlines()
    return any((_unescaped(mount.split(b" ")[4]) + b"/").startswith(place) for mount in mounts)


def _unescaped(mount: bytes) -> bytes:
    """A path as `/proc` writes it: white space and backslashes in octal."""
    return re.sub(rb"\\([0-7]{3})", lambda digits: bytes([int(digits[1], 8)]), mount)
