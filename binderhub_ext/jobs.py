"""Work that several people wait for and that is done once; what it told, for who comes later.

A job lives as long as at least one of them is interested: people may come and go, the last one
to leave ends it. Whoever comes late is told everything from the beginning.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Any, Generic, TypeVar

from .core.errors import Cancelled
from .core.progress import Event, Tell
from .core.sentences import fixed

T = TypeVar("T")
Work = Callable[[Tell], Coroutine[Any, Any, T]]

KEEPALIVE_SECONDS = 25
"""As BinderHub: shorter than what proxies take for a dead connection."""

KEPT, LETTERS = 2000, 1 << 18
"""Events, and letters of what they say, kept for people who come later. The log file has every
line; a page needs the end.
"""


class History:
    """What was told so far: one writer, any number of watchers, each of whom costs one future.

    Numbers start at 1 and never change, so a client that saw number `n` asks for what came
    after `n`, whatever was dropped meanwhile. An event that only says how many are ahead takes the
    place of the one before that did: of a wait of hours nobody needs more.

    Attributes:
        last: number of the latest event; 0 before the first.
        closed: nothing follows.
    """

    def __init__(self) -> None:
        self._events: deque[tuple[int, Event]] = deque()
        self._letters = 0
        self.last = 0
        self._more = asyncio.Event()
        self._quiet: asyncio.TimerHandle | None = None
        self.closed = False

    def append(self, event: Event) -> None:
        if event.ahead and self._events and self._events[-1][1].ahead:
            self._forget(self._events.pop)
        self.last += 1
        self._events.append((self.last, event))
        self._letters += len(event.message)
        while len(self._events) > KEPT or (self._letters > LETTERS and len(self._events) > 1):
            self._forget(self._events.popleft)
        self._wake()

    def close(self) -> None:
        """Nothing follows; watchers end after what they have not seen yet."""
        self.closed = True
        self._wake()

    def since(self, number: int) -> list[tuple[int, Event]]:
        """What is kept of the events after `number`."""
        # from the right end: most watchers lack one event of thousands
        return list(takewhile(lambda kept: kept[0] > number, reversed(self._events)))[::-1]

    async def watch(self, after: int = 0) -> AsyncIterator[tuple[int, Event]]:
        """Everything after `after`: first what was told already, then as it comes."""
        while True:
            more = self._more
            for number, event in self.since(after):
                yield number, event
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
        if self.last <= after and not self.closed:
            if self._quiet is None:
                # one timer for all: thousands of timers cost more than what is told
                loop = asyncio.get_running_loop()
                self._quiet = loop.call_later(KEEPALIVE_SECONDS, self._wake)
            await self._more.wait()
        return self.last > after or self.closed

    def _forget(self, taken: Callable[[], tuple[int, Event]]) -> None:
        self._letters -= len(taken()[1].message)

    def _wake(self) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
            self._quiet = None
        more, self._more = self._more, asyncio.Event()
        more.set()


class Jobs(Generic[T]):
    """Running jobs by key: who asks for the same key waits for the same job."""

    def __init__(self) -> None:
        self._running: dict[Hashable, _Job[T]] = {}
        self._tasks: set[asyncio.Task[T]] = set()

    def __len__(self) -> int:
        return len(self._running)

    async def join(self, key: Hashable, work: Work[T], tell: Tell) -> T:
        """Wait for the job of this key, which `work` begins if none runs.

        Being cancelled is leaving. The last one to leave ends the job, and whoever asks for the
        same from then on begins anew.

        Args:
            tell: hears all of it, from its beginning.

        Raises:
            BinderError: as the work raised it, for everybody.
            Cancelled: the jobs were closed.
        """
        job = self._running.get(key) or self._begin(key, work)
        try:
            with job.heard_by(tell):
                await asyncio.wait([job.task])
        finally:
            if not job.wanted:
                self._end(key, job)
        if job.task.cancelled():
            raise Cancelled(job.why)
        return job.task.result()

    def finish(self, key: Hashable) -> None:
        """Let the running job of this key come to its end, whoever leaves."""
        if job := self._running.get(key):
            job.finishes = True

    def end(self, key: Hashable, why: str) -> bool:
        """End the running job of this key for all who wait for it, who are told why."""
        job = self._running.get(key)
        if job is None:
            return False
        job.why = why
        self._end(key, job)
        return True

    async def close(self) -> None:
        """End every job and wait until all have cleaned up, those given up before too."""
        for key, job in list(self._running.items()):
            self._end(key, job)
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, key: Hashable, work: Work[T]) -> _Job[T]:
        job = self._running[key] = _Job(work)
        self._tasks.add(job.task)
        job.task.add_done_callback(self._tasks.discard)
        job.task.add_done_callback(lambda _: self._forget(key, job))
        return job

    def _end(self, key: Hashable, job: _Job[T]) -> None:
        if self._forget(key, job):
            job.task.cancel()

    def _forget(self, key: Hashable, job: _Job[T]) -> bool:
        """Begin anew for whoever asks from now on; whether the job was not forgotten before."""
        if self._running.get(key) is not job:
            return False
        del self._running[key]
        return True


class _Job(Generic[T]):
    """One run of work, and who hears of it."""

    def __init__(self, work: Work[T]) -> None:
        self.finishes = False
        self.why = fixed("The service was stopped. Launch again in a moment.")
        self._history = History()
        self._listeners: list[Tell] = []
        self.task = asyncio.create_task(work(self._tell))
        # an error nobody is left to see was told in the log by whoever raised it
        self.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    @property
    def wanted(self) -> bool:
        return self.finishes or bool(self._listeners)

    @contextmanager
    def heard_by(self, tell: Tell) -> Iterator[None]:
        """Tell everything so far, and in the block what follows."""
        for _, event in self._history.since(0):
            tell(event)
        self._listeners.append(tell)
        try:
            yield
        finally:
            self._listeners.remove(tell)

    def _tell(self, event: Event) -> None:
        self._history.append(event)
        for tell in self._listeners:
            tell(event)
