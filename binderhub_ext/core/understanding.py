"""An address from somebody's browser taken apart, and what was understood of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlsplit

from .errors import BadLink
from .launch import LaunchRequest
from .pages import Place
from .plain import PATH_MAX, decoded, plain, ref_name, relative_path
from .provider import Provider
from .url import WEB, read_pasted


@dataclass(frozen=True)
class Understanding:
    """What a paste was taken to mean.

    Attributes:
        request: what it asks for.
        guessed: sentences on what had to be assumed; empty if it was plain.
    """

    request: LaunchRequest
    guessed: tuple[str, ...] = ()

    def guessing(self, *sentences: str) -> Understanding:
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
        pairs = parse_qsl(parts.query, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise BadLink("The address is not written as an address should be.") from error
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


def shows(provider: Provider, place: Place, site: str = "") -> Understanding:
    """A place on a forge as a request.

    Args:
        provider: whose repository it is.
        place: what the page shows.
        site: for provider `git`, what stands before the repository's name.

    Raises:
        BadLink: the provider cannot have such a repository, ref or path.
    """
    name = f"{site}/{place.name}" if site else place.name
    path = relative_path(place.path, "path of the address") if place.path else ""
    request = LaunchRequest(provider.repo(name), ref_name(place.ref), filepath=path)
    return Understanding(request, place.guessed)
