"""A folder of somebody's as a zip archive, made while it is sent."""

from __future__ import annotations

import io
import os
import stat
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from ..beneath import RelativePath, open_file
from .trees import DEEPEST, Folder, folders_beneath

_BLOCK = 1 << 20
_FIRST, _LAST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)
"""The moments that zip knows."""


def zipped(root: Path, path: RelativePath) -> Generator[bytes]:
    """The archive, piece by piece, some of them empty; holds a megabyte at a time, however much
    there is, and no piece takes longer than a file or what is listed of a folder.

    Only regular files, as long as each was when it was opened: a link could lead anywhere. What
    goes away meanwhile, or is closed, is left out.

    Args:
        root: a directory nobody else can rename things in.
        path: the folder, relative to it.

    Raises:
        FileNotFoundError, NotADirectoryError: there is no such folder.
        TooDeep: more than `DEEPEST` folders are nested.
    """
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for folder in folders_beneath(root, path, deepest=DEEPEST):
            yield sink.taken()
            for name in _files(folder):
                yield from _member(archive, sink, folder, name)
                yield sink.taken()
    yield sink.taken()


class _Sink(io.RawIOBase):
    """Keeps what is written until somebody takes it; cannot go back in it."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self._kept.append(bytes(data))  # type: ignore[call-overload]
        return len(self._kept[-1])

    def taken(self) -> bytes:
        kept, self._kept = self._kept, []
        return b"".join(kept)


def _files(folder: Folder) -> list[bytes]:
    return [
        os.fsencode(entry.name) for entry in folder.entries if entry.is_file(follow_symlinks=False)
    ]


def _member(archive: ZipFile, sink: _Sink, folder: Folder, name: bytes) -> Iterator[bytes]:
    try:
        descriptor = open_file(folder.descriptor, name)
    except OSError:
        return
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        where = b"/".join(filter(None, (os.fsencode(folder.path), name)))
        about = ZipInfo(_unpackable(where), _moment(status.st_mtime))
        about.compress_type = ZIP_DEFLATED
        about.external_attr = (stat.S_IFREG | status.st_mode & 0o755) << 16
        left = status.st_size
        with archive.open(about, "w", force_zip64=True) as member:
            while left and (block := file.read(min(left, _BLOCK))):
                member.write(block)
                left -= len(block)
                if left:
                    yield sink.taken()


def _unpackable(path: bytes) -> str:
    """A path as every system unpacks it; some take a backslash for one that parts folders."""
    return path.decode("utf-8", "replace").replace("\\", "\N{FULLWIDTH REVERSE SOLIDUS}")


def _moment(seconds: float) -> tuple[int, int, int, int, int, int]:
    moment = time.gmtime(max(seconds, 0))[:6]
    return min(max(moment, _FIRST), _LAST)
