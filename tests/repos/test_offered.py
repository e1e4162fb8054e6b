"""What somebody who types may choose from, asked of a real server: seldom, each their own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from secrets import token_hex

import pytest
from gitserver import Behaviour, GitServer, RepoHandle

from binderhub_ext.core.errors import AddressNotAllowed, RepoNotFound, TooLarge
from binderhub_ext.core.progress import unheard
from binderhub_ext.core.repo import Repo
from binderhub_ext.core.url import SCHEMES, read_url
from binderhub_ext.repos import command, offered, remote
from binderhub_ext.repos.base import Refs
from binderhub_ext.repos.credentials import Credential
from binderhub_ext.repos.git import GitProvider
from binderhub_ext.repos.network import AddressPolicy
from binderhub_ext.repos.offered import refs_of
from binderhub_ext.repos.remote import Advertised, Remote
from binderhub_ext.repos.shipped import ShippedProvider

OPENS = ("git", "hush-20fb83")


def repo_of(handle: RepoHandle) -> Repo:
    return Repo("git", handle.url, handle.url)


@pytest.fixture
def handle(gitserver: GitServer) -> RepoHandle:
    files = {
        "README.md": "#",
        "data/large.csv": "x" * 100_000,
        "index.ipynb": "{}",
        "notebooks/Übung 1.ipynb": "{}",
        "app.py": "",
        ".github/hidden.ipynb": "{}",
        "with\u202e.ipynb": "{}",
        "new\nline.ipynb": "{}",
        "%2e%2e/x.ipynb": "{}",
    }
    handle = gitserver.create_repo("owner/offered", files)
    handle.branch("a/feature")
    handle.git("update-ref", "refs/heads/turned\u202e", "main")
    handle.git("update-ref", "refs/heads/100%25", "main")
    handle.git("update-ref", "refs/pull/7/head", "main")
    for name in ("v1.9", "v1.10", "old"):
        handle.tag(name, annotated=name == "v1.9")
    return handle


async def test_branches_and_tags(provider: GitProvider, handle: RepoHandle) -> None:
    assert await provider.refs(repo_of(handle)) == Refs(
        "main", ("main", "a/feature"), ("v1.10", "v1.9", "old")
    )


NAMED = ("index.ipynb", "notebooks/Übung 1.ipynb", "README.md", "app.py", "data/large.csv")


async def test_files_notebooks_first(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer, tmp_path: Path
) -> None:
    repo = repo_of(handle)
    # most hosts give folders without files; the other tests' server does not
    handle.git("config", "uploadpack.allowFilter", "true")
    assert await provider.paths(repo, "main") == NAMED
    assert gitserver.fetches() == 1 and not (tmp_path / "data").exists()
    # another name of the same commit is the same question
    assert await provider.paths(repo, "v1.9") == NAMED and gitserver.fetches() == 1
    handle.commit({"index.ipynb": None})
    commit = await provider.resolve(repo, "main")
    await provider.fetch(commit, unheard)
    fetched = gitserver.fetches()
    assert await provider.paths(repo, "main") == NAMED[1:]
    assert gitserver.fetches() == fetched


async def test_a_commit_that_is_large_and_comes_small(
    provider: GitProvider, handle: RepoHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle.git("config", "uploadpack.allowFilter", "true")
    handle.commit({"a": "2"}, "x" * (64 << 20))
    monkeypatch.setattr(offered, "MEMORY", 48 << 20)
    assert await provider.paths(repo_of(handle), "main") == ()


async def test_the_beginning_of_an_id_is_not_looked_up(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer
) -> None:
    handle.branch("cafe")
    assert await provider.paths(repo_of(handle), "cafe") == NAMED
    short = handle.git("rev-parse", "main")[:8]
    fetched = gitserver.fetches()
    assert await provider.paths(repo_of(handle), short) == () and gitserver.fetches() == fetched


async def test_a_class_that_types_asks_once(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer
) -> None:
    repo = repo_of(handle)
    await asyncio.gather(*(provider.refs(repo, reader=f"student {n}") for n in range(30)))
    await provider.refs(repo)
    assert [request.command for request in gitserver.requests].count("ls-refs") == 1


async def test_of_private_repositories_to_their_readers_alone(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer
) -> None:
    keys = {"ana": Credential(*OPENS), "bob": Credential("git", "another")}

    async def keyring(person: str) -> Mapping[str, Credential]:
        return {f"127.0.0.1:{gitserver.port}": keys[person]} if person in keys else {}

    provider.keyring = keyring
    provider.unencrypted_credential_hosts = [f"127.0.0.1:{gitserver.port}"]
    handle.behaviour = Behaviour(password=OPENS)
    repo = repo_of(handle)
    asks = (
        lambda who: provider.refs(repo, reader=who),
        lambda who: provider.paths(repo, "", reader=who),
    )
    for ask in asks:
        assert await ask("ana")
        for person in ("bob", "cleo", ""):
            with pytest.raises(RepoNotFound):
                await ask(person)
        assert await ask("ana")
    # also what is kept of it is nobody's any more whose token was taken back
    await provider.fetch(await provider.resolve(repo, "main", reader="ana"), unheard)
    handle.behaviour = Behaviour(password=("git", "the next one"))
    for ask in asks:
        with pytest.raises(RepoNotFound):
            await ask("ana")


async def test_a_host_may_answer_anything() -> None:
    """As a host writes it, and not as Git would have it in a repository."""
    names = ["9" * 5000, "x" * 9999, "", "^{}", "-rf", "a b", "..", "\0", "v2", "v10", "v1\u202e"]

    class Liar(Remote):
        async def list(self, patterns: Sequence[str], *, limit: int = 0) -> Advertised:
            return Advertised({f"refs/tags/{name}": "id" for name in names}, "refs/tags/v2")

    remote = Liar(read_url("https://x.example/a/b"), AddressPolicy(), timeout=1)
    assert await refs_of(remote) == Refs("", (), ("v10", "v2"))


async def test_what_is_too_large_for_somebody_who_types(
    provider: GitProvider, handle: RepoHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offered, "_ANSWER", 20)
    assert await provider.paths(repo_of(handle), "main") == ()


async def test_what_comes_without_end_is_ended(
    provider: GitProvider, gitserver: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while it comes: what a host sends is in a pack that has no name yet."""
    handle = gitserver.create_repo("owner/endless", {"a": token_hex(200_000)})
    handle.behaviour = Behaviour(rate=20_000)
    monkeypatch.setattr(offered, "_FETCHED", 4_000)
    monkeypatch.setattr(offered, "_SECONDS", 4)  # it would take ten
    assert await provider.paths(repo_of(handle), "main") == ()


async def test_what_would_fill_the_memory_is_refused(
    provider: GitProvider, gitserver: GitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit of 16 MiB, in 16 KiB that come; a host may make it a thousand times as large."""
    handle = gitserver.create_repo("owner/bomb", {"a": ""})
    handle.commit({"b": ""}, "x" * (16 << 20))
    monkeypatch.setattr(command, "ALLOCATED", "8m")
    repo = repo_of(handle)
    assert await provider.paths(repo, "main") == ()
    with pytest.raises(TooLarge):
        await provider.fetch(await provider.resolve(repo, "main"), unheard)


async def test_no_list_of_refs_fills_the_memory(
    gitserver: GitServer, policy: AddressPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = gitserver.create_repo("owner/crowd", {"a": ""})
    id = handle.git("rev-parse", "main")
    names = (f"{id} refs/tags/{number:09}\n" for number in range(100_000))
    (handle.path / "packed-refs").write_text("".join(names))
    monkeypatch.setattr(remote, "MEMORY", 30 << 20)
    with pytest.raises(TooLarge):
        await Remote(read_url(handle.url, SCHEMES), policy, timeout=60).list([], limit=1 << 26)


async def test_hosts_that_must_not_be_reached(tmp_path: Path, handle: RepoHandle) -> None:
    guarded = GitProvider(data_dir=str(tmp_path / "data"))
    for asked in (guarded.refs(repo_of(handle)), guarded.paths(repo_of(handle), "main")):
        with pytest.raises(AddressNotAllowed):
            await asked


async def test_where_there_is_nothing_to_choose(tmp_path: Path) -> None:
    other = ShippedProvider(data_dir=str(tmp_path))
    repo = Repo("shipped", "tides", "https://tides.invalid")
    assert await other.refs(repo) == Refs() and await other.paths(repo, "") == ()
