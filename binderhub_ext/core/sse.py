"""Event streams: writing ours, reading the Hub's. Pure.

The format is the HTML standard's (https://html.spec.whatwg.org/multipage/server-sent-events.html).
BinderHub's clients read only `data:` lines; our own pages also use `id:` to resume after a drop.
"""

from __future__ import annotations

import json
from typing import Any

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
        self._rest = b""

    def feed(self, chunk: bytes) -> list[dict[str, Any]]:
        """The messages completed by this chunk; comments and other fields are skipped.

        Raises:
            ValueError: a `data:` line is not a JSON object.
        """
        *blocks, self._rest = (self._rest + chunk).replace(b"\r\n", b"\n").split(b"\n\n")
        for name in (name for block in blocks for name in _values(block, b"id:")):
            self.last = name.decode()
        found = (b"\n".join(_values(block, b"data:")) for block in blocks)
        return [_object(data) for data in found if data]


def _values(block: bytes, field: bytes) -> list[bytes]:
    lines = (line for line in block.split(b"\n") if line.startswith(field))
    return [line[len(field) :].removeprefix(b" ") for line in lines]


def _object(data: bytes) -> dict[str, Any]:
    fields = json.loads(data)
    if not isinstance(fields, dict):
        raise ValueError("a message of the event stream is not an object")
    return fields
