"""What happens during a start, for those who watch it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any


class Progress:
    """What happens during a start, told to any number of watchers from the beginning."""

    def __init__(self) -> None:
        self._events: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self._ended = False

    def tell(self, progress: int, message: str, **data: Any) -> None:
        self._events.append({"progress": progress, "message": message, **data})
        self._wake()

    def end(self) -> None:
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """Every event so far and to come, until the start is over."""
        told = 0
        while True:
            news = self._news
            for event in self._events[told:]:
                told += 1
                yield event
            if self._ended and told == len(self._events):
                return
            if told == len(self._events):
                await news.wait()
