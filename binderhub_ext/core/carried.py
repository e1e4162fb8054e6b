"""A sentence within a page that the Hub shows or hands on. Pure.

It is English, and beside its words stands what it was made of, for whoever shows the page in
another language.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

from .jsontext import parse_json
from .sentences import Sentence

_CARRIED = re.compile(r'<span data-binder-sentence="(?P<made_of>[^"]*)">(?P<words>[^<]*)</span>')


def carry(sentence: Sentence) -> str:
    """A sentence as a piece of HTML."""
    made_of = html.escape(json.dumps(sentence.data))
    return f'<span data-binder-sentence="{made_of}">{html.escape(sentence)}</span>'


def carried(words: str, page: str) -> Sentence:
    """A sentence with what is carried of it; verbatim if that is nothing, or of another.

    Args:
        words: as they came.
        page: HTML, of anybody.
    """
    found = _CARRIED.search(page)
    return Sentence.received(words, _made_of(found) if found else {})


def said_in(page: str, say: Callable[[Sentence], str]) -> str:
    """A page with the sentences that it carries said anew.

    Args:
        page: HTML, of anybody.
        say: gives text, which is none of HTML.
    """

    def again(found: re.Match[str]) -> str:
        words = html.unescape(found["words"])
        return html.escape(say(Sentence.received(words, _made_of(found))))

    return _CARRIED.sub(again, page)


def _made_of(found: re.Match[str]) -> dict[str, Any]:
    try:
        made_of = parse_json(html.unescape(found["made_of"]))
    except ValueError:
        return {}
    return made_of if isinstance(made_of, dict) else {}
