"""Files on their way in: read as they come, at some pace, and refused before they have come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tornado.http1connection import HTTP1Connection

from ....core.errors import BadLink
from ...person.folders import Upload
from .base import Handler

_HEARD_OUT = 10.0
_SLOWEST = 50_000
_LONGEST = 60.0
"""Bytes a second, and seconds without any: who is slower would keep others from their turn."""

_ANY = 1 << 62
_DIGITS = 18


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


class Receiving(Handler):
    """Takes a body as it comes; for handlers under `stream_request_body`."""

    _upload: Upload | None = None
    _pace = Pace(0)
    _end: asyncio.TimerHandle | None = None

    def body_size(self) -> int:
        """What the request says its body has.

        Raises:
            BadLink: it does not say.
        """
        size = self.request.headers.get("Content-Length", "")
        if not size.isdecimal() or len(size) > _DIGITS:
            raise BadLink("The request has to say how large the file is (Content-Length).")
        return int(size)

    def receive(self, size: int) -> None:
        """Begin to read a body of so many bytes."""
        self._hear(size)
        self._pace = Pace(moment())
        self.wait()

    async def answer_early(self, status: int, answer: str | dict[str, object]) -> None:
        """Answer at once, and hear out who still sends: one that is cut off reads no answer."""
        self.waited()
        self.set_status(status)
        self.write(answer)
        self.set_header("Content-Length", sum(map(len, self._write_buffer)))
        await self.flush()
        # Who asked first is answered; a proxy in between may send the body all the same.
        self.request.headers.pop("Expect", None)
        self._hear(_ANY, _HEARD_OUT)

    def wait(self, size: int = 0) -> None:
        """Cut off who sends no more.

        Args:
            size: bytes that have come just now.
        """
        loop = asyncio.get_running_loop()
        self._end = loop.call_at(self._pace.until(loop.time(), size), self._cut_off)

    def waited(self) -> None:
        """Something has come, or all of it."""
        if self._end:
            self._end.cancel()

    async def abandon(self) -> None:
        """Leave nothing of a file that did not come whole."""
        if self._upload:
            await self._upload.close()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.waited()
        self.service.folders.later(self.abandon())

    def _hear(self, size: int, seconds: float | None = None) -> None:
        """Read a body of so many bytes, for so long at most."""
        if isinstance(line := self.request.connection, HTTP1Connection):
            line.set_max_body_size(size)
            if seconds is not None:
                line.set_body_timeout(seconds)

    def _cut_off(self) -> None:
        if isinstance(line := self.request.connection, HTTP1Connection):
            line.stream.close()


def moment() -> float:
    """Now, as clocks of event loops have it."""
    return asyncio.get_running_loop().time()
