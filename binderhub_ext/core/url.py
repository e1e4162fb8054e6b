"""URLs of repositories and archives: read once, refused unless plain, written one way. Pure.

Three readers of a URL (us, the resolver and curl inside Git) must agree about the host, so
whatever they might read differently is refused: credentials, unusual spellings of addresses,
control characters, backslashes. Nothing here says whether a host may be reached; that is judged
where it is resolved.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

from .errors import BadLink
from .plain import PATH_MAX, plain, relative_path, shown

FORGES = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})
"""Public forges that serve every repository by HTTPS, with and without `.git`."""

WEB = frozenset({"https", "http"})
DEFAULT_PORTS = {"http": 80, "https": 443, "git": 9418, "ssh": 22}
SCHEMES = frozenset(DEFAULT_PORTS)
URL_MAX = 2048

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(
    r"(?:(?P<user>[^@/:\s]+)@(?P<host>[A-Za-z0-9.-]+)|(?P<site>[A-Za-z0-9.-]+\.[A-Za-z]+))"
    r":(?!\d+(/|$))(?P<path>[^:]+)"
)
_SSH_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_CONTROL = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029]")
_PASSWORD = re.compile(r"[^/:@]:[^/@]+@")
PATH_SAFE = "/~:@!$&'()*+,;="
_ESCAPED_SAFE = PATH_SAFE + "%-._"
_NO_CREDENTIALS = (
    "The address contains a user name or a password. Leave them out, since links are shown, "
    "stored and passed on; store your credential in the settings instead. Change the password if "
    "you have shared this link already."
)


@dataclass(frozen=True)
class Url:
    """A URL that all readers understand alike.

    Attributes:
        scheme: in lower case.
        host: in lower case, international names in their ASCII form, without brackets or a dot
            at its end.
        port: always a number.
        path: percent-encoded, begins with `/`.
        query: percent-encoded, without `?`; empty for a repository.
        user: of SSH alone.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""
    user: str = ""

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        host = f"{self.user}@{host}" if self.user else host
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{host}:{self.port}"

    @property
    def site(self) -> str:
        """What stands before the path."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def name(self) -> str:
        """The path unescaped, without slashes at its ends."""
        return unquote(self.path).strip("/")

    @property
    def address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The host if it is written as an address."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.site}{self.path}" + (f"?{self.query}" if self.query else "")


def read_url(text: str, schemes: Collection[str] = WEB) -> Url:
    """Read a URL; a fragment is dropped, as no server ever sees it.

    Raises:
        BadLink: no URL of one of `schemes`, credentials in it (never repeated), a host that is
            not what it seems.
    """
    if not text or len(text) > URL_MAX or _CONTROL.search(text):
        raise BadLink(
            "This is not a URL: it is empty, too long, or has spaces or control characters in it. "
            "Copy it again."
        )
    scheme = _SCHEME.match(text)
    if scheme is None or scheme[1].lower() not in schemes:
        raise BadLink(
            "Addresses must begin with one of {schemes} and “://”.",
            schemes=", ".join(sorted(schemes)),
        )
    try:
        parts = urlsplit(text)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
    except ValueError as error:
        raise BadLink("The address has no valid host or port.") from error
    user = _user(parts.scheme, parts.username, parts.password)
    path = quote(parts.path or "/", safe=_ESCAPED_SAFE)
    if any(part in {".", ".."} for part in re.sub("%2e", ".", path, flags=re.I).split("/")):
        raise BadLink("The address's path has “.” or “..” in it. Give it without them.")
    query = quote(parts.query, safe=_ESCAPED_SAFE + "?")
    return Url(parts.scheme, host_name(parts.hostname or ""), port, path, query, user)


def read_pasted(text: str, schemes: Collection[str] = SCHEMES) -> Url:
    """Read a URL that a person gave: besides, every letter of it is what it looks like.

    Raises:
        BadLink: as :func:`read_url`, or a path that is not what it seems.
    """
    plain(text.partition("?")[0].partition("#")[0].rpartition("@")[2], "address")
    url = read_url(text.replace(" ", "%20"), schemes)
    if _PASSWORD.search(unquote(url.path)):
        raise BadLink(_NO_CREDENTIALS)
    relative_path(unquote(url.path).strip("/"), "path of the address")
    return replace(url, path="/" + quote(url.name, safe=PATH_SAFE))


def git_url(text: str) -> str:
    """The one form of a Git repository's URL.

    `git@host:path` becomes `ssh://`; on the public forges everything becomes `https://` without
    `.git`. Elsewhere `.git` stays, because there it may be part of the only address.

    Raises:
        BadLink: as :func:`read_pasted`, or no path, or a query.
    """
    scp = _SCP.fullmatch(text) if "://" not in text else None
    if scp:
        user = f"{scp['user']}@" if scp["user"] else ""
        text = f"ssh://{user}{scp['host'] or scp['site']}/{scp['path'].lstrip('/')}"
    url = read_pasted(text)
    if url.name in ("", ".git") or url.query or "#" in text:
        raise BadLink(
            "{value} is not the plain address of a repository.",
            value=shown(f"{url.site}{url.path}"),
        )
    host = url.host.removeprefix("www.")
    if host in FORGES:
        url = Url("https", host, DEFAULT_PORTS["https"], url.path.removesuffix(".git"))
    return str(url)


def is_scp(text: str) -> bool:
    """Whether it is `user@host:path` or `host.domain:path`, as SSH's scp has it."""
    return "://" not in text and len(text) <= PATH_MAX and _SCP.fullmatch(text) is not None


def host_name(text: str) -> str:
    """A host in lower case and ASCII.

    Raises:
        BadLink: not a host name, a number in disguise, or letters mixed to deceive.
    """
    text = text.lower().removesuffix(".")
    try:
        return str(ipaddress.ip_address(text.replace("%", "/")))
    except ValueError:
        pass
    try:
        ascii_name = plain(text, "host", 253).encode("idna").decode().lower()
    except UnicodeError as error:
        raise BadLink("{given} is not the name of a host.", given=shown(text)) from error
    labels = ascii_name.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or _NUMBER.fullmatch(labels[-1]):
        raise BadLink("{given} is not the name of a host.", given=shown(text))
    return ascii_name


@lru_cache(maxsize=4096)
def readable(text: str) -> str:
    """An address, or a part of one, as people write it: no escapes that are letters.

    What is not what it seems stays escaped.
    """
    scheme, colon, place = text.rpartition("://")
    host, slash, path = place.partition("/") if colon else ("", "", place)
    parts = "/".join(map(_readable_part, path.split("/")))
    return f"{scheme}{colon}{readable_host(host)}{slash}{parts}"


def readable_host(host: str) -> str:
    """A host with the letters that its `xn--` stands for."""
    try:
        name = host.encode().decode("idna")
        return name if "xn--" in host and host_name(name) == host else host
    except (UnicodeError, BadLink):
        return host


def _readable_part(part: str) -> str:
    name = unquote(part, errors="replace")
    try:
        plain(name, "name")
    except BadLink:
        return part
    return part if set(name) & set("/?#%\N{REPLACEMENT CHARACTER}") else name


def _user(scheme: str, user: str | None, password: str | None) -> str:
    """The user of an address, which only SSH may name; Git's own for SSH without one."""
    if user is None and password is None:
        return "git" if scheme == "ssh" else ""
    if scheme != "ssh" or password is not None or not _SSH_USER.fullmatch(user or ""):
        raise BadLink(_NO_CREDENTIALS)
    return user or ""
