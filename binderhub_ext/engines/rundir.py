"""What belongs to one running server: a directory that is there exactly as long as it is."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Self

DIGITS = 20
_STORED = "stored"


class Owner(NamedTuple):
    """Whose a person's files are, by numbers of the host; `None` for this process's own."""

    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True)
class RunDirectory(ABC):
    """One server's directory; the Hub's own, except for `home`.

    Attributes:
        path: its place in the data directory.
    """

    path: Path

    @classmethod
    def among(cls, folder: Path, *words: str) -> Self:
        """The one in a folder that is told from all others by some words."""
        return cls(folder / sha256("\0".join(words).encode()).hexdigest()[:DIGITS])

    @property
    def name(self) -> str:
        """No other server has it where this one runs, whatever Hub it is of."""
        return self.path.name

    @property
    def home(self) -> Path:
        """The home of a server that keeps nothing."""
        return self.path / "home"

    @property
    def shown(self) -> Path:
        """What the project's folder of volumes holds, besides these."""
        return self.path / "shown"

    @property
    def stored(self) -> Path:
        """There once the Hub's database knows of the server."""
        return self.path / _STORED

    def mark_stored(self) -> None:
        """Say that the Hub's database knows of it; nothing if it is gone."""
        with suppress(FileNotFoundError):
            self.stored.touch()

    async def make(self, owner: Owner) -> None:
        """Make it; whatever an earlier start left was removed."""
        self.path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.path.mkdir(mode=0o711)

    def make_theirs(self, place: Path, owner: Owner) -> None:
        """Make a folder that is the person's, such as `home`."""
        place.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(place, *(-1 if number is None else number for number in owner))

    def make_shown(self) -> None:
        """Make the folder of volumes: Git passes it over, and the person only reads it."""
        self.shown.mkdir()
        self.shown.chmod(0o755)
        ignored = self.shown / ".gitignore"
        ignored.write_text("*\n")
        ignored.chmod(0o644)

    @abstractmethod
    async def remove(self) -> None:
        """Remove all of it, with what an engine keeps beside it; harmless if it is gone."""


def lost(folder: Path, running: Collection[str]) -> list[str]:
    """Names of servers that no Hub finds again: it has not stored them, or they do not run.

    Args:
        folder: has the directories.
        running: names of the servers that run.
    """
    known = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    found = {name for name in running if (folder / name / _STORED).exists()}
    return sorted({*known, *running} - found)
