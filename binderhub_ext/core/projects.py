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
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from .repo import Repo
from .url import readable_host

PROJECTS = "projects"
NAME_MAX = 100
"""Bytes of a folder's name; leaves room for what an update puts beside it (255 in all)."""

_GITHUB = "github.com"
_OWNER = re.compile(rb"[A-Za-z0-9][A-Za-z0-9_-]*")
_NO_GROUP = "-"
_HASH_DIGITS = 16
_MARKS = "._-"
_ESCAPES = "=+"


def project_folder(repo: Repo) -> str:
    """The folder of a repository, relative to the home; always the same for the same one.

    Its parts are made of letters and digits of any script and `.`, `_`, `-`, `+`, `=`; none is
    longer than :data:`NAME_MAX`, none begins with a dot or reads as an option.
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
    same = [project for project in past if project.repo.identity == repo.identity]
    same.sort(key=lambda project: (not project.worked, project.repo.url != repo.url))
    return same[0].folder if same else project_folder(repo)


def is_project_folder(path: str) -> bool:
    """Whether :func:`project_folder` could have made this; what else is there is no project."""
    top, *parts = path.split("/")
    if top != PROJECTS or not all(map(_is_part, parts)):
        return False
    return len(parts) == folder_depth(parts[0]) if parts else False


def _is_part(part: str) -> bool:
    if part == _NO_GROUP:
        return True
    known = all(c in _MARKS + _ESCAPES or _is_letter(c) for c in part)
    return known and part[:1] not in ("", ".", "-") and len(part.encode()) <= NAME_MAX


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
    folder = _escape(readable_host(host).encode())
    folder = "=5f" + folder[1:] if folder.startswith("_") else folder
    return (folder if "." in folder else f"{folder}.") + (f"+{port}" if port else "")


def _folder(name: bytes) -> str:
    return _fit(_escape(name))


def _escape(name: bytes) -> str:
    """Injective: `=` and two hex digits stand for a byte, a single `=` for nothing at all.

    A letter that Unicode can write in two ways stays a letter in the composed one only.
    """
    text = name.decode(errors="surrogateescape")
    composed = unicodedata.is_normalized("NFC", text)
    parts = (
        c if _stays(c, first=not at, composed=composed) else _bytes(c) for at, c in enumerate(text)
    )
    return "".join(parts) or "="


def _stays(character: str, *, first: bool, composed: bool) -> bool:
    if character in _MARKS:
        return not (first and character in ".-")
    if not _is_letter(character) or not (composed or character.isascii()):
        return False
    return not (first and unicodedata.category(character).startswith("M"))


def _is_letter(character: str) -> bool:
    """Letters and digits, and the marks that scripts put on them."""
    return unicodedata.category(character)[0] in "LMN"


def _bytes(character: str) -> str:
    return "".join(f"={byte:02x}" for byte in character.encode(errors="surrogateescape"))


def _fit(folder: str) -> str:
    """Cut what is too long; the hash keeps it apart from all others, the `==` from the short."""
    raw = folder.encode()
    if len(raw) <= NAME_MAX:
        return folder
    digest = sha256(raw).hexdigest()[:_HASH_DIGITS]
    return f"{raw[: NAME_MAX - _HASH_DIGITS - 2].decode(errors='ignore')}=={digest}"
