"""Pages of people's servers may read the Hub's API with a token where they have hosts of their own.

JupyterLab's extensions ask the Hub with the token that the browser was given for one server:
jupyter-collaboration's share dialog does not open before it has an answer. A browser keeps answers
from pages of another origin unless they say whose page may read them.
"""

from __future__ import annotations

import re

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform

_API = re.compile(r"(?:/.*)?/hub/api(?:/.*)?")


class ReadableByServers(OutputTransform):
    """Lets pages at hosts below the Hub's read answers of its API.

    They get what whoever has the token gets anywhere: cookies are not sent along, since that is
    not allowed with it, so no page acts as the person who looks at it.
    """

    def __init__(self, request: HTTPServerRequest) -> None:
        origin = request.headers.get("Origin", "")
        is_server = origin.partition("://")[2].endswith(f".{request.host}")
        self._reader = origin if is_server and _API.fullmatch(request.path) else ""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        if self._reader:
            headers["Access-Control-Allow-Origin"] = self._reader
            headers["Access-Control-Allow-Methods"] = "GET, POST, PATCH, DELETE"
            headers.add("Vary", "Origin")
            # An administrator's own header may allow cookies to pages of another origin.
            headers.pop("Access-Control-Allow-Credentials", None)
        return status_code, headers, chunk
