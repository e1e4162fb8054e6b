"""Copying what somebody has elsewhere to a place of ours, as often as it takes until it is whole.

A copy that was killed is gone on with: a file is whole when it has the size and the time of the
original, which it gets last. Hard links and holes are kept. Links are copied and never followed.
Not copied are access lists, the bits that lend rights, and what is no file: sockets, pipes and the
like.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import fsencode

from ..beneath import beneath, lstat_beneath, open_beneath, open_file
from .trees import DEEPEST, folders_beneath, remove_beneath

_CHUNK = 1 << 20
_RIGHTS = 0o777
_OURS = 0o700
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_NO_FILE = (errno.EINVAL, errno.ELOOP)


@dataclass
class Copied:
    """What became of a copy.

    Attributes:
        files: how many files and links are there now.
        bytes: how long they are together; one with several names counts once.
        left: what is no file, relative to the originals.
        unread: what was closed to us, likewise.
    """

    files: int = 0
    bytes: int = 0
    left: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


class Copy:
    """A copy that is being made.

    Args:
        source: descriptor of the folder that has the originals.
        target: descriptor of a folder of ours, into which nobody else gets.
        owner: uid and gid of what is made; -1 for this process's own.
    """

    def __init__(self, source: int, target: int, owner: tuple[int, int]) -> None:
        self.source, self.target, self.owner = source, target, owner
        self.done = Copied()
        self._linked: dict[tuple[int, int], str] = {}

    def add(self, name: str) -> None:
        """Copy a file, a link, or a folder with all that is in it.

        Raises:
            TooDeep: folders are nested deeper than anybody needs.
            OSError: it cannot be written; what is missing can be copied later.
        """
        status = os.stat(name, dir_fd=self.source, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            self._add_folders(name)
        else:
            self._add_file(self.source, name, self.target, name)

    def _add_folders(self, top: str) -> None:
        try:
            os.close(open_beneath(self.source, fsencode(top)))
        except PermissionError:
            self.done.unread.append(top)
            return
        # One further down that is closed to us is known by its not being entered.
        waiting = {top}
        for folder in folders_beneath(self.source, top, deepest=DEEPEST):
            path = f"{top}/{folder.path}" if folder.path else top
            waiting.discard(path)
            with self._made(path, folder.descriptor) as target:
                for entry in folder.entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.add(f"{path}/{entry.name}")
                    else:
                        self._add_file(
                            folder.descriptor, entry.name, target, f"{path}/{entry.name}"
                        )
        self.done.unread += sorted(waiting)

    @contextmanager
    def _made(self, path: str, original: int) -> Iterator[int]:
        """A folder of the copy, made if it is not there; its person may always enter it."""
        with beneath(self.target, fsencode(path), create=True, mode=_OURS) as made:
            os.fchown(made, *self.owner)
            os.fchmod(made, os.fstat(original).st_mode & _RIGHTS | _OURS)
            yield made

    def _add_file(self, folder: int, name: str, target: int, path: str) -> None:
        try:
            link, opened = _opened(folder, name)
        except FileNotFoundError:
            return
        except OSError as error:
            (self.done.left if error.errno in _NO_FILE else self.done.unread).append(path)
            return
        if opened < 0:
            self._put_link(link, target, name)
        else:
            try:
                self._put_file(opened, target, name, path)
            finally:
                os.close(opened)
        self.done.files += 1

    def _put_link(self, link: bytes, target: int, name: str) -> None:
        if lstat_beneath(target, fsencode(name)):
            remove_beneath(target, fsencode(name))
        os.symlink(link, fsencode(name), dir_fd=target)
        os.chown(name, *self.owner, dir_fd=target, follow_symlinks=False)

    def _put_file(self, opened: int, target: int, name: str, path: str) -> None:
        status = os.fstat(opened)
        inode = (status.st_dev, status.st_ino)
        first = self._linked.get(inode)
        there = lstat_beneath(target, fsencode(name))
        if first is None:
            self.done.bytes += status.st_size
            if status.st_nlink > 1:
                self._linked[inode] = path
            if there and _is_whole(there, status):
                return
        if there:
            remove_beneath(target, fsencode(name))
        if first is None:
            self._write(opened, status, target, name)
        else:
            self._link(first, target, name)

    def _link(self, first: str, target: int, name: str) -> None:
        above, _, last = first.rpartition("/")
        with beneath(self.target, fsencode(above)) as folder:
            os.link(last, name, src_dir_fd=folder, dst_dir_fd=target, follow_symlinks=False)

    def _write(self, opened: int, status: os.stat_result, target: int, name: str) -> None:
        made = open_file(target, fsencode(name), _NEW, 0o600)
        try:
            _write_data(opened, made, status.st_size)
            os.fchown(made, *self.owner)
            os.fchmod(made, status.st_mode & _RIGHTS)
            os.utime(made, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(made)


def _opened(folder: int, name: str) -> tuple[bytes, int]:
    """Where a link leads and -1; or nothing, and a file that was opened to be read.

    Raises:
        OSError: it is neither, is gone, or is closed to us.
    """
    mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        return _read_link(folder, name), -1
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "no file", name)
    return b"", open_file(folder, fsencode(name))


def _read_link(folder: int, name: str) -> bytes:
    return os.readlink(fsencode(name), dir_fd=folder)


def _is_whole(there: os.stat_result, original: os.stat_result) -> bool:
    return stat.S_ISREG(there.st_mode) and (
        (there.st_size, there.st_mtime_ns) == (original.st_size, original.st_mtime_ns)
    )


def _write_data(source: int, target: int, size: int) -> None:
    """Write what is in a file, and leave its holes."""
    at = 0
    while at < size:
        try:
            at = os.lseek(source, at, os.SEEK_DATA)
            end = min(os.lseek(source, at, os.SEEK_HOLE), size)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            break
        while at < end and (data := os.pread(source, min(_CHUNK, end - at), at)):
            at += os.pwrite(target, data, at)
    os.ftruncate(target, size)
