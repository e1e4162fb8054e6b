"""Files on their way in: read as they come, at some pace, and refused before they have come."""

from __future__ import annotations

import asyncio

from tornado.http1connection import HTTP1Connection

from ....core.errors import BadLink
from ...person.folders import Upload
from .base import Handler
from .pace import Pace, cut_off, now

_HEARD_OUT = 10.0
_ANY = 1 << 62
_FOR_EVER = 1e9
_DIGITS = 18


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
        self._pace = Pace(now())
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
        self._hear(_ANY)
        # a body that is being read already has no other end
        self._end = asyncio.get_running_loop().call_later(_HEARD_OUT, cut_off, self)

    def wait(self, size: int = 0) -> None:
        """Cut off who sends no more.

        Args:
            size: bytes that have come just now.
        """
        loop = asyncio.get_running_loop()
        self._end = loop.call_at(self._pace.until(loop.time(), size), cut_off, self)

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

    def _hear(self, size: int) -> None:
        """Read a body of so many bytes."""
        if isinstance(line := self.request.connection, HTTP1Connection):
            line.set_max_body_size(size)
            # its pace is looked at here
            line.set_body_timeout(_FOR_EVER)
