"""The address of a repository in one form: no credentials, no default port, host in lower case.

Says nothing of whether the address may be reached; that is judged where it is resolved.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from .errors import BadLink
from .plain import PATH_MAX, plain, relative_path, shown

CASELESS_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})
"""Public forges: HTTPS for everybody, and no two repositories differ only in case."""

_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
_SCP = re.compile(
    r"(?:(?P<user>[^@/:\s]+)@(?P<host>[A-Za-z0-9.-]+)|(?P<site>[A-Za-z0-9.-]+\.[A-Za-z]+))"
    r":(?!\d+(/|$))(?P<path>[^:]+)"
)
_SSH_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

_PASSWORD = re.compile(r"[^/:@]:[^/@]+@")
_NO_CREDENTIALS = (
    "The address contains a user name or a password. Leave them out, since links are shown, "
    "stored and passed on; store your credential in the settings instead."
)


@dataclass(frozen=True)
class Address:
    """A URL taken apart.

    Attributes:
        scheme: in lower case.
        host: in lower case, international names in their ASCII form, without port.
        netloc: `[user@]host[:port]`; a user only for SSH.
        path: percent-decoded, without slashes at its ends.
        query, fragment: as given, still escaped.
    """

    scheme: str
    host: str
    netloc: str
    path: str
    query: str = ""
    fragment: str = ""

    @property
    def url(self) -> str:
        """The address again, without query and fragment."""
        return f"{self.scheme}://{self.netloc}/{quote(self.path, safe=_PATH_SAFE)}".rstrip("/")


_PATH_SAFE = "/~:@!$&'()*+,;="


def address(text: str, schemes: frozenset[str] = frozenset(_DEFAULT_PORTS)) -> Address:
    """Take a URL apart.

    Raises:
        BadLink: not a URL of one of `schemes`, credentials in it (never repeated), a host or
            a path that is not what it seems.
    """
    plain(text.partition("?")[0].partition("#")[0].rpartition("@")[2], "address")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadLink("The address has no valid host or port.") from error
    if parts.scheme not in schemes:
        raise BadLink(f"Addresses must begin with one of {', '.join(sorted(schemes))} and “://”.")
    host = host_name(parts.hostname or "")
    netloc = _user(parts.scheme, parts.username, parts.password) + _bracketed(host)
    if port is not None and port != _DEFAULT_PORTS.get(parts.scheme):
        netloc += f":{port}"
    if _PASSWORD.search(unquote(parts.path)):
        raise BadLink(_NO_CREDENTIALS)
    relative_path(parts.path.strip("/"), "path of the address")
    path = unquote(parts.path).strip("/")
    return Address(parts.scheme, host, netloc, path, parts.query, parts.fragment)


def git_url(text: str) -> str:
    """The one form of a Git repository's URL.

    `git@host:path` becomes `ssh://`; on the public forges everything becomes `https://` without
    `.git`. Elsewhere `.git` stays, because there it may be part of the only address.

    Raises:
        BadLink: as :func:`address`, or no path, or a query.
    """
    scp = _SCP.fullmatch(text) if "://" not in text else None
    if scp:
        user = f"{scp['user']}@" if scp["user"] else ""
        text = f"ssh://{user}{scp['host'] or scp['site']}/{scp['path'].lstrip('/')}"
    place = address(text)
    if place.path in ("", ".git") or place.query or place.fragment:
        raise BadLink(f"{shown(place.url)} is not the plain address of a Git repository.")
    host = place.host.removeprefix("www.")
    if host in CASELESS_HOSTS:
        return Address("https", host, host, place.path.removesuffix(".git")).url
    return place.url


def is_scp(text: str) -> bool:
    """Whether it is `user@host:path` or `host.domain:path`, as SSH's scp has it."""
    return "://" not in text and len(text) <= PATH_MAX and _SCP.fullmatch(text) is not None


def host_name(text: str) -> str:
    """A host in lower case and ASCII.

    Raises:
        BadLink: not a host name, a number in disguise, or letters mixed to deceive.
    """
    text = text.rstrip(".").lower()
    try:
        return str(ipaddress.ip_address(text.replace("%", "/")))
    except ValueError:
        pass
    try:
        ascii_name = plain(text, "host", 253).encode("idna").decode().lower()
    except UnicodeError as error:
        raise BadLink(f"{shown(text)} is not the name of a host.") from error
    labels = ascii_name.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or _NUMBER.fullmatch(labels[-1]):
        raise BadLink(f"{shown(text)} is not the name of a host.")
    return ascii_name


def _user(scheme: str, user: str | None, password: str | None) -> str:
    if user is None and password is None:
        return ""
    if scheme != "ssh" or password is not None or not _SSH_USER.fullmatch(user or ""):
        raise BadLink(_NO_CREDENTIALS)
    return f"{user}@"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
