"""What belongs to one server besides its container: a directory that goes when it goes."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ...core.layout import DataDirectory
from ...housekeeping import tidy_away
from .staging import clear

_DIGITS = 20


@dataclass(frozen=True)
class RunDirectory:
    """One server's directory.

    Attributes:
        path: its place.
    """

    path: Path

    @classmethod
    def of(cls, layout: DataDirectory, user: str, server: str) -> RunDirectory:
        name = sha256(f"{layout.root}\0{user}\0{server}".encode()).hexdigest()[:_DIGITS]
        return cls(folder(layout) / name)

    @property
    def name(self) -> str:
        """No other server's on this machine, whichever hub's it is."""
        return self.path.name

    @property
    def staging(self) -> Path:
        return self.path / "mounts"

    @property
    def home(self) -> Path:
        """The home of a server that keeps nothing."""
        return self.path / "home"

    @property
    def stored(self) -> Path:
        """There once the Hub's database knows of the server."""
        return self.path / "stored"

    async def make(self) -> None:
        """Make it anew."""
        await self.remove()
        self.path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.path.mkdir(mode=0o711)

    def make_home(self, uid: int, gid: int) -> None:
        """Make the home of a server that keeps nothing."""
        self.home.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(self.home, uid, gid)

    async def remove(self) -> None:
        """Remove all of it; what is mounted in it is only taken away."""
        await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        clear(self.staging)
        if self.staging.exists():
            # Something could not be unmounted: nothing near it is removed.
            return
        tidy_away(self.path)


def folder(layout: DataDirectory) -> Path:
    """Where the directories of this engine's servers are."""
    return layout.run / "containers"
