"""Julia: the versions that a project's `[compat]` allows, as conda is asked for them."""

from __future__ import annotations

import re

from .errors import BuildFailed
from .tomltext import parse_toml

DEFAULT = "1.6"
"""What counts where a project names no version, as with repo2docker: any from that on, below 2."""

_LONGEST = 200

_NUMBER = r"v?(\d{1,4}(?:\.\d{1,4}){0,2})"
_ONE = re.compile(rf"(\^|~|==?|>=|<=|≥|≤|>|<|)\s*{_NUMBER}", re.ASCII)
_BETWEEN = re.compile(rf"{_NUMBER}\s+-\s+{_NUMBER}", re.ASCII)
_SAME = {"≥": ">=", "≤": "<=", "=": "=="}

Version = tuple[int, ...]


def compat(content: bytes) -> str:
    """What a `Project.toml` says of Julia; empty where it says nothing that can be read."""
    try:
        asked = parse_toml(content).get("compat", {}).get("julia", "")
    except (ValueError, AttributeError):
        return ""
    return asked.strip()[:_LONGEST] if isinstance(asked, str) else ""


def limits(asked: str) -> str:
    """The versions that conda may take.

    Args:
        asked: what :func:`compat` found; of several, one is enough.

    Raises:
        BuildFailed: it is not what Julia's package manager understands.
    """
    return "|".join(_limit(asked, part.strip()) for part in (asked or DEFAULT).split(","))


def _limit(asked: str, part: str) -> str:
    if between := _BETWEEN.fullmatch(part):
        first, last = _version(between[1]), _version(between[2])
        whole = len(last) == 3
        return f">={_text(first)},<={_text(last)}" if whole else _range(first, _next(last))
    found = _ONE.fullmatch(part)
    if not found:
        raise BuildFailed(
            "{asked} is no version of Julia. Write one under [compat] such as 1.10 or ~1.10.",
            asked=asked or '""',
        )
    how, version = found[1], _version(found[2])
    if how in ("", "^"):
        return _range(version, _next(version[: _first_that_counts(version)]))
    if how == "~":
        zeros = not any(version[:2])
        return _range(version, _next(version if zeros else version[:2]))
    return f"{_SAME.get(how, how)}{_text((*version, 0, 0)[:3])}"


def _first_that_counts(version: Version) -> int:
    """How many numbers have to stay: up to the first that is not zero, or all."""
    counts = (place for place, number in enumerate(version, 1) if number)
    return next(counts, len(version))


def _range(first: Version, below: Version) -> str:
    return f">={_text(first)},<{_text(below)}"


def _next(version: Version) -> Version:
    return (*version[:-1], version[-1] + 1)


def _version(text: str) -> Version:
    return tuple(map(int, text.split(".")))


def _text(version: Version) -> str:
    return ".".join(map(str, version))
