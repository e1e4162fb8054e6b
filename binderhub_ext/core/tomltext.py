"""TOML that somebody else wrote. Pure; only the standard library is imported."""

from __future__ import annotations

import tomllib
from typing import Any

from .requirements import decode

_BYTES = 2**18
_DOTS = 1_000
"""In one line: the time that tomllib takes for a dotted key grows with the square of its parts."""


def parse_toml(content: bytes, limit: int = _BYTES) -> dict[str, Any]:
    """The tables that a file's content has.

    Args:
        limit: bytes that it may have.

    Raises:
        ValueError: it is not TOML, or such that it would take long to read.
    """
    if len(content) > limit:
        raise ValueError("too large")
    text = decode(content)
    if any(line.count(".") > _DOTS for line in text.splitlines()):
        raise ValueError("a line with too many parts")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
