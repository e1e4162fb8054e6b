"""A zip or tar by its address. What it is now is known by what its host says of it.

A host that names a version (`ETag`, `Last-Modified`: RFC 9110, sections 8.8.2 and 8.8.3) is asked
for nothing else until the files are wanted; of another the checksum is the version, as it is where
the link itself has one. A version begins with what tells it from others, as of a commit people see
seven digits.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from functools import partial
from hashlib import sha256

from ..core.errors import RepoNotFound
from ..core.repo import Commit, Repo
from ..core.url import Url, read_url
from .archives import Archive, Contents, RemoteFile, changed
from .http import Answer, Http, refuse

_CHECKSUM = "-sha256"
_MARK = "#sha256="
_PAGE = ("text/html", "application/xhtml+xml")


class DownloadProvider(Archive):
    """Archives by their address."""

    async def version(self, http: Http, repo: Repo) -> str:
        url, checksum = _asked(repo)
        if checksum:
            return f"{checksum}{_CHECKSUM}"
        async with http.get(url) as answer:
            refuse(answer)
            _refuse_page(answer)
            return _named(answer) or f"{await http.digest(answer, self.max_size)}{_CHECKSUM}"

    async def contents(self, http: Http, commit: Commit) -> Contents:
        url, _ = _asked(commit.repo)
        file = RemoteFile(
            url,
            "archive",
            sha256=commit.id.removesuffix(_CHECKSUM) if commit.id.endswith(_CHECKSUM) else "",
            check=partial(_check, commit),
        )
        return Contents((file,), packed=True)


def _asked(repo: Repo) -> tuple[Url, str]:
    """Where an archive is, and the checksum that the link has."""
    address, _, checksum = repo.url.partition(_MARK)
    return read_url(address), checksum


def _check(commit: Commit, answer: Answer) -> None:
    """Refuse an answer that brings another version than was resolved."""
    _refuse_page(answer)
    if not commit.id.endswith(_CHECKSUM) and _named(answer) != commit.id:
        raise changed(commit)


def _refuse_page(answer: Answer) -> None:
    if answer.response.content_type in _PAGE:
        raise RepoNotFound(
            "At this address {host} has a web page and no archive. Paste the address that the "
            "page's button to download leads to.",
            host=answer.url.host,
        )


def _named(answer: Answer) -> str:
    """The version as its host names it; empty if it does not.

    A weak tag may stay the same for other bytes, so a date counts before it.
    """
    headers = answer.response.headers
    tag = headers.get("ETag", "")
    date = _moment(headers.get("Last-Modified", ""))
    if date and (not tag or tag.startswith("W/")):
        size = headers.get("Content-Length", "")
        return f"{_digest(f'{date} {size}')}-date"
    return f"{_digest(tag)}-etag" if tag else ""


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:40]


def _moment(date: str) -> int:
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError):
        return 0
