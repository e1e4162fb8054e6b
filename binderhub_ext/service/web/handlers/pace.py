"""How long transfers of files may take: who is slower would keep others from their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

_SLOWEST = 50_000
_LONGEST = 60.0
"""Bytes a second, and seconds without any."""


@dataclass
class Pace:
    """How long a transfer may take, as it goes: a size that somebody says is no work done.

    Args:
        began: when, as clocks of event loops have it.
    """

    began: float
    done: int = 0

    def until(self, now: float, size: int = 0) -> float:
        """When it ends unless more is transferred by then.

        Args:
            size: bytes that have been transferred just now.
        """
        self.done += size
        return min(now, self.began + self.done / _SLOWEST) + _LONGEST

    def paused(self, seconds: float) -> None:
        """Not count a while in which the other end had nothing to do."""
        self.began += seconds


async def send_as_made(handler: RequestHandler, pieces: AsyncIterator[bytes]) -> None:
    """Send what is made meanwhile, as long as it is taken.

    Who takes it too slowly is cut off, so that they do not think that they have all of it.
    """
    pace, taken = Pace(now()), now()
    with suppress(StreamClosedError):
        async for piece in pieces:
            pace.paused(now() - taken)
            handler.write(piece)
            try:
                async with asyncio.timeout_at(pace.until(now())):
                    await handler.flush()
            except TimeoutError:
                cut_off(handler)
                return
            pace.until(now(), len(piece))
            taken = now()


def cut_off(handler: RequestHandler) -> None:
    """End the connection."""
    if isinstance(line := handler.request.connection, HTTP1Connection):
        line.stream.close()


def now() -> float:
    """As clocks of event loops have it."""
    return asyncio.get_running_loop().time()
