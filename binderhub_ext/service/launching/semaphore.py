"""Waiting for one of a few places, first come first served, knowing how many are ahead."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class FairSemaphore:
    """A bounded number of places.

    Args:
        places: how many may be inside at once.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[object] = deque()
        self._moved = asyncio.Event()

    @asynccontextmanager
    async def acquired(self, moved: Callable[[int], None]) -> AsyncIterator[None]:
        """Have one of the places in the block, waiting for it as long as it takes.

        Args:
            moved: is told how many are ahead, each time that changes.
        """
        await self._take(moved)
        try:
            yield
        finally:
            self._free += 1
            self._move()

    async def _take(self, moved: Callable[[int], None]) -> None:
        me = object()
        self._waiting.append(me)
        try:
            told = 0
            while ahead := self._ahead(me):
                if ahead != told:
                    moved(ahead)
                    told = ahead
                await self._moved.wait()
            self._free -= 1
        finally:
            self._waiting.remove(me)
            self._move()

    def _ahead(self, me: object) -> int:
        """How many must leave before `me` may enter; 0 for now."""
        return max(self._waiting.index(me) + 1 - self._free, 0)

    def _move(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
