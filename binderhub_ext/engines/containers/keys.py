"""What is remembered of an environment's key beside its image: who is at work on it, last use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ...core.layout import DataDirectory
from ...locks import held_in_turn


class Keys:
    """The keys of one hub.

    Args:
        layout: its data directory.
    """

    def __init__(self, layout: DataDirectory) -> None:
        self._run = layout.run

    @asynccontextmanager
    async def locked(self, key: str) -> AsyncIterator[None]:
        """Hold the key's lock, waiting for other builders, of other services too."""
        async with held_in_turn(self.lock_path(key)):
            yield

    def lock_path(self, key: str) -> Path:
        """The file whose lock is the key's."""
        locks = self._run / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        return locks / key

    def mark_used(self, key: str) -> None:
        """Note that an image is used now."""
        path = self._used(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def last_use(self, key: str) -> float:
        """When an image was used last, in seconds since 1970; 0 if nobody knows."""
        try:
            return self._used(key).stat().st_mtime
        except OSError:
            return 0

    def forget(self, key: str) -> None:
        """The image is gone."""
        self._used(key).unlink(missing_ok=True)

    def _used(self, key: str) -> Path:
        return self._run / "images" / key
