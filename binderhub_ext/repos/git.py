"""Git repositories: which commit a ref means, and its files.

Everything goes through git's own protocol and none through a forge's API: no rate limits, no
tokens, the same for every host.

History: a project is meant to be worked in for months, so it comes with its history and
`git log`, `git pull` and `git blame` work. Where the history alone is larger than
`max_history`, only the commit is taken; the next `git fetch --unshallow` in the project gets the
rest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from traitlets import Bool, Float, Int, List, Unicode

from ..core import refs
from ..core.errors import BadLink, NotAllowed, RefNotFound, RepoNotFound, RepoUnavailable, TooLarge
from ..core.progress import Tell
from ..core.repo import Commit, Repo
from ..core.sentences import Sentence
from ..core.url import SCHEMES, Url, read_url
from ..programs import ProcessFailed, TooMuch
from ..traits import Bytes
from .answers import SharedAnswers
from .base import Refs
from .checkout import initialise, stored
from .command import MINIMUM, Call, run, version
from .credentials import Credential, fitting
from .fetching import Fetching, Limits
from .keeping import KeepingProvider, Readable
from .offered import paths_of, refs_of
from .remote import NAME, Remote
from .since import counted
from .store import Lock

_BRANCHES_SHOWN = 8
_REMEMBERED = 60.0
"""Seconds for which everybody is told what a host has, without asking it again."""

_COMMITS_ONLY = 2**28
_NO_KEYS: Mapping[str, Credential] = MappingProxyType({})


class GitProvider(KeepingProvider):
    """Git repositories served over https (and what else an administrator lists)."""

    allowed_schemes = List(
        Unicode(),
        ["https", "http"],
        help="""Schemes of repositories' URLs. `git` and `ssh` may be added; the addresses of
        their hosts are judged, but not pinned, and `ssh` uses the service account's own keys for
        everybody.""",
    ).tag(config=True)

    resolve_timeout = Float(
        30, help="Seconds a host has to list its branches. A person is waiting, so rather short."
    ).tag(config=True)

    fetch_timeout = Float(
        900, help="Seconds one fetch may take. Longer serves larger repositories on slow networks."
    ).tag(config=True)

    max_history = Bytes(
        "500M",
        help="""Bytes of a full clone above which the history is left behind and only the
        commit's own files are fetched.""",
    ).tag(config=True)

    depth = Int(
        0,
        min=0,
        help="""Commits of history to fetch, 0 for all of it. With 1, fetches are as small as can
        be, and people have to `git fetch --unshallow` before `git log` tells them anything.""",
    ).tag(config=True)

    submodules = Bool(
        True, help="Whether submodules are fetched too, each judged like a repository of its own."
    ).tag(config=True)

    unencrypted_credential_hosts = List(
        Unicode(),
        help="""Hosts, with their port, to which people's tokens may be sent by plain http, where
        everybody on the way can read them. Empty by default; for test networks alone.""",
    ).tag(config=True)

    def __init__(self, **traits: object) -> None:
        super().__init__(**traits)
        self._questions: SharedAnswers[Commit] = SharedAnswers()
        self._refs: SharedAnswers[Refs] = SharedAnswers(_REMEMBERED)
        self._paths: SharedAnswers[tuple[str, ...]] = SharedAnswers(_REMEMBERED)
        self._own_refs: SharedAnswers[Refs] = SharedAnswers()
        self._own_paths: SharedAnswers[tuple[str, ...]] = SharedAnswers()
        self._git_is_new_enough = False

    async def resolve(self, repo: Repo, ref: str, *, reader: str = "") -> Commit:
        """Which commit does `ref` stand for now?

        A branch, tag or pull request is looked up by its exact name, annotated tags are peeled,
        a branch wins over a tag of the same name. A whole commit id is taken as it is: whether it
        exists is known when it is fetched. For `main` or `master`, where there is none, the commit
        is that of `HEAD` and says so, as BinderHub does.

        What everybody can read is read without anybody's credential, and shared. What takes the
        reader's own is asked for with it every time, a whole commit id too: a token that was
        revoked, or a person who was shut out, gets nothing of what was fetched before.

        Raises:
            RepoNotFound, RefNotFound, RepoUnavailable, AddressNotAllowed, NotAllowed, BadLink.
        """
        ref = refs.check(ref)
        remote = self._remote(repo.url)
        keys = await self.keyring(reader) if reader else {}
        if self._credential(keys, remote.url) is None:
            return await self._resolve(repo, ref, remote)
        if refs.is_full_id(ref) and self.find(Commit(repo, ref, ref)):
            return Commit(repo, ref, ref)
        try:
            return await self._resolve(repo, ref, remote, ask=True)
        except RepoNotFound:
            private = replace(repo, reader=reader)
            return await self._resolve(private, ref, self._remote(repo.url, keys), ask=True)

    async def _resolve(self, repo: Repo, ref: str, remote: Remote, *, ask: bool = False) -> Commit:
        """As :meth:`resolve`; with `ask`, whether the repository can be read is always asked."""
        if refs.is_full_id(ref) and not ask:
            return Commit(repo, ref, ref)
        return await self._questions.ask((repo, ref), lambda: self._asked(repo, ref, remote))

    async def _asked(self, repo: Repo, ref: str, remote: Remote) -> Commit:
        """What the host says of a ref, or that it lets a whole commit id be asked for."""
        await self._require_git()
        if refs.is_full_id(ref):
            await remote.list([refs.HEAD])
            return Commit(repo, ref, ref)
        advertised = await remote.list(refs.patterns(ref))
        chosen = refs.choose(ref, advertised.ids)
        if chosen is None and ref in refs.USUAL_DEFAULTS:
            return await self._asked(repo, refs.HEAD, remote)
        if chosen is None:
            return Commit(repo, ref, await self._rescued(remote, ref))
        branch = advertised.default if ref == refs.HEAD else chosen.name
        return Commit(repo, ref, chosen.id, refs.Chosen(branch, chosen.id).branch)

    async def refs(self, repo: Repo, *, reader: str = "") -> Refs:
        """The branches and tags to choose from; see :class:`RepoProvider`."""
        await self._require_git()
        remote = self._remote(repo.url)
        try:
            return await self._refs.ask(repo, lambda: refs_of(remote))
        except RepoNotFound:
            keys = await self.keyring(reader) if reader else {}
            if self._credential(keys, remote.url) is None:
                raise
        own = self._remote(repo.url, keys)
        return await self._own_refs.ask((repo, reader), lambda: refs_of(own))

    async def paths(self, repo: Repo, ref: str, *, reader: str = "") -> tuple[str, ...]:
        """The files to choose from; see :class:`RepoProvider`."""
        if refs.is_short_id(ref):
            # What could be the beginning of an id takes all commits to look up.
            there = await self.refs(repo, reader=reader)
            if ref not in (*there.branches, *there.tags):
                return ()
        commit = await self.resolve(repo, ref, reader=reader)
        remote, objects = await self._places(commit)
        answers = self._own_paths if commit.repo.reader else self._paths
        key = (commit.repo, commit.id)
        return await answers.ask(key, lambda: paths_of(remote, commit, objects))

    async def since(self, commit: Commit) -> Mapping[str, int]:
        """How many commits are new in it; see :class:`RepoProvider`."""
        return await counted(*await self._places(commit), commit)

    async def _places(self, commit: Commit) -> tuple[Remote, Path]:
        """Where a commit is to be had, and where its repository's objects are once it was."""
        reader = commit.repo.reader
        keys = await self.keyring(reader) if reader else {}
        objects = self.store.layout.sources(commit.repo) / "objects.git"
        return self._remote(commit.repo.url, keys), objects

    def _check(self, commit: Commit) -> None:
        if not refs.is_full_id(commit.id):
            raise BadLink("“{id!a}” is not the id of a commit.", id=commit.id[:60])
        self._remote(commit.repo.url)

    async def _bundle(self, commit: Commit, new: Path, lock: Lock, tell: Tell) -> Readable:
        await self._require_git()
        reader = commit.repo.reader
        keys = await self.keyring(reader) if reader else {}
        remote = partial(self._remote, keys=keys)
        return await Fetching(remote, lock, self._limits(), tell).bundle(commit, new)

    def _remote(self, url: str, keys: Mapping[str, Credential] = _NO_KEYS) -> Remote:
        place = read_url(url, SCHEMES)
        if place.scheme not in self.allowed_schemes:
            listed = " or ".join(f"{scheme}://" for scheme in self.allowed_schemes)
            raise NotAllowed(
                "{scheme}:// is not allowed here. Use {listed} instead.",
                scheme=place.scheme,
                listed=listed,
            )
        credential = self._credential(keys, place)
        return Remote(place, self.policy, timeout=self.resolve_timeout, credential=credential)

    def _credential(self, keys: Mapping[str, Credential], url: Url) -> Credential | None:
        return fitting(keys, url, self.unencrypted_credential_hosts)

    def _limits(self) -> Limits:
        return Limits(
            timeout=self.fetch_timeout,
            history=self.max_history,
            size=self.max_size,
            files=self.max_files,
            files_size=self.max_files_size,
            depth=self.depth,
            submodules=self.submodules,
        )

    async def _rescued(self, remote: Remote, ref: str) -> str:
        """The commit a short id stands for; otherwise words that name what there is."""
        there = await remote.list([refs.HEAD, "refs/heads/*"])
        if refs.is_short_id(ref):
            whole = await self._expanded(remote, ref)
            if whole:
                return whole
        raise missing(remote, ref, refs.branches(there.ids), refs.Chosen(there.default, "").branch)

    async def _expanded(self, remote: Remote, short: str) -> str:
        """The whole id of a short one; needs all commits, but none of their files."""
        with tempfile.TemporaryDirectory(prefix="binder-commits-") as scratch:
            place = Path(scratch)
            await initialise(place, 40)
            flags = ["--no-tags", "--no-write-fetch-head", "--filter=tree:0", "--quiet"]
            call = Call(
                ["fetch", *flags, NAME, "+refs/heads/*:refs/heads/*"],
                place,
                timeout=self.fetch_timeout,
                watch=lambda: stored(place) > _COMMITS_ONLY,
            )
            try:
                await remote.run(call)
                asked = Call(["rev-parse", "--verify", "--quiet", f"{short}^{{commit}}"], place)
                return (await run(asked)).decode().strip()
            except TooMuch as error:
                raise TooLarge(
                    "The repository has too many commits to look up a short commit id in. Use the "
                    "whole id (40 digits), a branch or a tag."
                ) from error
            except ProcessFailed:
                return ""

    async def _require_git(self) -> None:
        if not self._git_is_new_enough:
            installed = await version()
            if installed < MINIMUM:
                here, needed = (".".join(map(str, each)) for each in (installed, MINIMUM))
                raise RepoUnavailable(
                    "Git {needed} or newer is needed to fetch safely; on this machine it is "
                    "{here}. Please tell the administrator.",
                    needed=needed,
                    here=here or Sentence("missing"),
                )
            self._git_is_new_enough = True


def missing(remote: Remote, ref: str, branches: list[str], default: str) -> RefNotFound:
    """Words for a ref that does not exist, naming those that do."""
    if not branches:
        return RefNotFound(
            "The repository at {url} is empty: it has no commit yet.", url=remote.url
        )
    shown = sorted(branches, key=lambda name: (name != default, name))[:_BRANCHES_SHOWN]
    more = len(branches) - len(shown)
    listed = Sentence.verbatim(", ".join(shown))
    if more:
        listed = Sentence("{branches} and {count} more", branches=listed, count=more)
    if not default:
        return RefNotFound(
            "There is no branch, tag or commit “{ref}” in {url}. Branches: {listed}.",
            ref=ref,
            url=remote.url,
            listed=listed,
        )
    return RefNotFound(
        "There is no branch, tag or commit “{ref}” in {url}. Its default branch is “{default}”:"
        " use that, or leave the ref empty. Branches: {listed}.",
        ref=ref,
        url=remote.url,
        default=default,
        listed=listed,
        default_branch=default,
    )
