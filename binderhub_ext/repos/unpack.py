"""Take a zip apart without believing it; a program, so that its memory and time can be limited.

Files are written as `0`, `1`, … and listed on standard output as JSON lines
(`[number, path, mode]`), so that a name chosen by a stranger is never used as one of this
machine. What a name may be is judged here; what cannot be a file of a project is left out or
refused:

- absolute paths, `..` and links that lead out: the archive is hostile, refused as a whole;
- `.git` and macOS's `__MACOSX`: left out, they are no content;
- more files or bytes than allowed: refused when the limit is reached, whatever the archive
  claims.
"""

from __future__ import annotations

import json
import posixpath
import resource
import stat
import sys
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
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


def unpack(archive: Path, into: Path, files: int, size: int) -> Iterator[tuple[int, str, str]]:
    """Write the files of a zip as numbers and give number, path and Git's mode of each."""
    with zipfile.ZipFile(archive) as container:
        members = container.infolist()
        if len(members) > 2 * files + 1000:
            raise _Refused(TOO_LARGE)
        number, left, letters = 0, size, 0
        for member in members:
            path = safe_path(member.filename)
            if path is None:
                raise _Refused(HOSTILE)
            mode = _mode(member)
            if not mode or not is_content(path):
                continue
            letters += len(path)
            if number >= files or letters > _NAMES_MAX:
                raise _Refused(TOO_LARGE)
            with container.open(member) as content:
                left -= _copy(content, into / str(number), left)
            if mode == LINK and not _is_good_link(path, into / str(number)):
                raise _Refused(HOSTILE)
            yield number, path, mode
            number += 1


def _mode(member: zipfile.ZipInfo) -> str:
    """Git's mode, or nothing for a directory, a device and the like."""
    kind = member.external_attr >> 16
    if member.is_dir() or stat.S_IFMT(kind) not in {0, stat.S_IFREG, stat.S_IFLNK}:
        return ""
    if stat.S_ISLNK(kind):
        return LINK
    return EXECUTABLE if kind & stat.S_IXUSR else REGULAR


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
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError):
        return DAMAGED
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
