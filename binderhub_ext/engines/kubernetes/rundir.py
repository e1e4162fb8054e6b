"""What belongs to one server besides its pod: a directory that goes when it goes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ...core.layout import DataDirectory
from ...housekeeping import tidy_away
from .. import rundir


class RunDirectory(rundir.RunDirectory):
    """One server's directory."""

    @classmethod
    def of(cls, layout: DataDirectory, hub: str, user: str, server: str) -> RunDirectory:
        return cls.among(folder(layout), hub, user, server)

    async def remove(self) -> None:
        """Remove all of it."""
        await asyncio.to_thread(tidy_away, self.path)


def folder(layout: DataDirectory) -> Path:
    """Where the directories of this engine's servers are."""
    return layout.run / "pods"
