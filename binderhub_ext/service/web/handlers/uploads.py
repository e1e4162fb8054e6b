"""A folder's form as a browser without scripts sends it: files that are read as they come."""

from __future__ import annotations

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from tornado.web import stream_request_body

from ....core.errors import BadLink, BinderError, TooLarge
from ....core.space import size_words
from ...failures import Failure
from ..fileviews import listing_view
from ..views import folder_url
from .base import Page, stale
from .folders import asked
from .receiving import Receiving

_FILES = 100
"""Files that one form brings: each is the work of a program of its own."""

_TOKEN = 1024
_UNKNOWN = 1 << 16
"""Bytes that may come before it is known from whom."""


@stream_request_body
class UploadForm(Receiving, Page):
    """`/files/upload?of=…&path=…`: brings files into a folder, and answers with its page.

    Who sends it is not known before its first field has come, the page's XSRF token: no file may
    come before that.
    """

    def initialize(self) -> None:
        self._parser: PushMultipartParser | None = None
        self._left = self._heard = 0
        self._token: bytearray | None = None
        self._name, self._room = "", 0
        self._brought: list[dict[str, str]] = []

    async def prepare(self) -> None:
        if self.request.method != "POST":
            await super().prepare()
            return
        try:
            self.service.bans.check(self.request.remote_ip)
            self._left = self.body_size()
            self._parser = _parser(self.request.headers.get("Content-Type", ""), self._left)
            self.receive(self._left)
        except Exception as error:
            await self._refuse(error)

    async def get(self) -> None:
        of, path = asked(self)
        self.redirect(folder_url(self.service.prefix, path, of))

    async def data_received(self, chunk: bytes) -> None:
        if self._parser is None:
            return
        self.waited()
        try:
            for part in self._parser.parse(chunk):
                await self._take(part)
            self._left -= len(chunk)
            self._heard += len(chunk)
            if self.person is None and self._heard > _UNKNOWN:
                raise stale()
        except Exception as error:
            await self._refuse(_not_understood() if isinstance(error, MultipartError) else error)
        else:
            self.wait(len(chunk))

    async def post(self) -> None:
        self.waited()
        if self._parser is None:
            return
        try:
            self._parser.close()
            if not self._brought:
                raise BadLink("No file was chosen. Choose one, then upload it.")
        except (MultipartError, BinderError) as error:
            await self._refuse(error if isinstance(error, BinderError) else _not_understood())
        else:
            self.set_status(201)
            self.write(await self._page())

    async def abandon(self) -> None:
        self._parser = None
        await super().abandon()

    # ---- parts of the form

    async def _take(self, part: MultipartSegment | bytes | None) -> None:
        """A part of the form begins, goes on or ends."""
        if isinstance(part, MultipartSegment):
            await self._begin(part)
        elif part is None:
            await self._end_part()
        elif self._upload:
            self._room -= len(part)
            if self._room < 0:
                raise TooLarge(
                    "{name} is larger than {most}, the most that can be uploaded here.",
                    name=self._name,
                    most=size_words(self.service.folders.limit),
                )
            await self._upload.write(bytes(part))
        elif self._token is not None:
            self._token += part
            if len(self._token) > _TOKEN:
                raise _not_understood()

    async def _begin(self, part: MultipartSegment) -> None:
        if part.filename is None:
            self._token = bytearray() if part.name == "_xsrf" and not self.person else None
        elif self.person is None:
            raise stale()
        elif part.filename:  # a browser sends a nameless one where no file was chosen
            self._name = part.filename
            # how large one of them is, is in no form: at most all that is still to come
            self._room = min(self._left, self.service.folders.limit)
            folders = self.service.folders
            self._upload = await folders.upload(self.me, *asked(self), self._name, self._room)

    async def _end_part(self) -> None:
        if self._upload:
            upload, self._upload = self._upload, None
            name = await upload.finish()
            self._brought.append({"name": self._name, "called": name})
        elif self._token is not None:
            # where whoever looks for it finds what a form sent
            self.request.arguments["_xsrf"] = [bytes(self._token)]
            self._token = None
            await super().prepare()

    def refuse_stranger(self) -> None:
        """What is still being sent follows no redirect."""
        raise stale()

    # ---- answers

    async def _refuse(self, error: Exception) -> None:
        await self.abandon()
        failure = Failure.of(error, where="An upload")
        await self.answer_early(failure.status, await self._page(failure))

    async def _page(self, failure: Failure | None = None) -> str:
        """The folder's page, with what came and why no more did."""
        try:
            listing = await self.service.folders.look(self.me, *asked(self))
        except BinderError as error:
            return self.failure_page(failure or Failure.of(error, where="An upload"))
        return self.rendered(
            "folder.html",
            **listing_view(listing, self.service.prefix),
            limit=self.service.folders.limit,
            brought=self._brought,
            error=failure.to_json() if failure else None,
        )


def _not_understood() -> BadLink:
    return BadLink("The form was not understood. Reload the page and try again.")


def _parser(content_type: str, size: int) -> PushMultipartParser:
    """What reads a form of a type and size.

    Raises:
        BadLink: it is none that brings files.
    """
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data":
        raise _not_understood()
    try:
        return PushMultipartParser(
            options.get("boundary", ""), content_length=size, max_segment_count=_FILES + 1
        )
    except MultipartError as error:
        raise _not_understood() from error
