"""Work that is ended when it comes to a limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

_LOOK = 1.0
"""Seconds between two looks at the limits."""


async def supervised(work: Coroutine[Any, Any, T], check: Callable[[], None]) -> T:
    """Await work, and end it when it goes too far.

    It has ended when this returns or raises, however often we are cancelled meanwhile: it runs in
    a task of its own, which is cancelled once, so nothing interrupts its cleaning up.

    Args:
        check: called now and then; raises what shall end the work.
    """
    task = asyncio.create_task(work)
    # what comes of it once it was ended is told by nobody
    task.add_done_callback(lambda task: task.cancelled() or task.exception())
    try:
        while not task.done():
            check()
            await asyncio.wait({task}, timeout=_LOOK)
    finally:
        await _ended(task)
    return task.result()


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Do work while the block does something else; where one of them fails, the other is ended.

    Both have ended when the block is left. What failed first is raised.
    """
    first: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work)
            try:
                yield task
            except Exception as failure:
                first = None if task.done() else failure
                raise
    except BaseExceptionGroup as failures:
        first = first or failures.exceptions[0]
    if first:
        raise first


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do work in a thread, which nothing can interrupt.

    It has ended when this returns or raises, however often we are cancelled meanwhile: what it
    writes can be removed then.
    """
    task = asyncio.create_task(asyncio.to_thread(work, *args, **kwargs))
    task.add_done_callback(lambda task: task.exception())
    await _until_ended(task)
    return task.result()


async def _ended(task: asyncio.Task[Any]) -> None:
    """End a task if it runs, and wait until it has ended."""
    task.cancel()
    await _until_ended(task)


async def _until_ended(task: asyncio.Task[Any]) -> None:
    """Wait until a task has ended; whoever cancels us meanwhile is told so afterwards."""
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled
