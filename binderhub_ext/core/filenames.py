"""Names that people give to files which they bring. Pure."""

from __future__ import annotations

import unicodedata

from .errors import BadLink
from .plain import shown

NAME_MAX = 255
"""Bytes that file systems take."""

_HIDDEN = {"Cc", "Cs", "Zl", "Zp"}
_TURNING = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters after which the rest is shown in another order, such as `exe.txt` for `txt.exe`."""


def check_file_name(name: str) -> str:
    """A name for one new file, in one folder.

    Raises:
        BadLink: no file should be called that.
    """
    if not name or name in (".", ".."):
        raise BadLink("{given} is not the name of a file. Give it another one.", given=shown(name))
    if "/" in name or "\\" in name:
        raise BadLink(
            "{given} names a folder, too. Go to that folder first, and give the file's name alone.",
            given=shown(name),
        )
    if any(unicodedata.category(c) in _HIDDEN or c in _TURNING for c in name):
        raise BadLink(
            "The name {given} has a character that nobody sees. Rename the file.", given=shown(name)
        )
    if len(name.encode()) > NAME_MAX:
        raise BadLink(
            "The name {given} is too long: {most} bytes are allowed. Rename the file.",
            given=shown(name),
            most=NAME_MAX,
        )
    return name


def numbered(name: str, number: int) -> str:
    """What a file is called where `number` others have its name: `data (1).csv`.

    Never longer than a name may be.
    """
    if not number:
        return name
    stem, ending = _parted(name)
    mark = f" ({number})"
    room = NAME_MAX - len(mark.encode()) - len(ending.encode())
    return stem.encode()[:room].decode(errors="ignore") + mark + ending


def _parted(name: str) -> tuple[str, str]:
    """A name without its ending, and the ending, which may be a double one such as `.tar.gz`."""
    stem, dot, ending = name.rpartition(".")
    if not stem.strip(".") or len(ending.encode()) > 16:
        return name, ""
    before, inner, tar = stem.rpartition(".")
    if inner and tar == "tar" and before.strip("."):
        return before, f".tar.{ending}"
    return stem, dot + ending
