"""`apt.txt`: the packages it names."""

from __future__ import annotations

import re

from .errors import BuildFailed
from .requirements import decode

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+(:[a-z0-9]+)?(=[A-Za-z0-9.+:~-]+)?")

_MOST = 2000
"""Packages that anybody names."""


def apt_words(content: bytes) -> tuple[str, ...]:
    """What a file names, as repo2docker reads it: several on a line are several packages."""
    lines = (line.partition("#")[0] for line in decode(content).splitlines())
    return tuple(sorted({word for line in lines for word in line.split()}))


def check_packages(path: str, words: tuple[str, ...]) -> None:
    """Refuse what apt would take for anything but a package.

    Args:
        path: of the file.
        words: what it names.

    Raises:
        BuildFailed: names the word, or says that there are too many.
    """
    if len(words) > _MOST:
        raise BuildFailed(
            "{path} names {count} packages; {limit} are allowed.",
            path=path,
            count=len(words),
            limit=_MOST,
        )
    for word in words:
        if not _PACKAGE.fullmatch(word):
            raise BuildFailed(
                "{path} names {word}, which is not a name of a package.", path=path, word=word[:80]
            )
