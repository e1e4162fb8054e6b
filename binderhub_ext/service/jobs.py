"""Work that several people wait for and that is done once.

A job lives as long as at least one of them is interested: people may come and go, the last
one to leave ends it. Its history is replayed to whoever comes later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Generic, TypeVar

from ..core.errors import Cancelled
from ..core.progress import Event
from .flow import Flow
from .history import History

T = TypeVar("T")


class Job(Generic[T]):
    """One run of an iterator of events whose last item is a result.

    Args:
        work: the iterator; closed when the job is cancelled.
        on_end: called once when the job ends or is given up, before anybody learns of it.
    """

    def __init__(self, work: AsyncIterator[Event | T], on_end: Callable[[], None]) -> None:
        self.history = History()
        self._interested = 0
        self._on_end = on_end
        self.task = asyncio.create_task(self._exhaust(work))
        self.task.add_done_callback(self._ended)

    async def watch(self) -> AsyncIterator[Event | T]:
        """Every event from the beginning; the last item is the result.

        Leaving the iterator is losing interest.

        Raises:
            BinderError: as the work raised it.
            Cancelled: the service is stopping.
        """
        self._interested += 1
        try:
            async for _, told in self.history.watch():
                yield told
            yield self._result()
        finally:
            self._interested -= 1
            if not self._interested:
                self.give_up()

    def give_up(self) -> None:
        """End the work. Whoever asks for the same from now on starts anew."""
        if not self.task.done():
            self._on_end()
            self.task.cancel()

    def _result(self) -> T:
        if self.task.cancelled():
            raise Cancelled("The service was stopped. Open the link again in a moment.")
        return self.task.result()

    def _ended(self, task: asyncio.Task[T]) -> None:
        self._on_end()
        self.history.close()
        # an error nobody is left to see was told in the log by whoever raised it
        _ = task.cancelled() or task.exception()

    async def _exhaust(self, work: AsyncIterator[Event | T]) -> T:
        flow = Flow(work)
        async for event in flow:
            self.history.append(event)
        return flow.result


class Jobs(Generic[T]):
    """Running jobs by key: who asks for the same key watches the same job."""

    def __init__(self) -> None:
        self._running: dict[str, Job[T]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def join(self, key: str, work: Callable[[], AsyncIterator[Event | T]]) -> Job[T]:
        """The running job of this key, or a new one."""
        job = self._running.get(key)
        if job is None:
            job = self._running[key] = Job(work(), lambda: self._forget(key, job))
        return job

    def _forget(self, key: str, job: Job[T] | None) -> None:
        if self._running.get(key) is job:
            del self._running[key]

    async def close(self) -> None:
        """End every job and wait until they have cleaned up."""
        tasks = [job.task for job in self._running.values()]
        for job in list(self._running.values()):
            job.give_up()
        await asyncio.gather(*tasks, return_exceptions=True)
