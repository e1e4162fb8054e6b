"""What the program does with somebody's files: by descriptor, through no link."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from secrets import token_hex
from stat import S_ISDIR, S_ISLNK, S_ISREG
from time import time
from typing import Any, BinaryIO

from ...beneath import beneath, open_file, parts_of
from ...core.filenames import numbered
from ...locks import try_lock
from .words import HEAD, piece_size

MOST = 2000
"""Entries of one folder that are shown: somebody may have made a million."""

_BLOCK = 1 << 20
_NUMBERS = 100
_DRAFT = ".coming-"
_IS_DRAFT = re.compile(rf"{re.escape(_DRAFT)}[0-9a-f]{{16}}")
_LOOKED_THROUGH = 50_000
"""Entries among which are looked for drafts that nobody writes."""

_BEGINS = 60.0
"""Seconds after which a draft that is being written has its lock."""

_DAY = 86400.0


def look(root: int, path: str) -> dict[str, Any]:
    """What is in a folder, in no order.

    Raises:
        OSError, ValueError: it cannot be opened.
    """
    with beneath(root, path) as folder:
        sweep(folder)
        with os.scandir(folder) as entries:
            found = [about for entry in islice(entries, MOST) if (about := _about(entry))]
            return {"entries": found, "more": next(entries, None) is not None}


@contextmanager
def opened(root: int, path: str, name: str) -> Iterator[tuple[BinaryIO, int]]:
    """A file to read, with its size.

    Raises:
        OSError, ValueError: there is none, or something else.
    """
    with beneath(root, path) as folder:
        descriptor = open_file(folder, _one(name))
    with os.fdopen(descriptor, "rb") as file:
        yield file, os.fstat(descriptor).st_size


@dataclass
class Draft:
    """A file that is being written, under a name of its own until it is whole."""

    folder: int
    draft: bytes
    file: BinaryIO

    def keep(self, name: str) -> str:
        """Give it its name, or the next that is free; never another file's place.

        Raises:
            OSError: there is no room, or no name is free.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        _one(name)
        for number in range(_NUMBERS):
            free = numbered(name, number)
            try:
                # What a rename would replace, a link refuses; on every file system.
                os.link(
                    self.draft,
                    os.fsencode(free),
                    src_dir_fd=self.folder,
                    dst_dir_fd=self.folder,
                    follow_symlinks=False,
                )
            except FileExistsError:
                continue
            return free
        raise FileExistsError(errno.EEXIST, "no name is free")


@contextmanager
def new_file(root: int, path: str) -> Iterator[Draft]:
    """A new file in a folder, of which nothing is left unless it is kept.

    Raises:
        OSError, ValueError: the folder is not there, or closed.
    """
    with beneath(root, path) as folder:
        sweep(folder)
        draft = f"{_DRAFT}{token_hex(8)}".encode()
        descriptor = open_file(folder, draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with suppress(OSError):
            try_lock(descriptor)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield Draft(folder, draft, file)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(draft, dir_fd=folder)


def sweep(folder: int) -> None:
    """Remove from an open folder what uploads left that were killed, as far as one may."""
    with os.scandir(folder) as entries:
        names = [e.name for e in islice(entries, _LOOKED_THROUGH) if _IS_DRAFT.fullmatch(e.name)]
    for name in names:
        with suppress(OSError):
            _remove_left(folder, os.fsencode(name))


def _remove_left(folder: int, draft: bytes) -> None:
    """Remove a draft that nobody writes any more; whoever does holds a lock on it.

    Raises:
        OSError: somebody writes it, or it cannot be removed.
    """
    descriptor = open_file(folder, draft, os.O_WRONLY)
    try:
        age = time() - os.fstat(descriptor).st_mtime
        if age < _BEGINS:
            return
        try:
            if not try_lock(descriptor):
                return
        except OSError:  # a file system without locks
            if age < _DAY:
                return
        os.unlink(draft, dir_fd=folder)
    finally:
        os.close(descriptor)


def copy_pieces(source: BinaryIO, target: BinaryIO, most: int) -> None:
    """All pieces up to the end that is said, of so many bytes at most.

    Raises:
        BrokenPipeError: the end is not there.
        OSError: there are more.
    """
    while size := piece_size(source.read(HEAD)):
        most -= size
        if most < 0:
            raise OSError(errno.EFBIG, "more bytes than were said")
        copy(source, target, size)


def copy(source: BinaryIO, target: BinaryIO, size: int) -> None:
    """So many bytes and no more.

    Raises:
        BrokenPipeError: there are fewer.
    """
    while size:
        block = source.read(min(size, _BLOCK))
        if not block:
            raise BrokenPipeError(errno.EPIPE, "the file ended early")
        target.write(block)
        size -= len(block)


def _one(name: str) -> bytes:
    """The name of something in a folder.

    Raises:
        ValueError: it is a path.
    """
    (part,) = parts_of(name)
    return part


def _about(entry: os.DirEntry[str]) -> dict[str, Any] | None:
    """An entry as it is shown; nothing if it has gone."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    kinds = {"folder": S_ISDIR, "file": S_ISREG, "link": S_ISLNK}
    kind = next((kind for kind, test in kinds.items() if test(status.st_mode)), "other")
    return {
        "name": entry.name,
        "kind": kind,
        "size": status.st_size if kind == "file" else None,
        "changed": status.st_mtime,
    }
