"""The page of a folder and the same as an API: what is in it, files downloaded and uploaded."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from tornado.iostream import StreamClosedError
from tornado.web import stream_request_body

from ....core.errors import BadLink
from ...person.folders import Upload
from ..fileviews import listing_view
from .base import Api, Handler, Page


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

    async def prepare(self) -> None:
        """Refuse an upload before any of it has come."""
        await super().prepare()
        if self.request.method != "POST":
            return
        # Who is refused is not listened to any longer.
        self.set_header("Connection", "close")
        size = self._size()
        folders = self.service.folders
        name = _bytes(self, "name").decode("utf-8", "surrogateescape")
        self._upload = await folders.upload(self.me, *_asked(self), name, size)
        self.request.connection.set_max_body_size(size)  # type: ignore[union-attr]
        self.clear_header("Connection")

    async def data_received(self, chunk: bytes) -> None:
        if self._upload:
            await self._upload.write(chunk)

    async def get(self) -> None:
        await _send(self)

    async def post(self) -> None:
        assert self._upload
        name = await self._upload.finish()
        self.set_status(201)
        self.write({"name": name})

    async def abandon(self) -> None:
        """Leave nothing of a file that did not come whole."""
        if self._upload:
            await self._upload.close()

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.service.folders.later(self.abandon())

    def _size(self) -> int:
        size = self.request.headers.get("Content-Length", "")
        if not size.isdecimal():
            raise BadLink("The request has to say how large the file is (Content-Length).")
        return int(size)


async def _send(handler: Handler) -> None:
    """Send a file as it is; a browser keeps it and shows nothing of it on our pages' origin."""
    of, path = _asked(handler)
    async with handler.service.folders.read(handler.me, of, path) as (size, pieces):
        name = quote(path.rpartition("/")[2].encode("utf-8", "surrogateescape"), safe="")
        handler.set_header("Content-Type", "application/octet-stream")
        handler.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        handler.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        handler.set_header("Content-Length", size)
        with suppress(StreamClosedError):
            async for piece in pieces:
                handler.write(piece)
                await handler.flush()


def _asked(handler: Handler) -> tuple[str, str]:
    """The home or volume, and the path in it, byte for byte."""
    of = _bytes(handler, "of").decode("utf-8", "replace")
    return of, _bytes(handler, "path").decode("utf-8", "surrogateescape")


def _bytes(handler: Handler, name: str) -> bytes:
    # Tornado's own way to read an argument changes spaces and control characters.
    values = handler.request.query_arguments.get(name, [b""])
    return values[-1]
