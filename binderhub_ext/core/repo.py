"""Repositories, refs and commits: the identities a launch is about."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from .giturl import CASELESS_HOSTS


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

        So `gh` and `git` agree on a repository of GitHub, in any case, with and without
        `.git`; `http` and `https` differ, since trust in one is no trust in the other.
        """
        place = self.url.rstrip("/").removesuffix(".git")
        caseless = self.provider != "git" or urlsplit(place).hostname in CASELESS_HOSTS
        return place.casefold() if caseless else place

    @property
    def title(self) -> str:
        """The last path part, without `.git`: what people call it."""
        return self.name.rstrip("/").rpartition("/")[2].removesuffix(".git")


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
        return self.id[:7]
