"""JSON that somebody else may have written. Pure; only the standard library is imported."""

from __future__ import annotations

import json
import re
from typing import Any

# What has no end goes to the end of the text, so that no place is looked at twice.
_STRING = r'(?P<kept>"(?:[^"\\]++|\\.)*+"?)'
_COMMENT = re.compile(rf"{_STRING}|//[^\r\n]*+|/\*(?:.*?\*/|.*)", re.DOTALL)
_LAST_COMMA = re.compile(rf"{_STRING}|,(?=\s*+[\]}}])", re.DOTALL)


def parse_json(text: str | bytes) -> Any:
    """The value that a text is.

    Raises:
        ValueError: it is not JSON, or nested so deeply that Python cannot read it, which
            `json.loads` reports by an exception that nobody expects of it.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def parse_jsonc(content: bytes, limit: int) -> Any:
    """The value of a file of JSON with comments and commas at the ends of lists.

    Args:
        limit: bytes that it may have.

    Raises:
        ValueError: it is not that, or too large.
    """
    if len(content) > limit:
        raise ValueError("too large")
    text = content.decode("utf-8-sig")
    for not_json in (_COMMENT, _LAST_COMMA):
        text = not_json.sub(lambda found: found["kept"] or " ", text)
    return parse_json(text)
