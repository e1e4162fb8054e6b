"""Where the files of a repository lie in a person's home.

`projects/<owner>/<name>` for GitHub, `projects/<host>/<groups>/<name>` for every other host.
Two repositories never share a folder and none lies inside another's: a GitHub owner has no
dot while every host here has one, and below a host there are always exactly two levels.

Two addresses mean the same repository if host, port and path agree, without regard to the
scheme, to a `.git` at the end and, on GitHub and GitLab, to upper and lower case.
"""

from __future__ import annotations

import re
from hashlib import sha256
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from .repo import Repo

PROJECTS = "projects"
NAME_MAX = 100
"""Characters of a folder's name; leaves room for what an update puts beside it (255 in all)."""

_GITHUB = ("github.com", "www.github.com")
_CASELESS = ("github.com", "gitlab.com")
_OWNER = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_-]*")
_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
_UNSAFE = re.compile(rb"^[.-]|[^A-Za-z0-9._-]")
_NO_GROUP = "-"
_HASH_DIGITS = 16
_PART = re.compile(rf"-|[A-Za-z0-9_=+][A-Za-z0-9._+=-]{{0,{NAME_MAX - 1}}}")


def project_folder(repo: Repo) -> str:
    """The folder of a repository, relative to the home; always the same for the same one.

    Its parts are made of letters, digits and `.`, `_`, `-`, `+`, `=`; none is longer than
    :data:`NAME_MAX`, none begins with a dot or reads as an option.
    """
    host, parts = _address(repo)
    *groups, name = parts
    if host in _GITHUB and len(groups) == 1 and _OWNER.fullmatch(groups[0]):
        return "/".join([PROJECTS, *map(_folder, parts)])
    group = _fit("+".join(map(_escape, groups))) if groups else _NO_GROUP
    return "/".join([PROJECTS, _fit(host), group, _folder(name)])


def is_project_folder(path: str) -> bool:
    """Whether :func:`project_folder` could have made this; what else is there is no project."""
    top, *parts = path.split("/")
    if top != PROJECTS or not all(map(_PART.fullmatch, parts)):
        return False
    return len(parts) == folder_depth(parts[0]) if parts else False


def folder_depth(first: str) -> int:
    """How many folders below `projects` a project is whose first one is this."""
    return 2 if _OWNER.fullmatch(first.encode(errors="replace")) else 3


def _address(repo: Repo) -> tuple[str, list[bytes]]:
    """The folder of the host, and the path of a repository as far as it tells two apart."""
    try:
        url = urlsplit(repo.url)
        host, port = (url.hostname or "").rstrip("."), url.port
    except ValueError:
        return _provider_folder(repo), [repo.name.encode()]
    if not host:
        return _provider_folder(repo), repo.name.encode().split(b"/")
    parts = _path(url)
    if host.removeprefix("www.").removeprefix("gist.") in _CASELESS:
        parts = [part.lower() for part in parts]
    return _host_folder(host, None if port == _DEFAULT_PORTS.get(url.scheme) else port), parts


def _path(url: SplitResult) -> list[bytes]:
    parts = [unquote_to_bytes(part) for part in url.path.strip("/").split("/")]
    parts[-1] = parts[-1].removesuffix(b".git") or parts[-1]
    # No Git host tells repositories apart by these; if one does, so do we.
    parts[-1] += f"?{url.query}".encode() if url.query else b""
    parts[-1] += f"#{url.fragment}".encode() if url.fragment else b""
    return parts


def _provider_folder(repo: Repo) -> str:
    """For repositories of no host; neither an owner nor a host begins with an underscore."""
    return f"_{_escape(repo.provider.encode())}"


def _host_folder(host: str, port: int | None) -> str:
    folder = _escape(host.encode())
    folder = "=5f" + folder[1:] if folder.startswith("_") else folder
    return (folder if "." in folder else f"{folder}.") + (f"+{port}" if port else "")


def _folder(name: bytes) -> str:
    return _fit(_escape(name))


def _escape(name: bytes) -> str:
    """Injective: `=` and two hex digits stand for a byte, a single `=` for nothing at all."""
    return _UNSAFE.sub(lambda found: b"=%02x" % found[0][0], name).decode() or "="


def _fit(folder: str) -> str:
    """Cut what is too long; the hash keeps it apart from all others, the `==` from the short."""
    if len(folder) <= NAME_MAX:
        return folder
    digest = sha256(folder.encode()).hexdigest()[:_HASH_DIGITS]
    return f"{folder[: NAME_MAX - _HASH_DIGITS - 2]}=={digest}"
