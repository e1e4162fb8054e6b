"""The five steps of a launch as things with a name, a share of the progress bar and a result."""

from __future__ import annotations

from collections.abc import AsyncIterator
from enum import StrEnum
from math import exp
from time import time
from typing import TypeVar

from ..core.progress import Event
from .flow import Flow
from .sse import Told

T = TypeVar("T")


class Name(StrEnum):
    """The steps, in their order."""

    RESOLVE = "resolve"
    ADMIT = "admit"
    IMAGE = "image"
    SERVER = "server"
    REDIRECT = "redirect"


_RANGES = {
    Name.RESOLVE: (0, 5),
    Name.ADMIT: (5, 6),
    Name.IMAGE: (6, 75),
    Name.SERVER: (75, 97),
    Name.REDIRECT: (97, 99),
}
"""Per cent of the bar. A build without figures of its own creeps through its share."""

_PATIENCE = 150
"""Events after which a creeping bar has gone most of its way."""


class Step(Flow[T]):
    """Passes on the events of one step with its name and where on the bar they are.

    Args:
        name: of the step.
        items: its events and, last, its result.
    """

    def __init__(self, name: Name, items: AsyncIterator[Event | T]) -> None:
        super().__init__(items)
        self._name = name
        self._count = 0
        self._reached = 0

    async def __aiter__(self) -> AsyncIterator[Event]:
        async for event in super().__aiter__():
            yield self._placed(event)

    def _placed(self, event: Event) -> Event:
        """The event with its step, where on the bar it is, and when it happened."""
        if isinstance(event, Told) and "step" in event.data:
            return event
        self._count += 1
        low, high = _RANGES[self._name]
        own = event.data.get("progress")
        done = own / 100 if isinstance(own, int | float) else 1 - exp(-self._count / _PATIENCE)
        # a bar never goes back
        self._reached = max(self._reached, round(low + (high - low) * min(max(done, 0), 1)))
        place = {"step": str(self._name), "progress": self._reached, "time": round(time(), 3)}
        data = {**event.data, **place}
        return Told(event.phase, event.message, data)
