"""The page of a folder and the same as an API: what is in it, files downloaded and uploaded."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import quote

from tornado.iostream import StreamClosedError
from tornado.web import stream_request_body

from ...failures import Failure
from ..fileviews import listing_view
from .base import Api, Handler, Page
from .pace import Pace, now
from .receiving import Receiving


class FolderPage(Page):
    """`/files/folder?of=<home or volume>&path=…`: what is in a folder of mine."""

    async def get(self) -> None:
        listing = await self.service.folders.look(self.me, *asked(self))
        view = listing_view(listing, self.service.prefix)
        self.show("folder.html", **view, limit=self.service.folders.limit, brought=(), error=None)


class FolderApi(Api):
    """`/api/files/folder`: the same."""

    async def get(self) -> None:
        listing = await self.service.folders.look(self.me, *asked(self))
        self.write(listing_view(listing, self.service.prefix))


class ContentPage(Page):
    """`/files/content?of=…&path=…`: a file, to be kept by the browser."""

    async def get(self) -> None:
        await _send(self)


@stream_request_body
class ContentApi(Receiving, Api):
    """`/api/files/content`: a file; by POST a new one, called `name`, with the body's bytes."""

    async def prepare(self) -> None:
        """Refuse an upload before any of it has come."""
        if self.request.method != "POST":
            await super().prepare()
            return
        try:
            await super().prepare()
            await self._begin()
        except Exception as error:
            failure = Failure.of(error, where="An upload")
            await self.answer_early(failure.status, failure.to_json())

    async def _begin(self) -> None:
        size = self.body_size()
        name = _bytes(self, "name").decode("utf-8", "surrogateescape")
        folders = self.service.folders
        self._upload = await folders.upload(self.me, *asked(self), name, size)
        self.receive(size)

    async def data_received(self, chunk: bytes) -> None:
        if self._upload:
            self.waited()
            await self._upload.write(chunk)
            self.wait(len(chunk))

    async def get(self) -> None:
        await _send(self)

    async def post(self) -> None:
        self.waited()
        if self._upload:
            name = await self._upload.finish()
            self.set_status(201)
            self.write({"name": name})


async def _send(handler: Handler) -> None:
    """Send a file as it is; a browser keeps it and shows nothing of it on our pages' origin."""
    of, path = asked(handler)
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


def asked(handler: Handler) -> tuple[str, str]:
    """The home or volume, and the path in it, byte for byte."""
    of = _bytes(handler, "of").decode("utf-8", "replace")
    return of, _bytes(handler, "path").decode("utf-8", "surrogateescape")


def _bytes(handler: Handler, name: str) -> bytes:
    # Tornado's own way to read an argument changes spaces and control characters.
    values = handler.request.query_arguments.get(name, [b""])
    return values[-1]
