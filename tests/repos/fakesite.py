"""A web site on loopback that answers what a test says, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from httpserver import Quiet, serving


@dataclass
class InTurn:
    """Answers that are given one after another, the last one for ever."""

    answers: list[Any]

    def next(self) -> Any:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class FakeSite:
    """Paths (with their query) to answers: JSON, bytes, `(status, headers, bytes)` or `InTurn`."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.url = ""

    @contextmanager
    def serving(self) -> Iterator[FakeSite]:
        with serving(self._handler()) as self.url:
            yield self

    def doi(self, doi: str, page: str) -> None:
        """Let a DOI lead to a page."""
        values = [{"type": "EMAIL"}, {"type": "URL", "data": {"value": page}}]
        self.answers[f"/api/handles/{doi}"] = {"responseCode": 1, "values": values}

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(path)
        found = self.answers.get(path, (404, {}, b"{}"))
        if isinstance(found, InTurn):
            found = found.next()
        if isinstance(found, bytes):
            return 200, {"Content-Type": "application/octet-stream"}, found
        if isinstance(found, tuple):
            return found
        return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()

    def _handler(site) -> type[BaseHTTPRequestHandler]:
        class Handler(Quiet):
            def do_GET(self) -> None:
                status, headers, body = site.answer(self.path)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        return Handler
