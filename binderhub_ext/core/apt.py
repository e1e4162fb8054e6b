"""Packages of Debian: those that `apt.txt` names, and all that an environment asks for."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from .errors import BuildFailed
from .requirements import decode

_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+(:[a-z0-9]+)?(=[A-Za-z0-9.+:~-]+)?")

MOST = 2000
"""Packages that anybody names."""


@dataclass(frozen=True)
class Packages:
    """What a system has besides what every system has.

    Attributes:
        path: the file that asks for them.
        asked: what has to be there.
        wished: what is taken where the sources have it.
    """

    path: str = ""
    asked: tuple[str, ...] = ()
    wished: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.asked)


def apt_words(content: bytes) -> tuple[str, ...]:
    """What a file names, as repo2docker reads it: several on a line are several packages."""
    lines = (line.partition("#")[0] for line in decode(content).splitlines())
    return tuple(sorted({word for line in lines for word in line.split()}))


def check_count(path: str, words: Collection[str]) -> None:
    """Refuse a file that names more packages than anybody does.

    Raises:
        BuildFailed.
    """
    if len(words) > MOST:
        raise BuildFailed(
            "{path} names {count} packages; {limit} are allowed.",
            path=path,
            count=len(words),
            limit=MOST,
        )


def check_packages(path: str, words: tuple[str, ...]) -> None:
    """Refuse what apt would take for anything but a package.

    Args:
        path: of the file.
        words: what it names.

    Raises:
        BuildFailed: names the word, or says that there are too many.
    """
    check_count(path, words)
    for word in words:
        if not _PACKAGE.fullmatch(word):
            raise BuildFailed(
                "{path} names {word}, which is not a name of a package. Name packages alone, or "
                "with a version, such as figlet=2.2.5-3.",
                path=path,
                word=word[:80],
            )
