"""Safe work below a directory whose contents somebody else controls.

A person may at any moment replace a folder of theirs by a link to somewhere else. So nothing
below such a place is reached by a joined name: every component is opened by itself, relative
to the descriptor of the one before, and never through a link. What comes back is a
descriptor; use it (`dir_fd=`, or `/proc/self/fd/N` as the source of a mount), not the name.

The root itself is trusted: nobody else can rename anything in the path that leads to it.
Only the standard library's cheapest modules are imported, since this runs at every start.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

_RENAME_NOREPLACE = 1
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FORBIDDEN = {b"", b".", b".."}
_LINKS = 40
_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH

RelativePath = PurePosixPath | str | bytes


def parts_of(path: RelativePath) -> list[bytes]:
    """The components of a relative path.

    Raises:
        ValueError: absolute, or with a component (`..`, empty, NUL) that is not a plain name.
    """
    raw = os.fsencode(path)
    if raw in (b"", b"."):
        return []
    parts = raw.split(b"/")
    if any(part in _FORBIDDEN or b"\0" in part for part in parts):
        raise ValueError(f"{raw!r} is not a plain relative path.")
    return parts


def open_beneath(
    root: Path | int,
    path: RelativePath,
    *,
    create: bool = False,
    mode: int = 0o755,
    owner: tuple[int, int] | None = None,
) -> int:
    """Open a directory below `root` without following any link.

    Args:
        root: a trusted directory, or a descriptor of a directory (which stays open).
        path: relative; `.` is the root itself.
        create: make what is missing on the way, with `mode` (less the umask).
        owner: uid and gid of what is made; this process's own if not given.

    Returns:
        A descriptor of the directory; the caller closes it.

    Raises:
        ValueError: `path` is not a plain relative path.
        FileNotFoundError: it does not exist and `create` is false.
        NotADirectoryError: a component is a link or a file.
    """
    parts = parts_of(path)
    here = os.dup(root) if isinstance(root, int) else os.open(root, DIRECTORY)
    try:
        for part in parts:
            below = _step(here, part, create, mode, owner)
            os.close(here)
            here = below
    except BaseException:
        os.close(here)
        raise
    return here


def _step(here: int, part: bytes, create: bool, mode: int, owner: tuple[int, int] | None) -> int:
    made = create and _make(here, part, mode)
    below = os.open(part, DIRECTORY, dir_fd=here)
    # It may have been swapped since: what belongs to somebody else already is not given away.
    if made and owner and os.fstat(below).st_uid == os.geteuid():
        os.fchown(below, *owner)
    return below


def _make(here: int, part: bytes, mode: int) -> bool:
    try:
        os.mkdir(part, mode, dir_fd=here)
    except FileExistsError:
        return False
    return True


def open_named(path: Path) -> int:
    """Open a folder that an administrator names, though the way to it leads through people's.

    Links on the way are followed where nobody else can have put them; the folder itself is none.

    Args:
        path: absolute.

    Raises:
        OSError: it cannot be opened, or a link is where somebody else can have put it.
    """
    waiting, links = [*reversed(path.parts[1:-1])], 0
    here = os.open("/", DIRECTORY)
    try:
        while waiting:
            part = waiting.pop()
            if leads := _link_of_ours(here, part):
                links += 1
                if links > _LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
                waiting += reversed(PurePosixPath(leads).parts)
                continue
            below = os.open(part, DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        return os.open(path.name or "/", DIRECTORY, dir_fd=here)
    finally:
        os.close(here)


def _link_of_ours(here: int, name: str) -> str:
    """Where a link leads; empty for what is none, or where others can put something."""
    folder = os.fstat(here)
    if folder.st_uid not in (0, os.geteuid()) or folder.st_mode & _BY_OTHERS:
        return ""
    if not stat.S_ISLNK(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode):
        return ""
    return os.readlink(name, dir_fd=here)


@contextmanager
def beneath(
    root: Path | int, path: RelativePath, *, create: bool = False, mode: int = 0o755
) -> Iterator[int]:
    """:func:`open_beneath` that closes the descriptor at the end of the block."""
    directory = open_beneath(root, path, create=create, mode=mode)
    try:
        yield directory
    finally:
        os.close(directory)


def lstat_beneath(root: Path | int, path: RelativePath) -> os.stat_result | None:
    """What is at `path`, or `None` if nothing is, or the way there is not all directories."""
    parts = parts_of(path)
    try:
        with beneath(root, b"/".join(parts[:-1])) as parent:
            name = parts[-1] if parts else b"."
            return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None


def exists_beneath(root: Path | int, path: RelativePath) -> bool:
    """Whether anything, be it a dangling link, is at `path`."""
    return lstat_beneath(root, path) is not None


def mkdir_beneath(root: Path | int, path: RelativePath, mode: int = 0o755) -> None:
    """Make a directory and what is missing above it; harmless if it is there.

    Raises:
        NotADirectoryError: a link or a file is in the way.
    """
    os.close(open_beneath(root, path, create=True, mode=mode))


def open_file(directory: int, name: bytes, flags: int = os.O_RDONLY, mode: int = 0o666) -> int:
    """Open a regular file in an open directory; never a link, a device or a pipe.

    Raises:
        FileNotFoundError: nothing is there.
        OSError: something is there that is no regular file (`errno.ELOOP` or `EINVAL`).
    """
    # Without O_NONBLOCK a pipe that somebody planted would hold us for ever.
    safe = flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    descriptor = os.open(name, safe, mode, dir_fd=directory)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", os.fsdecode(name))
    return descriptor


def rename_new(source: int, name: bytes, directory: int, final: bytes) -> None:
    """Rename in one step, but never onto something that is there (`renameat2(2)`).

    Raises:
        FileExistsError: something is there.
        FileNotFoundError: `name` is not there any more.
        OSError: `errno.EINVAL` or `ENOSYS` where file system or kernel cannot do that.
    """
    # Not at the top: it takes longer than a start that has nothing to do.
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    sys.audit("os.rename", name, final, source, directory)
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if rename(source, name, directory, final, _RENAME_NOREPLACE):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), os.fsdecode(final))


def read_beneath(root: Path | int, path: RelativePath, limit: int = -1) -> bytes:
    """The content of a small regular file, at most `limit` bytes of it.

    Raises:
        FileNotFoundError: it does not exist, or the way there is not all directories.
        OSError: it is no regular file.
    """
    *above, name = parts_of(path)
    try:
        with beneath(root, b"/".join(above)) as parent:
            descriptor = open_file(parent, name)
    except NotADirectoryError as error:
        raise FileNotFoundError(errno.ENOENT, "no such file", os.fsdecode(name)) from error
    with os.fdopen(descriptor, "rb") as file:
        return file.read(limit)


def write_beneath(root: Path | int, path: RelativePath, content: bytes, mode: int = 0o666) -> None:
    """Put a whole small file in place of whatever is there, at once or not at all.

    A link at `path` is replaced, not followed. For our own records only: what a person wrote
    is never replaced like this.
    """
    *above, name = parts_of(path)
    with beneath(root, b"/".join(above)) as parent:
        draft = name + b".new"
        with suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=parent)
        created = open_file(parent, draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(created, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(created)
        os.rename(draft, name, src_dir_fd=parent, dst_dir_fd=parent)
