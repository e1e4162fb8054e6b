"""Looking at files of a project and putting files into it, by descriptor.

Every function is safe against a process that changes the project at the same moment: no link
is followed, and nothing that is there is ever written to or replaced.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from contextlib import suppress

from ...beneath import beneath, open_beneath, open_file, rename_new
from .words import Found, Kind

_CHUNK = 1 << 20
_NAME_MAX = 255
TRIES = 1000
_NO_HARD_LINKS = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
_NO_RENAME_NEW = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class InTheWay(Exception):
    """Something is where a file was to be put; it was left as it is."""


def split(path: bytes) -> tuple[bytes, bytes]:
    """The directory and the name of a path."""
    above, _, name = path.rpartition(b"/")
    return above, name


def join(above: bytes, name: bytes) -> bytes:
    """The inverse of :func:`split`."""
    return above + b"/" + name if above else name


def look(root: int, path: bytes, algorithm: str) -> Found:
    """What is at `path` below the directory `root`, with Git's id of its content."""
    above, name = split(path)
    try:
        with beneath(root, above) as directory:
            return _look_at(directory, name, algorithm)
    except FileNotFoundError:
        return Found(Kind.ABSENT)
    except NotADirectoryError:
        return Found(Kind.BLOCKED, blocker=_blocker(root, above))


def _look_at(directory: int, name: bytes, algorithm: str) -> Found:
    mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    if stat.S_ISDIR(mode):
        return Found(Kind.DIRECTORY)
    try:
        if stat.S_ISLNK(mode):
            target = os.readlink(name, dir_fd=directory)
            return Found(Kind.LINK, _blob_id(target, algorithm))
        if stat.S_ISREG(mode):
            return _look_inside(directory, name, algorithm)
    except FileNotFoundError:
        raise
    except OSError:
        # Unreadable, or swapped for something else just now: certainly not as we put it.
        return Found(Kind.OTHER)
    return Found(Kind.OTHER)


def _look_inside(directory: int, name: bytes, algorithm: str) -> Found:
    descriptor = open_file(directory, name)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        digest = hashlib.new(algorithm, b"blob %d\0" % status.st_size, usedforsecurity=False)
        # A file that grows or shrinks meanwhile gets an id that nothing else has.
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return Found(Kind.FILE, digest.hexdigest(), bool(status.st_mode & stat.S_IXUSR))


def _blob_id(content: bytes, algorithm: str) -> str:
    data = b"blob %d\0" % len(content) + content
    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


def _blocker(root: int, above: bytes) -> bytes:
    """The first part of a path that is no directory."""
    parts = above.split(b"/")
    for count in range(1, len(parts) + 1):
        path = b"/".join(parts[:count])
        try:
            os.close(open_beneath(root, path))
        except OSError:
            return path
    return above


def put(source: int, name: bytes, root: int, path: bytes) -> None:
    """Let the file `name` of the directory `source` appear at `path` below `root`, whole.

    Raises:
        InTheWay: something is there, or a part of the path is no directory.
    """
    above, final = split(path)
    try:
        with beneath(root, above, create=True, mode=0o777) as directory:
            _link(source, name, directory, final)
    except (FileExistsError, NotADirectoryError) as error:
        raise InTheWay(path) from error


def _link(source: int, name: bytes, directory: int, final: bytes) -> None:
    try:
        os.link(name, final, src_dir_fd=source, dst_dir_fd=directory, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _copy(source, name, directory, final)


def _copy(source: int, name: bytes, directory: int, final: bytes) -> None:
    """For file systems without hard links: not whole at once, but as exclusive."""
    status = os.stat(name, dir_fd=source, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(name, dir_fd=source), final, dir_fd=directory)
        return
    with os.fdopen(open_file(source, name), "rb") as old:
        new = open_file(directory, final, _NEW, stat.S_IMODE(status.st_mode))
        with os.fdopen(new, "wb") as file:
            while chunk := old.read(_CHUNK):
                file.write(chunk)


def put_beside(
    source: int, name: bytes, root: int, path: bytes, algorithm: str, *, at: bytes, label: bytes
) -> bytes:
    """Put a file beside what has its name, with `label` in the name of the part `at`.

    Returns:
        Where it is now. If the same content is already there, nothing is put.
    """
    content = look(source, name, algorithm).content
    for count in range(1, TRIES):
        beside = labelled(at, label, count) + path[len(at) :]
        if look(root, beside, algorithm).content == content:
            return beside
        with suppress(InTheWay):
            put(source, name, root, beside)
            return beside
    raise InTheWay(path)


def move(source: int, name: bytes, directory: int, final: bytes) -> None:
    """Rename, but never onto something that is there.

    In one step: somebody may replace `name` by another file at any moment, as editors do that
    save by renaming, so a link under the new name and then an end of the old name would lose it.

    Raises:
        FileExistsError: something is there.
        FileNotFoundError: `name` is not there any more.
    """
    try:
        rename_new(source, name, directory, final)
    except OSError as error:
        if error.errno not in _NO_RENAME_NEW:
            raise
        _move_onto_ours(source, name, directory, final)


def _move_onto_ours(source: int, name: bytes, directory: int, final: bytes) -> None:
    """For file systems without `renameat2`: onto an empty file or folder made for that."""
    is_directory = stat.S_ISDIR(os.stat(name, dir_fd=source, follow_symlinks=False).st_mode)
    if is_directory:
        os.mkdir(final, dir_fd=directory)
    else:
        os.close(open_file(directory, final, _NEW, 0o600))
    try:
        os.rename(name, final, src_dir_fd=source, dst_dir_fd=directory)
    except OSError:
        with suppress(OSError):
            (os.rmdir if is_directory else os.unlink)(final, dir_fd=directory)
        raise


def labelled(path: bytes, label: bytes, count: int) -> bytes:
    """`dir/name.ext` as `dir/name.<label>.ext`, or with a number from the second time on."""
    above, name = split(path)
    stem, dot, extension = name.rpartition(b".")
    if not stem.strip(b".") or len(extension) > _NAME_MAX // 4:
        stem, dot, extension = name, b"", b""
    tail = b"." + label + (b"-%d" % count if count > 1 else b"") + dot + extension
    name = stem[: _NAME_MAX - len(tail)] + tail
    return join(above, name)


def remove_empty(root: int, above: bytes) -> None:
    """Remove a directory and those above it as far as they are empty."""
    while above:
        parent, name = split(above)
        try:
            with beneath(root, parent) as directory:
                os.rmdir(name, dir_fd=directory)
        except OSError:
            return
        above = parent


def set_executable(root: int, path: bytes, wanted: bool) -> None:
    """Give or take the executable bit where the file may be read, as Git does."""
    above, name = split(path)
    with suppress(OSError), beneath(root, above) as directory:
        descriptor = open_file(directory, name)
        try:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            readable = (mode & 0o444) >> 2
            os.fchmod(descriptor, mode | readable if wanted else mode & ~0o111)
        finally:
            os.close(descriptor)
