"""One piece of work for everybody who asks for it at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Runs each named piece of work once, all who ask meanwhile see all of its items.

    The work ends when it is done or when nobody watches any more. Its failure is everybody's.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def join(self, key: Hashable, start: Callable[[], AsyncIterator[T]]) -> AsyncIterator[T]:
        """Watch the work `key` from its beginning, starting it if it is not going on."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(start())
        try:
            async for item in flight.watch():
                yield item
        finally:
            if flight.deserted and self._flights.get(key) is flight:
                del self._flights[key]
            await flight.end_if_deserted()


class _Flight(Generic[T]):
    def __init__(self, work: AsyncIterator[T]) -> None:
        self._items: list[T] = []
        self._news = asyncio.Event()
        self._watchers = 0
        self._task = asyncio.create_task(self._run(work))
        self._task.add_done_callback(lambda _task: self._tell())

    @property
    def deserted(self) -> bool:
        return self._watchers == 0

    async def watch(self) -> AsyncIterator[T]:
        self._watchers += 1
        try:
            seen = 0
            while True:
                news = self._news
                while seen < len(self._items):
                    seen += 1
                    yield self._items[seen - 1]
                if self._task.done():
                    break
                if news is self._news:
                    await news.wait()
            self._task.result()
        finally:
            self._watchers -= 1

    async def end_if_deserted(self) -> None:
        if self.deserted and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, work: AsyncIterator[T]) -> None:
        async for item in work:
            self._items.append(item)
            self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
