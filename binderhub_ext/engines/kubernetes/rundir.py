"""What belongs to one server besides its pod: a directory that goes when it goes."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

from ...core.layout import DataDirectory
from ...housekeeping import tidy_away
from .. import rundir

_DIGITS = 20


class RunDirectory(rundir.RunDirectory):
    """One server's directory."""

    @classmethod
    def of(cls, layout: DataDirectory, hub: str, user: str, server: str) -> RunDirectory:
        name = sha256(f"{hub}\0{user}\0{server}".encode()).hexdigest()[:_DIGITS]
        return cls(folder(layout) / name)

    @property
    def name(self) -> str:
        """No other server's in the cluster, whichever hub's it is."""
        return self.path.name

    async def remove(self) -> None:
        """Remove all of it."""
        await asyncio.to_thread(tidy_away, self.path)


def folder(layout: DataDirectory) -> Path:
    """Where the directories of this engine's servers are."""
    return layout.run / "pods"
