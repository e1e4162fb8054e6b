"""Iterators of events whose last item is a result: the shape of all our long work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from ..core.progress import Event

T = TypeVar("T")


@asynccontextmanager
async def closing(items: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Close an iterator at the end of the block, so that what it runs ends there too."""
    try:
        yield items
    finally:
        if aclose := getattr(items, "aclose", None):
            await aclose()


class Flow(Generic[T]):
    """Passes on events, and keeps the result that comes last.

    Args:
        items: the events and, last, the result.
    """

    _result: T | None = None

    def __init__(self, items: AsyncIterator[Event | T]) -> None:
        self._items = items

    @property
    def result(self) -> T:
        """What came last; only after the iteration."""
        if self._result is None:
            raise RuntimeError("the work ended without a result")
        return self._result

    async def __aiter__(self) -> AsyncIterator[Event]:
        async with closing(self._items) as items:
            async for item in items:
                if isinstance(item, Event):
                    yield item
                else:
                    self._result = item
