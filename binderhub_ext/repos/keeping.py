"""What providers share: fetched commits are kept, and fetched once however many ask."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from traitlets import Float, Instance, Int, Unicode, default
from traitlets.config import LoggingConfigurable

from ..abstract import Abstract
from ..core.errors import TooLarge
from ..core.layout import DataDirectory
from ..core.progress import Event, Phase, Tell
from ..core.repo import Commit, Repo
from ..core.sentences import Sentence
from ..jobs import Jobs
from ..traits import Bytes
from .base import Refs, Source
from .credentials import Keyring, no_credentials
from .network import AddressPolicy
from .store import Lock, Store

_COLLECT_EVERY = 300
"""Seconds in which fetches look once at all that is kept: it takes as long as there are files."""


@dataclass(frozen=True)
class Readable(Event):
    """The files of a commit can be looked at; its bundle is still to be made.

    Attributes:
        tree, submodules, tags: as in :class:`Source`.
    """

    tree: str = ""
    submodules: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


class KeepingProvider(LoggingConfigurable, metaclass=Abstract):
    """A provider whose commits are kept in the data directory.

    Subclasses say how a ref is resolved, and how a commit is fetched while they alone may change
    its repository's directory.
    """

    data_dir = Unicode(help="Absolute path of the data directory (see core.layout); required.").tag(
        config=True
    )

    max_size = Bytes(
        "4G",
        help="Bytes of a download above which it is refused (for Git: without its history).",
    ).tag(config=True)

    max_files = Int(
        200_000,
        help="""Files a commit may have, with its submodules. A few kilobytes of Git or of an
        archive can stand for billions of files, so there must be a limit.""",
    ).tag(config=True)

    max_files_size = Bytes(
        "10G", help="Bytes all files of a commit may have together, unpacked."
    ).tag(config=True)

    max_kept = Bytes(
        "50G",
        help="""Bytes of fetched commits to keep. Beyond it the least recently used are removed;
        they are fetched again when needed.""",
    ).tag(config=True)

    min_kept = Float(
        24 * 3600, help="Seconds after its last use before a fetched commit may be removed."
    ).tag(config=True)

    policy = Instance(AddressPolicy, help="Judges the hosts that links lead to.")

    @default("policy")
    def _policy(self) -> AddressPolicy:
        return AddressPolicy(parent=self)

    def __init__(self, **traits: object) -> None:
        super().__init__(**traits)
        self.keyring: Keyring = no_credentials
        self._fetches: Jobs[Source] = Jobs()
        self._collect_after = 0.0

    @property
    def store(self) -> Store:
        """Where fetched commits are kept."""
        return Store(DataDirectory(Path(self.data_dir)))

    async def refs(self, repo: Repo, *, reader: str = "") -> Refs:
        """What there is to choose from; see :class:`RepoProvider`."""
        return Refs()

    async def paths(self, repo: Repo, ref: str, *, reader: str = "") -> tuple[str, ...]:
        """What there is to choose from; see :class:`RepoProvider`."""
        return ()

    async def since(self, commit: Commit) -> Mapping[str, int]:
        """How many commits are new in it; see :class:`RepoProvider`."""
        return {}

    def find(self, commit: Commit) -> Source | None:
        """The files of a commit if they are kept; no network, marks them as used now."""
        return self.store.find(commit)

    async def readable(self, commit: Commit, tell: Tell) -> Source:
        """Get the files so far that they can be looked at; see :class:`RepoProvider`.

        Raises:
            RepoNotFound, RefNotFound, RepoUnavailable, AddressNotAllowed, TooLarge, NoSpace.
        """
        bundle = self.store.layout.bundle(commit)
        early: asyncio.Future[Source] = asyncio.get_running_loop().create_future()

        def hear(event: Event) -> None:
            tell(event)
            if isinstance(event, Readable) and not early.done():
                early.set_result(Source(commit, bundle, event.tree, event.submodules, event.tags))
                self._fetches.finish(bundle)

        fetching = asyncio.create_task(self.fetch(commit, hear))
        try:
            await asyncio.wait([early, fetching], return_when=asyncio.FIRST_COMPLETED)
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)
        return early.result() if early.done() else fetching.result()

    async def fetch(self, commit: Commit, tell: Tell) -> Source:
        """Get the files of a commit and keep them; see :class:`RepoProvider`.

        All who ask for one commit at the same time share one fetch.

        Raises:
            RepoNotFound, RefNotFound, RepoUnavailable, AddressNotAllowed, TooLarge, NoSpace.
        """
        if found := self.find(commit):
            return found
        bundle = self.store.layout.bundle(commit)
        source = await self._fetches.join(bundle, partial(self._fetch_locked, commit), tell)
        return replace(source, commit=commit)

    async def close(self) -> None:
        """End all that is being fetched."""
        await self._fetches.close()

    async def collect_garbage(self) -> int:
        """Remove the least recently used commits over `max_kept`; gives the bytes removed."""
        return await asyncio.to_thread(self.store.collect_garbage, self.max_kept, self.min_kept)

    async def _fetch_locked(self, commit: Commit, tell: Tell) -> Source:
        self._check(commit)
        async with self.store.locked(commit.repo) as lock:
            source = self.find(commit)
            if source is None:
                new = self.store.layout.bundle(commit).with_suffix(".bundle.new")
                got = await self._bundle(commit, new, lock, tell)
                source = self.store.keep(commit, new, got.tree)
        if time.monotonic() >= self._collect_after:
            self._collect_after = time.monotonic() + _COLLECT_EVERY
            await self.collect_garbage()
        return source

    @abstractmethod
    def _check(self, commit: Commit) -> None:
        """Refuse a commit that cannot be one of this provider, before anything is made for it."""

    @abstractmethod
    async def _bundle(self, commit: Commit, new: Path, lock: Lock, tell: Tell) -> Readable:
        """Fetch a commit into the file `new` as a Git bundle; says what its files are."""


def kept(tree: str) -> Readable:
    """What is said of files that are kept as soon as they can be looked at."""
    return Readable(Phase.FETCHING, Sentence("The files are kept"), tree=tree)


def too_large(limit: str) -> TooLarge:
    """The words for what is larger than `limit`, such as `4096 MiB to download`."""
    return TooLarge(
        "The repository is larger than allowed here ({limit}). Keep large data elsewhere and "
        "load it in the notebook, or ask the administrator to raise the limit.",
        limit=limit,
    )
