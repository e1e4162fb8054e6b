"""Where the files of a repository lie in a person's home.

`projects/<owner>/<name>` for GitHub, `projects/<host>/<groups>/<name>` for every other host.
Two repositories never share a folder and none lies inside another's: a GitHub owner has no
dot while every host here has one, and below a host there are always exactly two levels.

It is made of `Repo.identity` alone, so that one repository has one folder. A folder that a person
has is theirs by the record of its launches (:func:`folder_of`): how folders are named may change,
where somebody's work lies may not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from .repo import Repo

PROJECTS = "projects"
NAME_MAX = 100
"""Characters of a folder's name; leaves room for what an update puts beside it (255 in all)."""

_GITHUB = "github.com"
_OWNER = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_-]*")
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
    if host == _GITHUB and len(groups) == 1 and _OWNER.fullmatch(groups[0]):
        return "/".join([PROJECTS, *map(_folder, parts)])
    group = _fit("+".join(map(_escape, groups))) if groups else _NO_GROUP
    return "/".join([PROJECTS, _fit(host), group, _folder(name)])


@dataclass(frozen=True)
class Past:
    """A launch of a person's that is on record.

    Attributes:
        repo: what was launched.
        folder: where its project was.
        worked: whether its server ran.
    """

    repo: Repo
    folder: str
    worked: bool


def folder_of(repo: Repo, past: Iterable[Past]) -> str:
    """The folder in which a person has a repository, or will have it.

    Args:
        repo: what they launch.
        past: their launches, newest first. What ran counts before what did not, and a launch by
            the very same address before one by another spelling of it.
    """
    same = [one for one in past if one.repo.identity == repo.identity]
    same.sort(key=lambda one: (not one.worked, one.repo.url != repo.url))
    return same[0].folder if same else project_folder(repo)


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
    url = urlsplit(repo.identity)
    if url.scheme != "https" or not url.hostname:
        return _provider_folder(repo), repo.name.encode().split(b"/")
    return _host_folder(url.hostname, url.port), _path(url)


def _path(url: SplitResult) -> list[bytes]:
    parts = [unquote_to_bytes(part) for part in url.path.removeprefix("/").split("/")]
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
