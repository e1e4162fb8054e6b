"""Take a zip or a tar apart without believing it.

A program, so that its memory and time can be limited.

Files are written as `0`, `1`, … and listed on standard output as JSON lines
(`[number, path, mode]`), so that a name chosen by a stranger is never used as one of this
machine. What a name may be is judged here; what cannot be a file of a project is left out or
refused:

- absolute paths, `..` and links that lead out: the archive is hostile, refused as a whole;
- `.git` and macOS's `__MACOSX`, devices and the like: left out, they are no content;
- more files or bytes than allowed: refused when the limit is reached, whatever the archive
  claims.
"""

from __future__ import annotations

import io
import json
import posixpath
import resource
import stat
import sys
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from typing import IO

REGULAR, EXECUTABLE, LINK = "100644", "100755", "120000"
HOSTILE, TOO_LARGE, DAMAGED = 3, 4, 5
"""Exit statuses."""

_MEMORY = 2 * 2**30
_CHUNK = 2**18
_LINK_MAX = 4096
_NAME_MAX = 4096
_NAMES_MAX = 2**24
"""Letters of all names together, which whoever runs this has in memory."""

_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, LZMAError),
    *(RuntimeError, NotImplementedError, EOFError, ValueError),
)
"""What their readers raise for what is no archive, or none that can be read here."""


class _Refused(Exception):
    """Ends the program with a status."""


def safe_path(name: str) -> str | None:
    """A path of an archive as one of a project, or `None` if it must not be one.

    Nothing is repaired but doubled and trailing slashes and `./`, so that no two readers see
    different files.
    """
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if not parts or name.startswith("/") or ".." in parts or "\0" in name or len(name) > _NAME_MAX:
        return None
    return "/".join(parts)


def is_content(path: str) -> bool:
    """Whether a safe path is a file people put there, and Git can keep."""
    parts = path.split("/")
    return parts[0] != "__MACOSX" and not any(_is_git(part) for part in parts)


def leads_inside(path: str, target: str) -> bool:
    """Whether a link at `path` to `target` stays within the project."""
    if target.startswith("/") or "\0" in target or not target:
        return False
    place = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return place != ".." and not place.startswith("../")


def _is_git(part: str) -> bool:
    """Every spelling some file system takes for `.git` (see git's `fsck`, `hasDotgit`)."""
    visible = "".join(letter for letter in part if unicodedata.category(letter) != "Cf")
    return visible.lower().rstrip(". ").split(":")[0] in {".git", "git~1"}


@dataclass
class _Room:
    """What may still be written, and where.

    Attributes:
        into: the folder; its files are called by their number.
        files, size: how many files, and bytes of all together, are allowed still.
        letters: of names, likewise.
    """

    into: Path
    files: int
    size: int
    letters: int = _NAMES_MAX
    number: int = 0

    def put(self, path: str, mode: str, content: IO[bytes]) -> tuple[int, str, str]:
        """Write a file; what is told of it."""
        self.letters -= len(path)
        if self.number >= self.files or self.letters < 0:
            raise _Refused(TOO_LARGE)
        place = self.into / str(self.number)
        self.size -= _copy(content, place, self.size)
        if mode == LINK and not _is_good_link(path, place):
            raise _Refused(HOSTILE)
        self.number += 1
        return self.number - 1, path, mode


def unpack(archive: Path, into: Path, files: int, size: int) -> Iterator[tuple[int, str, str]]:
    """Write the files of an archive as numbers and give number, path and Git's mode of each."""
    room = _Room(into, files, size)
    with archive.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if is_zip:
        with zipfile.ZipFile(archive) as container:
            yield from _of_zip(container, room)
    else:
        with tarfile.open(archive, "r:*") as packed:
            yield from _of_tar(packed, room)


def _of_zip(container: zipfile.ZipFile, room: _Room) -> Iterator[tuple[int, str, str]]:
    members = container.infolist()
    if len(members) > 2 * room.files + 1000:
        raise _Refused(TOO_LARGE)
    for member in members:
        path = safe_path(member.filename)
        if path is None:
            raise _Refused(HOSTILE)
        mode = _mode(member)
        if mode and is_content(path):
            with container.open(member) as content:
                yield room.put(path, mode, content)


def _of_tar(packed: tarfile.TarFile, room: _Room) -> Iterator[tuple[int, str, str]]:
    """The members one after the other: what is left out has to be read too, and counts."""
    written: dict[str, tuple[int, str]] = {}
    most = 2 * room.files + 1000
    for member in packed:
        most -= 1
        path = safe_path(member.name)
        if member.size < 0:
            raise _Refused(DAMAGED)
        if path is None and not (member.isdir() and not member.name.strip("./")):
            raise _Refused(HOSTILE)
        mode = _mode_in_tar(member)
        if not path or not mode or not is_content(path):
            room.size -= member.size
            if most < 0 or room.size < 0:
                raise _Refused(TOO_LARGE)
            continue
        if member.islnk():
            first = written.get(safe_path(member.linkname) or "")
            if first is None:
                raise _Refused(HOSTILE)
            mode = first[1]
            with (room.into / str(first[0])).open("rb") as content:
                put = room.put(path, mode, content)
        else:
            put = room.put(path, mode, _content(packed, member))
        written[path] = put[0], mode
        packed.members = []  # type: ignore[attr-defined]  # it would remember every one of them
        yield put


def _content(packed: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    if member.issym():
        return io.BytesIO(member.linkname.encode(errors="surrogateescape"))
    content = packed.extractfile(member)
    if content is None:
        raise _Refused(DAMAGED)
    return content


def _mode(member: zipfile.ZipInfo) -> str:
    """Git's mode, or nothing for a directory, a device and the like."""
    kind = member.external_attr >> 16
    if member.is_dir() or stat.S_IFMT(kind) not in {0, stat.S_IFREG, stat.S_IFLNK}:
        return ""
    if stat.S_ISLNK(kind):
        return LINK
    return EXECUTABLE if kind & stat.S_IXUSR else REGULAR


def _mode_in_tar(member: tarfile.TarInfo) -> str:
    """Likewise; a second name of a file is one more file."""
    if member.issym():
        return LINK
    if not (member.isreg() or member.islnk()):
        return ""
    return EXECUTABLE if member.mode & stat.S_IXUSR else REGULAR


def _copy(content: IO[bytes], path: Path, limit: int) -> int:
    size = 0
    with path.open("xb") as file:
        while part := content.read(_CHUNK):
            size += len(part)
            if size > limit:
                raise _Refused(TOO_LARGE)
            file.write(part)
    return size


def _is_good_link(path: str, content: Path) -> bool:
    if content.stat().st_size > _LINK_MAX:
        return False
    return leads_inside(path, content.read_bytes().decode(errors="surrogateescape"))


def main(archive: str, into: str, files: str, size: str) -> int:
    """Unpack; the exit status says what was wrong."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    try:
        for found in unpack(Path(archive), Path(into), int(files), int(size)):
            print(json.dumps(found))
    except _Refused as refusal:
        return int(refusal.args[0])
    except MemoryError:
        return TOO_LARGE
    except _BROKEN:
        return DAMAGED
    except OSError as error:
        if error.errno:
            raise
        return DAMAGED  # as some decompressors put it
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
