"""What a ref was found to stand for, as people read it. Pure; imports next to nothing."""

from __future__ import annotations

import re

_DIGITS = 7
_HASH = re.compile(r"[0-9a-f]{12,}(?:-[a-z0-9]+)?")
_NUMBERED = re.compile(r".+\.(v\d[\w.]*)")


def short_id(id: str) -> str:
    """Enough of a commit or of an archive's version to tell it from others of its repository.

    Of a hash the first digits; of `<archive>.v<version>`, as archives with versions have them,
    the version; anything else whole.
    """
    if _HASH.fullmatch(id):
        return id[:_DIGITS]
    numbered = _NUMBERED.fullmatch(id)
    return numbered[1] if numbered else id
