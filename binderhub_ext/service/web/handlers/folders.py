"""The page of a folder and the same as an API: what is in it, files downloaded and uploaded."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import quote

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError
from tornado.web import stream_request_body

from ....core.errors import BadLink
from ...failures import Failure
from ...person.folders import Upload
from ..fileviews import listing_view
from .base import Api, Handler, Page
from .pace import Pace, cut_off, now

_HEARD_OUT = 10.0
_ANY = 1 << 62
_DIGITS = 18


class FolderPage(Page):
    """`/files/folder?of=<home or volume>&path=…`: what is in a folder of mine."""

    async def get(self) -> None:
        listing = await self.service.folders.look(self.me, *_asked(self))
        view = listing_view(listing, self.service.prefix)
        self.show("folder.html", **view, limit=self.service.folders.limit)


class FolderApi(Api):
    """`/api/files/folder`: the same."""

    async def get(self) -> None:
        listing = await self.service.folders.look(self.me, *_asked(self))
        self.write(listing_view(listing, self.service.prefix))


class ContentPage(Page):
    """`/files/content?of=…&path=…`: a file, to be kept by the browser."""

    async def get(self) -> None:
        await _send(self)


@stream_request_body
class ContentApi(Api):
    """`/api/files/content`: a file; by POST a new one, called `name`, with the body's bytes."""

    _upload: Upload | None = None
    _pace = Pace(0)
    _end: asyncio.TimerHandle | None = None

    async def prepare(self) -> None:
        """Refuse an upload before any of it has come."""
        if self.request.method != "POST":
            await super().prepare()
            return
        try:
            await super().prepare()
            await self._begin()
        except Exception as error:
            await self._refuse(Failure.of(error, where="An upload"))

    async def _begin(self) -> None:
        size = self.request.headers.get("Content-Length", "")
        if not size.isdecimal() or len(size) > _DIGITS:
            raise BadLink("The request has to say how large the file is (Content-Length).")
        name = _bytes(self, "name").decode("utf-8", "surrogateescape")
        folders = self.service.folders
        self._upload = await folders.upload(self.me, *_asked(self), name, int(size))
        self._hear(int(size))
        self._pace = Pace(now())
        self._wait()

    async def _refuse(self, failure: Failure) -> None:
        """Answer at once, and hear out who still sends: one that is cut off reads no answer."""
        self.set_status(failure.status)
        self.write(failure.to_json())
        self.set_header("Content-Length", sum(map(len, self._write_buffer)))
        await self.flush()
        # Who asked first is answered; a proxy in between may send the body all the same.
        self.request.headers.pop("Expect", None)
        self._hear(_ANY, _HEARD_OUT)

    def _hear(self, size: int, seconds: float | None = None) -> None:
        """Read a body of so many bytes, for so long at most."""
        if isinstance(line := self.request.connection, HTTP1Connection):
            line.set_max_body_size(size)
            if seconds is not None:
                line.set_body_timeout(seconds)

    def _wait(self, size: int = 0) -> None:
        """Cut off who sends no more."""
        loop = asyncio.get_running_loop()
        self._end = loop.call_at(self._pace.until(loop.time(), size), cut_off, self)

    def _waited(self) -> None:
        if self._end:
            self._end.cancel()

    async def data_received(self, chunk: bytes) -> None:
        if self._upload:
            self._waited()
            await self._upload.write(chunk)
            self._wait(len(chunk))

    async def get(self) -> None:
        await _send(self)

    async def post(self) -> None:
        self._waited()
        if self._upload:
            name = await self._upload.finish()
            self.set_status(201)
            self.write({"name": name})

    async def abandon(self) -> None:
        """Leave nothing of a file that did not come whole."""
        if self._upload:
            await self._upload.close()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self._waited()
        self.service.folders.later(self.abandon())


async def _send(handler: Handler) -> None:
    """Send a file as it is; a browser keeps it and shows nothing of it on our pages' origin."""
    of, path = _asked(handler)
    async with handler.service.folders.read(handler.me, of, path) as (size, pieces):
        name = quote(path.rpartition("/")[2].encode("utf-8", "surrogateescape"), safe="")
        handler.set_header("Content-Type", "application/octet-stream")
        handler.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        handler.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        handler.set_header("Content-Length", size)
        with suppress(StreamClosedError, TimeoutError):
            pace = Pace(now())
            async with asyncio.timeout_at(pace.until(now())) as end:
                async for piece in pieces:
                    handler.write(piece)
                    await handler.flush()
                    end.reschedule(pace.until(now(), len(piece)))


def _asked(handler: Handler) -> tuple[str, str]:
    """The home or volume, and the path in it, byte for byte."""
    of = _bytes(handler, "of").decode("utf-8", "replace")
    return of, _bytes(handler, "path").decode("utf-8", "surrogateescape")


def _bytes(handler: Handler, name: str) -> bytes:
    # Tornado's own way to read an argument changes spaces and control characters.
    values = handler.request.query_arguments.get(name, [b""])
    return values[-1]
