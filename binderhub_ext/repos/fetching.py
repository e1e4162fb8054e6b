"""One fetch: from a remote into a repository's own objects, and from there into a bundle."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import (
    BadLink,
    BinderError,
    NotAllowed,
    RefNotFound,
    RepoNotFound,
)
from ..core.progress import Event, Phase, Tell
from ..core.repo import Commit
from ..core.sentences import Sentence
from ..core.url import SCHEMES, git_url, read_url
from ..core.versions import short_id
from ..programs import ProcessFailed, TooMuch
from . import complaints, submodules
from .checkout import SUBMODULE_MODE, initialise, stored
from .command import Call, run
from .keeping import Readable, too_large
from .remote import NAME, Remote
from .store import Lock
from .tags import PREFIX, describing

_SUBMODULE_DEPTH = 5
_SUBMODULES_MAX = 50
_PACKS_MAX = 30
_TIDY_SECONDS = 60
_PROGRESS_EVERY = 0.5
_LISTING_MAX = 2**26
_ATTRIBUTES = ".gitattributes"
_KEEPING = Sentence("Keeping the files")
Tags = tuple[tuple[str, str], ...]
_PERMANENT = (BadLink, NotAllowed, RefNotFound, RepoNotFound)


@dataclass(frozen=True)
class Limits:
    """What one fetch may take.

    Attributes:
        timeout: seconds.
        history: bytes above which the history is left behind.
        size: bytes above which the commit is refused.
        files: number of files of a commit.
        files_size: bytes of all files of a commit, unpacked.
        depth: commits of history, 0 for all.
        submodules: whether to fetch them.
    """

    timeout: float
    history: int
    size: int
    files: int
    files_size: int
    depth: int
    submodules: bool


class Fetching:
    """Fetches one commit while its repository is locked.

    Args:
        remote: where it is; a function, as submodules are elsewhere.
        lock: the right to change the repository's directory.
        limits: what it may take.
        tell: is told what happens.
    """

    def __init__(
        self, remote: Callable[[str], Remote], lock: Lock, limits: Limits, tell: Tell
    ) -> None:
        self._remote = remote
        self._lock = lock
        self._limits = limits
        self._tell = tell
        self._objects = lock.objects
        self._files = self._bytes = 0

    async def bundle(self, commit: Commit, path: Path) -> Readable:
        """Fetch a commit, write it to `path` and say what its files are.

        Raises:
            RepoNotFound, RefNotFound, RepoUnavailable, AddressNotAllowed, TooLarge, NoSpace.
        """
        try:
            return await self._attempt(commit, path)
        except ProcessFailed:
            # What was kept from earlier fetches may be damaged; all of it can be had again.
            shutil.rmtree(self._objects, ignore_errors=True)
        try:
            return await self._attempt(commit, path)
        except ProcessFailed as error:
            raise complaints.understand(error.tail, commit.repo.url) from error

    async def _attempt(self, commit: Commit, path: Path) -> Readable:
        self._files = self._bytes = 0
        await self._prepare(len(commit.id))
        listing = asyncio.create_task(self._advertised_tags(commit.repo.url))
        try:
            await self._get(self._remote(commit.repo.url), commit.id, "refs/kept", commit)
            tags = await self._tags(commit, await listing)
        finally:
            listing.cancel()
        contents = await self._measured(commit.id)
        parts = await self._submodules(commit.repo.url, commit.id, contents, 0)
        await self._mention_lfs(contents)
        tree = (await self._git("rev-parse", f"{commit.id}^{{tree}}")).decode().strip()
        submodules = tuple(dict.fromkeys(parts))
        readable = Readable(Phase.FETCHING, _KEEPING, {}, tree, submodules, tags)
        self._tell(readable)
        await self._write(commit.id, parts, tags, path)
        await self._tidy()
        return readable

    async def _prepare(self, id_length: int) -> None:
        if not (self._objects / "HEAD").exists():
            self._objects.mkdir(exist_ok=True)
            await initialise(self._objects, id_length)
        os.utime(self._objects)

    async def _get(self, remote: Remote, id: str, kept: str, commit: Commit | None) -> None:
        """Have a commit with all it needs; git itself looks that a fetch brought that."""
        ref = f"{kept}/{id}"
        if await self._is_complete(id):
            await self._git("update-ref", ref, id)
            return
        self._say("Fetching {commit} from {url}", commit=short_id(id), url=remote.url)
        try:
            await self._history_or_not(remote, [f"{id}:{ref}"])
        except RefNotFound as error:
            if commit is None or not complaints.is_unadvertised(error.detail):
                raise
            await self._get_everything(remote, commit)
            await self._git("update-ref", ref, id)

    async def _get_everything(self, remote: Remote, commit: Commit) -> None:
        self._say("The host gives branches and tags only, so all of them are fetched")
        asked = [f"+{commit.ref}:refs/tips/asked"] if commit.ref.startswith("refs/") else []
        everything = ["+refs/heads/*:refs/tips/heads/*", "+refs/tags/*:refs/tips/tags/*"]
        await self._history_or_not(remote, [*everything, *asked])
        if not await self._is_complete(commit.id):
            raise complaints.understand("not our ref", str(remote.url))

    async def _is_complete(self, id: str) -> bool:
        """Whether a commit is here with all it needs."""
        try:
            commit = f"{id}^{{commit}}"
            await self._git("rev-list", "--objects", "--quiet", commit, "--not", "--all")
        except ProcessFailed:
            return False
        return True

    async def _history_or_not(self, remote: Remote, refspecs: list[str]) -> None:
        depth, limit = self._limits.depth, self._limits.history
        if not depth:
            try:
                await self._transfer(remote, [], refspecs, limit)
                return
            except TooMuch:
                self._say(
                    "Its history is larger than {limit} MiB, so only the commit itself is fetched "
                    "(`git fetch --unshallow` gets the rest later)",
                    limit=limit // 2**20,
                )
                self._remove_partial()
        try:
            await self._transfer(remote, [f"--depth={depth or 1}"], refspecs, self._limits.size)
        except TooMuch as error:
            self._remove_partial()
            raise too_large(f"{self._limits.size // 2**20} MiB to download") from error

    async def _transfer(
        self, remote: Remote, options: list[str], refspecs: list[str], limit: int
    ) -> None:
        before = stored(self._objects)
        flags = ["--no-tags", "--no-write-fetch-head", "--progress", "--force", *options]
        call = replace(
            self._call("fetch", *flags, NAME, *refspecs),
            timeout=self._limits.timeout,
            watch=lambda: stored(self._objects) - before > limit,
        )
        await remote.run(call, Throttled(self._tell))

    def _remove_partial(self) -> None:
        for file in (self._objects / "objects" / "pack").glob("tmp_*"):
            file.unlink(missing_ok=True)

    async def _measured(self, id: str) -> list[submodules.Entry]:
        """The files of a commit, counted before anybody unpacks them."""
        listing = self._call("ls-tree", "-r", "-z", "--long", f"{id}^{{commit}}")
        call = replace(listing, output_limit=_LISTING_MAX)
        try:
            entries = submodules.entries(await run(call))
        except TooMuch as error:
            raise too_large(f"{self._limits.files} files") from error
        self._files += len(entries)
        self._bytes += sum(entry.size for entry in entries)
        if self._files > self._limits.files:
            raise too_large(f"{self._limits.files} files")
        if self._bytes > self._limits.files_size:
            raise too_large(f"{self._limits.files_size // 2**20} MiB of files")
        return entries

    async def _submodules(
        self, url: str, id: str, entries: list[submodules.Entry], depth: int
    ) -> list[str]:
        """Fetch the submodules of a commit, and theirs; gives the ids fetched."""
        links = [entry for entry in entries if entry.mode == SUBMODULE_MODE]
        if not links or not self._limits.submodules:
            return []
        if depth >= _SUBMODULE_DEPTH or len(links) > _SUBMODULES_MAX:
            raise too_large(f"{_SUBMODULES_MAX} submodules, {_SUBMODULE_DEPTH} deep")
        known, ids = await self._addresses(id), []
        for link in links:
            if link.path in known:
                ids += await self._submodule(known[link.path], url, link, depth)
        return ids

    async def _submodule(
        self, address: str, parent: str, link: submodules.Entry, depth: int
    ) -> list[str]:
        try:
            url = git_url(submodules.locate(address, read_url(parent, SCHEMES)))
            remote = self._remote(url)
            await self._get(remote, link.id, "refs/submodules", None)
        except _PERMANENT as error:
            name = ascii(link.path).strip("'")
            self._say("The submodule {name} stays empty. {why}", name=name, why=error.message)
            return []
        entries = await self._measured(link.id)
        return [link.id, *await self._submodules(url, link.id, entries, depth + 1)]

    async def _addresses(self, id: str) -> dict[str, str]:
        try:
            listing = await self._git("config", f"--blob={id}:.gitmodules", "--null", "--list")
        except ProcessFailed:
            return {}
        return submodules.addresses(listing)

    async def _mention_lfs(self, entries: list[submodules.Entry]) -> None:
        blobs = [
            entry.id
            for entry in entries
            if entry.path == _ATTRIBUTES and entry.mode != SUBMODULE_MODE
        ]
        if blobs and b"filter=lfs" in await self._git("cat-file", "blob", blobs[0]):
            self._say("Files kept in Git LFS arrive as pointers; `git lfs pull` gets them later")

    async def _advertised_tags(self, url: str) -> Mapping[str, str]:
        """All tags of a repository; none if they cannot be had, as the files can do without."""
        try:
            return await self._remote(url).tags()
        except BinderError:
            return {}

    async def _tags(self, commit: Commit, advertised: Mapping[str, str]) -> Tags:
        """Have the tags by which a commit is described; what cannot be had names it plainly."""
        with self._lock.scratch() as scratch:
            tags = await describing(self._objects, scratch, commit.id, advertised)
        specs = [f"{object}:{PREFIX}{name}" for name, (object, of) in tags.items() if object != of]
        if specs:
            with suppress(BinderError, TooMuch):
                await self._transfer(self._remote(commit.repo.url), [], specs, self._limits.history)
        kept = []
        for name, (object, of) in tags.items():
            had = object if await self._is_here(object) else of
            await self._git("update-ref", f"{PREFIX}{name}", had)
            kept.append((name, had))
        return tuple(kept)

    async def _is_here(self, object: str) -> bool:
        try:
            await self._git("cat-file", "-e", object)
        except ProcessFailed:
            return False
        return True

    async def _write(self, id: str, parts: list[str], tags: Tags, path: Path) -> None:
        await self._git("update-ref", "--no-deref", "HEAD", id)
        names = ["HEAD", *(f"refs/submodules/{part}" for part in dict.fromkeys(parts))]
        names += [f"{PREFIX}{name}" for name, _ in tags]
        names += await self._boundary([id, *parts])
        path.unlink(missing_ok=True)
        await run(
            replace(
                self._call("bundle", "create", "--quiet", str(path), "--stdin"),
                timeout=self._limits.timeout,
                stdin="\n".join(names).encode() + b"\n",
            )
        )

    async def _boundary(self, ids: list[str]) -> list[str]:
        """Refs for the commits whose parents are missing, if the history is not whole."""
        shallow = self._objects / "shallow"
        if not shallow.exists() or not (cut := set(shallow.read_text().split())):
            return []
        reached = set((await self._git("rev-list", *dict.fromkeys(ids))).decode().split())
        for id in sorted(cut & reached):
            await self._git("update-ref", f"refs/shallow/{id}", id)
        return [f"refs/shallow/{id}" for id in sorted(cut & reached)]

    async def _tidy(self) -> None:
        """Put the packs of many fetches together; git looks into every one for every object."""
        if len(list((self._objects / "objects" / "pack").glob("*.pack"))) <= _PACKS_MAX:
            return
        with suppress(ProcessFailed):  # nothing is lost then, and the next fetch tries again
            repack = self._call("repack", "--geometric=2", "-d", "--quiet")
            await run(replace(repack, timeout=_TIDY_SECONDS))
            await self._git("pack-refs", "--all")

    def _say(self, text: str, **fields: object) -> None:
        self._tell(Event(Phase.FETCHING, Sentence(text, **fields)))

    async def _git(self, *arguments: str) -> bytes:
        return await run(replace(self._call(*arguments), timeout=self._limits.timeout))

    def _call(self, *arguments: str) -> Call:
        return Call(arguments, self._objects, keep_open=self._lock.descriptor)


class Throttled:
    """Passes on git's progress, but not every percent of it."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._last = 0.0

    def __call__(self, line: str) -> None:
        now = time.monotonic()
        if "%" in line and now - self._last >= _PROGRESS_EVERY:
            self._last = now
            words = Sentence.verbatim(line.removeprefix("remote: "))
            self._tell(Event(Phase.FETCHING, words))
