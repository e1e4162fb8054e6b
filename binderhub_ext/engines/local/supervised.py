"""Work that is ended when it comes to a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

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


async def _ended(task: asyncio.Task[Any]) -> None:
    """End a task if it runs, and wait until it has ended."""
    task.cancel()
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled
