"""Whose language it is: what was asked for, in the order it counts, and what is on offer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tornado.web import RequestHandler

from .catalogue import installed
from .language import ENGLISH_TAG, Language, find

COOKIE = "binder-language"
"""Has the tag that somebody chose; the Hub's pages read it too."""

ARGUMENT = "lang"
"""Asks for a language in an address."""

_LONGEST = 500
_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Offer:
    """The languages of a hub.

    Attributes:
        tags: what can be chosen.
        default: what is spoken to who asks for nothing that is on offer.
    """

    tags: tuple[str, ...] = ()
    default: str = ENGLISH_TAG

    def languages(self) -> list[Language]:
        """All of them, in the order they are shown."""
        return [find(tag) for tag in self.tags]

    def choose(self, *wanted: str, header: str = "", default: str = "") -> Language:
        """The first that is on offer.

        Args:
            wanted: tags as they were sent, each perhaps empty; the first counts most.
            header: HTTP's `Accept-Language`.
            default: in place of the hub's own.
        """
        found = (self.match(tag) for tag in (*wanted, *accepted(header)))
        return find(next(filter(None, found), default or self.default))

    def match(self, tag: str) -> str:
        """What on offer a tag means: itself, or its language; empty for nothing."""
        asked = tag.strip().replace("_", "-").lower()
        by_name = {own.lower(): own for own in self.tags}
        language = asked.partition("-")[0]
        by_language = {own.partition("-")[0].lower(): own for own in reversed(self.tags)}
        return by_name.get(asked) or by_name.get(language) or by_language.get(language) or ""


def everything() -> tuple[str, ...]:
    """All languages that are installed, English first."""
    return (ENGLISH_TAG, *installed())


def asked(handler: RequestHandler) -> str:
    """The tag that an address asks for, whatever was sent; empty for none."""
    tags = handler.request.query_arguments.get(ARGUMENT) or [b""]
    return tags[-1].decode("ascii", "replace")


def remember(handler: RequestHandler, tag: str, path: str) -> None:
    """Keep a choice, for all pages below a path."""
    secure = handler.request.protocol == "https"
    handler.set_cookie(COOKIE, tag, path=path, max_age=_YEAR, samesite="Lax", secure=secure)


def without_language(address: str) -> str:
    """An address that asks for no language, so that another can be chosen there."""
    path, mark, query = address.partition("?")
    kept = [pair for pair in query.split("&") if pair and pair.partition("=")[0] != ARGUMENT]
    return path + (mark + "&".join(kept) if kept else "")


def accepted(header: str) -> list[str]:
    """The tags of an `Accept-Language`, what is liked most first; none for what is no such list."""
    weighed = sorted(_weighed(header[:_LONGEST].split(",")), key=lambda one: -one[0])
    return [tag for _, tag in weighed]


def _weighed(parts: Iterable[str]) -> Iterator[tuple[float, str]]:
    for part in parts:
        tag, *parameters = (piece.strip() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            try:
                weight = float(value) if name.strip() == "q" else weight
            except ValueError:
                weight = 0
        if tag and 0 < weight <= 1:
            yield weight, tag
