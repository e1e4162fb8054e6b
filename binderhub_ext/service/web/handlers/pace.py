"""How long transfers may take: who is slower would keep others from their turn, or a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.web import Application, RequestHandler

_SLOWEST = 50_000
_LONGEST = 60.0
"""Bytes a second, and seconds without any."""

_BLOCK = 1 << 18


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


def server_of(web: Application, max_body: int) -> HTTPServer:
    """A server behind a proxy, which says who asks and by which scheme.

    It waits for a body no longer than one takes that comes at some pace: strangers send some, too.

    Args:
        max_body: bytes of one, where a handler does not say otherwise.
    """
    longest = max_body / _SLOWEST + _LONGEST
    return HTTPServer(web, xheaders=True, max_body_size=max_body, body_timeout=longest)


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


async def send_log(handler: RequestHandler, path: Path) -> None:
    """Answer with what a build said, likewise."""
    handler.set_header("Content-Type", "text/plain; charset=UTF-8")
    async with aclosing(_blocks(path)) as blocks:
        await send_as_made(handler, blocks)


async def _blocks(path: Path) -> AsyncGenerator[bytes]:
    with path.open("rb") as file:
        while block := await asyncio.to_thread(file.read, _BLOCK):
            yield block


def cut_off(handler: RequestHandler) -> None:
    """End the connection."""
    if isinstance(line := handler.request.connection, HTTP1Connection):
        line.stream.close()


def now() -> float:
    """As clocks of event loops have it."""
    return asyncio.get_running_loop().time()
