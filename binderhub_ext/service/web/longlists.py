"""Long lists: looked through by words, and shown a page at a time. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from ...core.catalogue import normal

R = TypeVar("R")

PAGE = 100
_PAGES_MAX = 100_000


def number_of(said: str) -> int:
    """The page that an address asks for, from 1; the first unless that is understood."""
    return min(max(int(said), 1), _PAGES_MAX) if said.isdecimal() and len(said) < 6 else 1


def around(query: Mapping[str, str], page: int, last: int, address: str) -> dict[str, str]:
    """The addresses of the pages before and after one of many; empty for none.

    Args:
        query: what is looked for, as its address says it.
        page, last: from 1.
        address: of the list.
    """

    def url(number: int) -> str:
        asked = {name: value for name, value in query.items() if value}
        asked |= {"page": str(number)} if number > 1 else {}
        return f"{address}?{urlencode(asked)}" if asked else address

    return {
        "before": url(page - 1) if 1 < page <= last else "",
        "after": url(page + 1) if page < last else "",
    }


def looked_through(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], wanted: str
) -> list[Mapping[str, Any]]:
    """The rows that have every word somewhere.

    Args:
        names: of the fields that are looked through.
        wanted: words; all rows if empty.
    """
    if not wanted.split():
        return list(rows)
    return [row for row in rows if has_words((row.get(name) for name in names), wanted)]


def has_words(texts: Iterable[object], wanted: str) -> bool:
    """Whether texts have every word somewhere, written with any letters and accents."""
    text = normal(" ".join(str(one or "") for one in texts))
    return all(word in text for word in normal(wanted).split())


def part_of(
    rows: Sequence[R], query: Mapping[str, str], page: int, address: str, each: int = PAGE
) -> tuple[Sequence[R], dict[str, Any]]:
    """A page of rows, and what its template takes besides.

    Args:
        query, address: as :func:`around` takes them.
        page: from 1; the last one where there is none of that number.
        each: rows that a page has.
    """
    last = max(-(-len(rows) // each), 1)
    page = min(page, last)
    places = {"page": page, "pages": last, "total": len(rows), **around(query, page, last, address)}
    return rows[(page - 1) * each : page * each], places
