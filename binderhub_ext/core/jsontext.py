"""JSON that somebody else may have written. Pure; only the standard library is imported."""

from __future__ import annotations

import json
from typing import Any


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
