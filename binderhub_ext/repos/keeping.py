"""What providers share: fetched commits are kept, and fetched once however many ask."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from traitlets import Float, Instance, Int, Unicode, default
from traitlets.config import LoggingConfigurable

from ..core.errors import TooLarge
from ..core.layout import DataDirectory
from ..core.progress import Event, Phase
from ..core.repo import Commit
from .base import Source
from .flights import Flights
from .network import AddressPolicy
from .store import Lock, Store

T = TypeVar("T")
_COLLECT_EVERY = 300
"""Seconds in which fetches look once at all that is kept: it takes as long as there are files."""


@dataclass(frozen=True)
class Readable:
    """The files of a commit can be looked at; its bundle is still to be made.

    Attributes:
        tree: hash of their content.
    """

    tree: str


Tell = Callable[[str | Readable], None]
"""Told what happens, in words, and when the files can be looked at."""


class KeepingProvider(LoggingConfigurable):
    """A provider whose commits are kept in the data directory.

    Subclasses say how a ref is resolved, and how a commit is fetched while they alone may change
    its repository's directory.
    """

    data_dir = Unicode(help="Absolute path of the data directory (see core.layout); required.").tag(
        config=True
    )

    max_size = Int(
        4 * 2**30,
        help="Bytes of a download above which it is refused (for Git: without its history).",
    ).tag(config=True)

    max_files = Int(
        200_000,
        help="""Files a commit may have, with its submodules. A few kilobytes of Git or of an
        archive can stand for billions of files, so there must be a limit.""",
    ).tag(config=True)

    max_files_size = Int(
        10 * 2**30, help="Bytes all files of a commit may have together, unpacked."
    ).tag(config=True)

    max_kept = Int(
        50 * 2**30,
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
        self._flights: Flights[Event | Readable | Source] = Flights()
        self._collect_after = 0.0

    @property
    def store(self) -> Store:
        """Where fetched commits are kept."""
        return Store(DataDirectory(Path(self.data_dir)))

    def find(self, commit: Commit) -> Source | None:
        """The files of a commit if they are kept; no network, marks them as used now."""
        return self.store.find(commit)

    async def fetch(self, commit: Commit) -> AsyncIterator[Event | Source]:
        """Get the files of a commit, telling about it; see :class:`RepoProvider`.

        All who ask for one commit at the same time share one fetch. Immediate if kept.

        Raises:
            RepoNotFound, RefNotFound, RepoUnavailable, AddressNotAllowed, TooLarge, NoSpace.
        """
        kept = self.find(commit)
        if kept is not None:
            yield kept
            return
        work = self._flights.join(
            self.store.layout.bundle(commit),
            lambda: narrated(lambda tell: self._fetch_locked(commit, tell)),
        )
        async for item in work:
            if isinstance(item, Readable):
                yield Source(commit, self.store.layout.bundle(commit), item.tree)
            else:
                yield replace(item, commit=commit) if isinstance(item, Source) else item

    async def collect_garbage(self) -> int:
        """Remove the least recently used commits over `max_kept`; gives the bytes removed."""
        return await asyncio.to_thread(self.store.collect_garbage, self.max_kept, self.min_kept)

    async def _fetch_locked(self, commit: Commit, tell: Tell) -> Source:
        self._check(commit)
        async with self.store.locked(commit.repo) as lock:
            kept = self.find(commit)
            if kept is None:
                new = self.store.layout.bundle(commit).with_suffix(".bundle.new")
                tree = await self._bundle(commit, new, lock, tell)
                kept = self.store.keep(commit, new, tree)
        if time.monotonic() >= self._collect_after:
            self._collect_after = time.monotonic() + _COLLECT_EVERY
            await self.collect_garbage()
        return kept

    @abstractmethod
    def _check(self, commit: Commit) -> None:
        """Refuse a commit that cannot be one of this provider, before anything is made for it."""

    @abstractmethod
    async def _bundle(self, commit: Commit, new: Path, lock: Lock, tell: Tell) -> str:
        """Fetch a commit into the file `new` as a Git bundle; gives the hash of its files."""


def too_large(limit: str) -> TooLarge:
    """The words for what is larger than `limit`, such as `4096 MiB to download`."""
    return TooLarge(
        f"The repository is larger than allowed here ({limit}). Keep large data elsewhere and "
        "load it in the notebook, or ask your administrator to raise the limit."
    )


async def narrated(work: Callable[[Tell], Awaitable[T]]) -> AsyncIterator[Event | Readable | T]:
    """Run work that tells what it does: what it tells, words as events, then what it gives.

    Closing the iterator cancels the work and waits for its end.
    """
    told: asyncio.Queue[str | Readable | None] = asyncio.Queue()
    task = asyncio.ensure_future(work(told.put_nowait))
    task.add_done_callback(lambda _task: told.put_nowait(None))
    try:
        while (item := await told.get()) is not None:
            yield Event(Phase.FETCHING, item) if isinstance(item, str) else item
        yield await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
