"""URLs of repositories and archives: read once, refused unless plain, written one way.

Pure. Three readers of a URL (us, the resolver and curl inside Git) must agree about the host, so
whatever they might read differently is refused: credentials, unusual spellings of addresses,
control characters, backslashes.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ..core.errors import BadLink, NotAllowed

URL_MAX = 2048
DEFAULT_PORTS = {"http": 80, "https": 443, "git": 9418, "ssh": 22}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP_LIKE = re.compile(r"[^/\s]+:(?!//).+")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029]")
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"


@dataclass(frozen=True)
class Url:
    """A URL that all readers understand alike.

    Attributes:
        scheme: lower case.
        host: ASCII, lower case, without brackets or a dot at its end.
        port: always a number.
        path: percent-encoded, begins with `/`.
        query: percent-encoded, without `?`; always empty for a repository.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        host = f"git@{host}" if self.scheme == "ssh" else host
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"

    @property
    def address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The host if it is written as an address."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    def __str__(self) -> str:
        query = f"?{self.query}" if self.query else ""
        return f"{self.scheme}://{self.netloc}{self.path}{query}"


def read_repository(text: str, schemes: tuple[str, ...] = ("https", "http")) -> Url:
    """Read the URL of a Git repository.

    Raises:
        BadLink: no URL of a repository.
        NotAllowed: a scheme that is not listed, or credentials in it.
    """
    url = read(text, schemes)
    if url.query:
        raise BadLink("The URL of a Git repository has no “?”. Use the URL you would clone.")
    if url.path == "/":
        raise BadLink(f"{url} names a host and no repository. Add the repository's path.")
    return url


def read(text: str, schemes: tuple[str, ...] = ("https", "http")) -> Url:
    """Read a URL; a fragment is dropped, as no server ever sees it.

    Raises:
        BadLink: no URL.
        NotAllowed: a scheme that is not listed, or credentials in it.
    """
    if not text or len(text) > URL_MAX or _CONTROL.search(text):
        raise BadLink(
            "This is not a URL: it is empty, too long, or has spaces or control characters in it. "
            "Copy the repository's URL again."
        )
    scheme = _scheme(text, schemes)
    try:
        parts = urlsplit(text)
        port = parts.port or DEFAULT_PORTS[scheme]
    except ValueError as error:
        raise BadLink("The URL has a host or port that cannot be understood.") from error
    if "@" in parts.netloc and not (scheme == "ssh" and parts.netloc.startswith("git@")):
        raise NotAllowed(
            "The URL has a user name or password in it. Links are shared and logged, so "
            "credentials in them are refused. Remove everything before the “@”, and change the "
            "password if you have already shared this link."
        )
    path = quote(parts.path or "/", safe=_PATH_SAFE)
    if any(part in {".", ".."} for part in path.replace("%2e", ".").replace("%2E", ".").split("/")):
        raise BadLink("The URL's path has “.” or “..” in it. Use the URL without them.")
    return Url(
        scheme, _host(parts.hostname or ""), port, path, quote(parts.query, safe=_PATH_SAFE + "?")
    )


def _scheme(text: str, schemes: tuple[str, ...]) -> str:
    listed = " or ".join(f"{scheme}://" for scheme in schemes)
    match = _SCHEME.match(text)
    if match is None:
        if _SCP_LIKE.match(text) and "::" not in text and not text.startswith("-"):
            raise NotAllowed(f"Addresses like user@host:path are refused. Use {listed} instead.")
        raise BadLink(f"The URL of a repository begins with {listed}.")
    scheme = match[1].lower()
    if scheme not in schemes:
        raise NotAllowed(f"URLs with {scheme}:// are not allowed here. Use {listed}.")
    return scheme


def _host(host: str) -> str:
    if ":" in host:
        return _ipv6(host)
    try:
        plain = host.rstrip(".").encode("idna").decode().lower() if not host.isascii() else host
    except UnicodeError as error:
        raise BadLink("The URL's host name cannot be understood.") from error
    plain = plain.lower().removesuffix(".")
    labels = plain.split(".")
    if len(plain) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadLink("The URL's host name cannot be understood.")
    if re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]):
        _ipv4(plain)
    return plain


def _ipv4(host: str) -> None:
    """Refuse 127.1, 0x7f.1 or 2130706433, which readers understand differently."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError as error:
        raise BadLink("Write the address as four numbers with dots, or use a name.") from error


def _ipv6(host: str) -> str:
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError as error:
        raise BadLink("The URL's IPv6 address cannot be understood.") from error
    if address.scope_id:
        raise BadLink("The URL's IPv6 address names a network interface. Remove the part with “%”.")
    return str(address)
