"""What has been told so far, and waiting for more: one writer, any number of watchers.

A watcher costs one waiting future; an event is kept and encoded once for all of them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from itertools import islice

from ..core.progress import Event
from .sse import Told

KEEPALIVE_SECONDS = 25
"""As BinderHub: shorter than what proxies take for a dead connection."""

KEPT = 2000
"""Events kept for people who come later. The log file has every line; a page needs the end."""


class History:
    """A numbered sequence of events that ends.

    Numbers start at 1 and never change, so a client that saw number `n` asks for what came
    after `n`, whatever was dropped meanwhile.
    """

    def __init__(self) -> None:
        self._events: deque[Told] = deque(maxlen=KEPT)
        self._last = 0
        self._more = asyncio.Event()
        self._quiet: asyncio.TimerHandle | None = None
        self.closed = False

    def __len__(self) -> int:
        return self._last

    def append(self, event: Event) -> None:
        self._events.append(Told.of(event))
        self._last += 1
        self._wake()

    def close(self) -> None:
        """Nothing follows; watchers end after what they have not seen yet."""
        self.closed = True
        self._wake()

    def since(self, number: int) -> list[tuple[int, Told]]:
        """What is kept of the events after `number`."""
        count = min(max(self._last - number, 0), len(self._events))
        # from the right end: most watchers lack one event of thousands
        latest = list(islice(reversed(self._events), count))[::-1]
        return list(enumerate(latest, start=self._last - count + 1))

    async def watch(self, after: int = 0) -> AsyncIterator[tuple[int, Told]]:
        """Everything after `after`: first what was told already, then as it comes."""
        while True:
            more = self._more
            for number, told in self.since(after):
                yield number, told
                after = number
            if more.is_set():
                continue
            if self.closed:
                return
            await more.wait()

    async def wait(self, after: int) -> bool:
        """Wait until something follows `after` or nothing ever will.

        Returns:
            False when nothing was told for a while, and a sign of life is due.
        """
        if self._last <= after and not self.closed:
            if self._quiet is None:
                # one timer for all: thousands of timers cost more than what is told
                loop = asyncio.get_running_loop()
                self._quiet = loop.call_later(KEEPALIVE_SECONDS, self._wake)
            await self._more.wait()
        return self._last > after or self.closed

    def _wake(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None
        more, self._more = self._more, asyncio.Event()
        more.set()
