"""Repositories, refs and commits: the identities a launch is about.

When two links mean the same repository is decided here and nowhere else. The host, its port and
the path have to agree; the scheme and a `.git` at the end say how it is fetched, not what it is.
Forges let nobody have two names that differ only in case, so on theirs case says nothing either:
the public ones in :data:`CASELESS`, and every host that a provider of its own stands for. What
any other Git host does is not known, and its paths keep their case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote_to_bytes, urlsplit

from .refs import is_full_id, is_short_id
from .url import DEFAULT_PORTS, FORGES, PATH_SAFE, readable
from .versions import short_id

CASELESS = FORGES | {"gist.github.com", "gitea.com"}
"""Public hosts on which no two repositories differ only in case."""

FOLDER_OF_MACHINE = "folder"
"""The provider of folders that are seen where they are (:mod:`.folders`)."""

_CASED = frozenset({"archive", "git", "hf", FOLDER_OF_MACHINE})
"""Providers whose hosts may tell repositories apart by case."""


@dataclass(frozen=True)
class Repo:
    """A repository a link names; nothing about it has been looked up.

    Attributes:
        provider: BinderHub's short id (`gh`, `git`, `gl`, …).
        name: the provider's own identity of it, unescaped: `owner/name`, a URL, a DOI.
        url: where Git or the provider's API finds it; never carries credentials.
        reader: the person whose own credential it takes to read it; empty for what everybody
            can read. Nothing that was read for one reader is ever found for another, or for none.
    """

    provider: str
    name: str
    url: str
    reader: str = ""

    @property
    def identity(self) -> str:
        """Equal for two links exactly when they mean the same repository.

        Written as the address it would have by HTTPS. Trust that was given for HTTPS does not
        cover what everybody on the way can change; :mod:`.rights` sees to that.
        """
        return identity(self.url, caseless=self.caseless) or f"{self.provider}:{self.name}"

    @property
    def live(self) -> bool:
        """Whether servers see its files where they are, instead of a project made of them."""
        return self.provider == FOLDER_OF_MACHINE

    @property
    def in_the_clear(self) -> bool:
        """Whether everybody between here and its host can change what is fetched."""
        return urlsplit(self.url).scheme in ("http", "git")

    @property
    def caseless(self) -> bool:
        """Whether its provider alone says that its host tells nothing apart by case."""
        return self.provider not in _CASED

    @property
    def source(self) -> tuple[str, ...]:
        """Whence and for whom it is fetched: what one gave is never found for another.

        Files that are kept are found again by it, so its form can never change.
        """
        place = self.url.rstrip("/").removesuffix(".git")
        if self.caseless or urlsplit(place).hostname in FORGES:
            place = place.casefold()
        return (place, self.url, *([self.reader] if self.reader else []))

    @property
    def page(self) -> str:
        """Where people can look at it; empty for what comes with the service."""
        return "" if (urlsplit(self.url).hostname or "").endswith(".invalid") else self.url

    @property
    def shown(self) -> str:
        """Its name as people write it."""
        return readable(self.name)

    @property
    def last(self) -> str:
        """The last part of its name, without `.git`; for what is derived and can never change."""
        return self.name.rstrip("/").rpartition("/")[2].removesuffix(".git")

    @property
    def title(self) -> str:
        """What people call it."""
        return readable(self.last)


@dataclass(frozen=True)
class Commit:
    """A repository at one immutable point.

    Attributes:
        repo: the repository.
        ref: what was asked for: a branch, tag, commit or `HEAD`.
        id: what it stood for when it was resolved; 40 (or 64) hex digits for Git, the
            provider's version otherwise.
        branch: the branch whose tip it was when `ref` was resolved, so that a project can
            follow it with `git pull`; empty for a tag, a commit id or an archive.
    """

    repo: Repo
    ref: str
    id: str
    branch: str = ""

    @property
    def short(self) -> str:
        return short_id(self.id)

    @property
    def tag(self) -> str:
        """The tag of a version that was asked for; empty where it may be anything else."""
        name = self.ref.removeprefix("refs/tags/")
        may_be = not self.branch and ("/" not in name or name != self.ref)
        sure = may_be and re.search(r"\d", name) and not (is_full_id(name) or is_short_id(name))
        return name if sure else ""

    @property
    def described(self) -> str:
        """The id, with the tag that may make it another version."""
        return " ".join(filter(None, (self.id, self.tag)))


def identity(url: str, *, caseless: bool = False) -> str:
    """What :attr:`Repo.identity` is made of; empty for what is no address.

    Args:
        url: where a repository is.
        caseless: whether its host is known to tell nothing apart by case; if not, it is looked
            up in :data:`CASELESS`.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return ""
    if not host:
        return ""
    if host.removeprefix("www.") in CASELESS:
        host, caseless = host.removeprefix("www."), True
    host = f"[{host}]" if ":" in host else host
    end = "" if port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    place = f"https://{host}{end}/{_path(parts)}"
    return place.casefold() if caseless else place


def _path(parts: SplitResult) -> str:
    """The path with every letter escaped that has to be, however it was written."""
    names = [unquote_to_bytes(name) for name in parts.path.strip("/").split("/")]
    names[-1] = names[-1].removesuffix(b".git") or names[-1]
    path = "/".join(quote(name, safe=PATH_SAFE.replace("/", "")) for name in names)
    # No Git host tells repositories apart by these; if an archive does, so do we.
    query = f"?{parts.query}" if parts.query else ""
    return path + query + (f"#{parts.fragment}" if parts.fragment else "")
