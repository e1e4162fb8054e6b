"""What every kind of repository can do for us: resolve a ref, fetch a commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from ..core.progress import Tell
from ..core.refs import is_full_id
from ..core.repo import Commit, Repo
from .credentials import Keyring


@dataclass(frozen=True)
class Source:
    """The files of a commit, fetched and kept by content.

    Attributes:
        commit: what it is.
        bundle: a Git bundle whose `HEAD` is this commit (for an archive: the one commit made of
            its files, whose id is not `commit.id`), from which a project is cloned without
            network. Its further refs are explained in `store`.
        tree: hash of the files' content (Git's tree id), equal for two repositories with the
            same files apart from those of submodules.
        submodules: ids of the submodules' commits that could be had; the folders of others are
            empty.
        tags: names and objects of the tags that `git describe` finds.
    """

    commit: Commit
    bundle: Path
    tree: str
    submodules: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def content(self) -> str:
        """What two sources with the same files, submodules included, have in common."""
        if not self.submodules:
            return self.tree
        return sha256("\n".join([self.tree, *sorted(self.submodules)]).encode()).hexdigest()

    @property
    def is_of_git(self) -> bool:
        """Whether the commit is one of a Git repository, and not made of an archive's files."""
        return is_full_id(self.commit.id)

    @property
    def described_by(self) -> tuple[tuple[str, str], ...]:
        """The tags of a checkout: one that was asked for may be younger than what is kept."""
        asked = self.commit.tag
        if not asked or asked in dict(self.tags):
            return self.tags
        return tuple(sorted((*self.tags, (asked, self.commit.id))))

    @property
    def whole(self) -> str:
        """What two sources have in common whose checkouts are the same, with all that Git says."""
        if not self.is_of_git:
            return self.content
        tags = [f"{object} {name}" for name, object in self.described_by]
        return sha256("\n".join([self.content, self.commit.id, *tags]).encode()).hexdigest()


@dataclass(frozen=True)
class Refs:
    """What a repository has, by short names.

    Attributes:
        default: the branch that `HEAD` stands for; empty if that is not said.
        branches: the default one first, else by name.
        tags: the latest version first, as far as names tell.
    """

    default: str = ""
    branches: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class RepoProvider(Protocol):
    """Fetches from one kind of repository, such as Git or Zenodo.

    Attributes:
        keyring: what opens people's own repositories, for those that take it; set by the service.
    """

    keyring: Keyring

    async def resolve(self, repo: Repo, ref: str, *, reader: str = "") -> Commit:
        """Which commit does `ref` stand for now?

        Args:
            reader: the person who asks. Their own credential is used if it takes one; the
                commit's repository then says so (`Repo.reader`), and that they can read it now.

        Raises:
            RepoNotFound, RefNotFound, RepoUnavailable, AddressNotAllowed, BadLink.
        """

    async def refs(self, repo: Repo, *, reader: str = "") -> Refs:
        """The branches and tags to choose from; nothing where there are none to be listed.

        Args:
            reader: as of :meth:`resolve`. What was read with somebody's own credential is told to
                nobody else, and remembered for no moment.

        Raises:
            As :meth:`resolve`.
        """

    async def paths(self, repo: Repo, ref: str, *, reader: str = "") -> tuple[str, ...]:
        """The files to choose from; nothing where there are none to be listed.

        Arguments and errors are those of :meth:`resolve`.
        """

    async def since(self, commit: Commit) -> Mapping[str, int]:
        """How many commits are new in it for who has an earlier one; see :mod:`since`.

        Returns:
            The numbers by the ids of commits that were fetched; nothing where it is not known.
        """

    def find(self, commit: Commit) -> Source | None:
        """The files of a commit if they are kept; no network, marks them as used now."""

    async def readable(self, commit: Commit, tell: Tell) -> Source:
        """Get the files so far that they can be looked at (`storage.checkout`).

        They are not kept yet then: the source's bundle may still be being made, which goes on by
        itself, and :meth:`fetch` waits for that. What is not kept can be gone again.

        Raises:
            RepoNotFound, RefNotFound, RepoUnavailable, AddressNotAllowed, TooLarge, NoSpace.
        """

    async def fetch(self, commit: Commit, tell: Tell) -> Source:
        """Get the files and keep them; immediate if they are kept.

        Killed at any instant, it can be run again and leaves nothing half-made under a final
        name.

        Raises:
            RepoNotFound, RefNotFound, RepoUnavailable, AddressNotAllowed, TooLarge, NoSpace.
        """

    async def close(self) -> None:
        """End all that is being fetched."""
