"""Waiting for one of a few places, first come first served, knowing how many are ahead."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator


class Turns:
    """A bounded number of places.

    Args:
        places: how many may be inside at once.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[object] = deque()
        self._moved = asyncio.Event()

    async def take(self) -> AsyncIterator[int]:
        """Wait for a place, yielding how many are ahead each time that changes.

        When the iterator ends the caller has the place and must :meth:`leave` it. Closing the
        iterator before its end gives up waiting.
        """
        me = object()
        self._waiting.append(me)
        try:
            told = 0
            while ahead := self._ahead(me):
                moved = self._moved
                if ahead != told:
                    yield ahead
                    told = ahead
                await moved.wait()
            # nothing may be awaited between having the place and the iterator's end
            self._free -= 1
        finally:
            self._waiting.remove(me)
            self._move()

    def leave(self) -> None:
        self._free += 1
        self._move()

    def _ahead(self, me: object) -> int:
        """How many must leave before `me` may enter; 0 for now."""
        return max(self._waiting.index(me) + 1 - self._free, 0)

    def _move(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
