"""An address from somebody's browser taken apart, and what was understood of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from .errors import BadLink
from .launch import LaunchRequest
from .plain import PATH_MAX, decoded, plain, query_pairs
from .sentences import Sentence
from .url import WEB, read_pasted


@dataclass(frozen=True)
class Understanding:
    """What a paste was taken to mean.

    Attributes:
        request: what it asks for.
        guessed: sentences on what had to be assumed; empty if it was plain.
    """

    request: LaunchRequest
    guessed: tuple[Sentence, ...] = ()

    def guessing(self, *sentences: Sentence) -> Understanding:
        """The same with more said of what was assumed."""
        return replace(self, guessed=(*self.guessed, *sentences))


Again = Callable[[str], Understanding]
"""Understands a link that was found inside another one."""


@dataclass(frozen=True)
class WebLink:
    """An `http` or `https` URL.

    Attributes:
        site: scheme, host and port, without a slash at its end.
        host: in lower case, without `www.`.
        raw_path: as given, escapes kept.
        parts: of the path, decoded; a part may hold a slash that was escaped.
        raw_query: as given.
        query: decoded, the first value of each name.
        fragment: as given.
    """

    site: str
    host: str
    raw_path: str
    parts: tuple[str, ...]
    raw_query: str
    query: Mapping[str, str]
    fragment: str

    @property
    def url(self) -> str:
        """Where it leads, without query and fragment."""
        return f"{self.site}{self.raw_path}"


def read_web_link(text: str) -> WebLink:
    """Take a web address apart.

    Raises:
        BadLink: not an address, or with a user name or a password in it.
    """
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise BadLink("The address is not written as an address should be.") from error
    pairs = query_pairs(parts.query)
    site = read_pasted(f"{parts.scheme}://{parts.netloc}/", WEB)
    pieces = tuple(decoded(part, "address") for part in parts.path.split("/") if part)
    for piece in pieces:
        plain(piece, "address", 2 * PATH_MAX)
    return WebLink(
        site.site,
        site.host.removeprefix("www."),
        parts.path,
        pieces,
        parts.query,
        dict(reversed(pairs)),
        parts.fragment,
    )
