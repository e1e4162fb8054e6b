"""Stylesheets, scripts and drawings are packed on their way to a browser, and nothing else is."""

from __future__ import annotations

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import GZipContentEncoding

_FILES = ("text/css", "text/javascript", "application/javascript", "image/svg+xml")


class PackedFiles(GZipContentEncoding):
    """For :class:`tornado.web.Application`.

    How small a page becomes would tell who watches the line what is in it, its token included.
    Files have nothing of anybody in them.
    """

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._packs = False

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """The beginning of an answer."""
        kind = headers.get("Content-Type", "").partition(";")[0]
        self._packs = status_code == 200 and kind in _FILES
        if not self._packs:
            return status_code, headers, chunk
        return super().transform_first_chunk(status_code, headers, chunk, finishing)

    def transform_chunk(self, chunk: bytes, finishing: bool) -> bytes:
        """What follows."""
        return super().transform_chunk(chunk, finishing) if self._packs else chunk
