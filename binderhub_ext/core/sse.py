"""Event streams: writing ours, reading the Hub's. Pure.

The format is the HTML standard's (https://html.spec.whatwg.org/multipage/server-sent-events.html).
BinderHub's clients read only `data:` lines; our own pages also use `id:` to resume after a drop.
"""

from __future__ import annotations

import re
from typing import Any

from .jsontext import parse_json

_MOST = 4 << 20
"""Bytes of a message; an error with the end of its log has far fewer."""

_END = re.compile(rb"\n\r?\n")

KEEPALIVE = b":keepalive\n\n"
"""A comment: keeps proxies from closing a silent stream, ignored by every client."""


CHANGED = b"data: {}\n\n"
"""A message that says nothing but that there is something to look at."""


def message(event: bytes, *, name: str = "") -> bytes:
    """One message of an event stream; JSON has no raw newline, so it is one `data:` line.

    Args:
        event: as JSON.
        name: what lets a client resume after this message, as its `id:`.
    """
    identity = f"id: {name}\n".encode() if name else b""
    return identity + b"data: " + event + b"\n\n"


class Parser:
    """Turns chunks of an event stream, cut anywhere, into the JSON objects of its messages.

    Attributes:
        last: what a stream is resumed after, as of all that was fed.
    """

    def __init__(self, last: str = "") -> None:
        self.last = last
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """The messages completed by this chunk; comments and other fields are skipped.

        Raises:
            ValueError: a `data:` line is not a JSON object, or a message has no end.
        """
        before = max(0, len(self._rest) - 2)
        self._rest += chunk
        if not _END.search(self._rest, before):
            if len(self._rest) > _MOST:
                raise ValueError("a message of the event stream is too long")
            return []
        *blocks, rest = bytes(self._rest).replace(b"\r\n", b"\n").split(b"\n\n")
        self._rest = bytearray(rest)
        for name in (name for block in blocks for name in _values(block, b"id:")):
            self.last = name.decode()
        found = (b"\n".join(_values(block, b"data:")) for block in blocks)
        return [_object(data) for data in found if data]


def _values(block: bytes, field: bytes) -> list[bytes]:
    lines = (line for line in block.split(b"\n") if line.startswith(field))
    return [line[len(field) :].removeprefix(b" ") for line in lines]


def _object(data: bytes) -> dict[str, Any]:
    fields = parse_json(data)
    if not isinstance(fields, dict):
        raise ValueError("a message of the event stream is not an object")
    return fields
