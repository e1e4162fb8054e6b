"""What belongs to one server besides its container: a directory that goes when it goes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ...core.layout import DataDirectory
from ...housekeeping import tidy_away
from .. import rundir
from .staging import clear


class RunDirectory(rundir.RunDirectory):
    """One server's directory."""

    @classmethod
    def of(cls, layout: DataDirectory, user: str, server: str) -> RunDirectory:
        return cls.among(folder(layout), str(layout.root), user, server)

    @property
    def staging(self) -> Path:
        return self.path / "mounts"

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
