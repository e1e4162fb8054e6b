"""How many commits are new: asked of a real server, within bounds, and not told where unknown."""

from __future__ import annotations

from pathlib import Path

import pytest
from gitserver import Behaviour, GitServer, RepoHandle

from binderhub_ext.core.progress import unheard
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.core.updates import COUNTED, new_commits
from binderhub_ext.repos import since
from binderhub_ext.repos.git import GitProvider


async def head(provider: GitProvider, handle: RepoHandle) -> Commit:
    return await provider.resolve(Repo("git", handle.url, handle.url), "main")


@pytest.fixture
async def first(provider: GitProvider, handle: RepoHandle) -> Commit:
    """A commit that was launched."""
    commit = await head(provider, handle)
    await provider.fetch(commit, unheard)
    return commit


@pytest.fixture
def handle(gitserver: GitServer) -> RepoHandle:
    handle = gitserver.create_repo("owner/since", {"a": "1"})
    handle.git("config", "uploadpack.allowFilter", "true")
    return handle


async def test_commits_are_counted_without_their_files(
    provider: GitProvider, handle: RepoHandle, first: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(since, "_FETCHED", 2**16)
    for number in range(3):
        handle.commit({"data.bin": f"{number}" + "x" * 2**20})
    new = await head(provider, handle)
    assert await provider.since(new) == {first.id: 3}
    assert provider.find(new) is None


async def test_a_branch_of_long_ago_that_is_merged_counts_for_what_it_has(
    provider: GitProvider, handle: RepoHandle
) -> None:
    handle.branch("old")
    handle.commit({"old": "1"}, branch="old")
    for number in range(COUNTED + 5):
        handle.commit({"a": f"{number}"})
    first = await head(provider, handle)
    await provider.fetch(first, unheard)
    tree = handle.git("rev-parse", "main^{tree}")
    merge = handle.git("commit-tree", "-m", "Merge", "-p", "main", "-p", "old", tree)
    handle.branch("main", merge)
    new = await head(provider, handle)
    assert await provider.since(new) == {first.id: 2}


async def test_more_than_anybody_counts(
    provider: GitProvider, handle: RepoHandle, first: Commit, gitserver: GitServer
) -> None:
    for number in range(COUNTED):
        handle.commit({"a": f"new {number}"})
    between = await head(provider, handle)
    await provider.fetch(between, unheard)
    for number in range(2):
        handle.commit({"a": f"newer {number}"})
    new = await head(provider, handle)
    assert await provider.since(new) == {first.id: COUNTED + 1, between.id: 2}
    # what is here is counted here
    await provider.fetch(new, unheard)
    asked = len(gitserver.requests)
    assert await provider.since(new) == {first.id: COUNTED + 1, between.id: 2}
    assert await provider.since(between) == {first.id: COUNTED, new.id: 0}
    assert len(gitserver.requests) == asked


async def test_a_history_that_was_rewritten(
    provider: GitProvider, handle: RepoHandle, first: Commit
) -> None:
    tree = handle.git("rev-parse", "main^{tree}")
    handle.branch("main", handle.git("commit-tree", "-m", "Anew", tree))
    assert await provider.since(await head(provider, handle)) == {first.id: 1}


async def test_where_it_is_not_known(
    provider: GitProvider, handle: RepoHandle, first: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle.commit({"a": "x"})
    new = await head(provider, handle)
    handle.behaviour = Behaviour(status=500)
    assert await provider.since(new) == {}
    handle.behaviour = Behaviour(delay=30)
    monkeypatch.setattr(since, "_SECONDS", 0.2)
    assert await provider.since(new) == {}
    other = Repo("git", f"{handle.url}-elsewhere", f"{handle.url}-elsewhere")
    assert await provider.since(Commit(other, "main", new.id)) == {}, "nothing is kept of it"


async def test_a_host_that_gives_too_much(
    provider: GitProvider, handle: RepoHandle, first: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that does not know how to leave files out."""
    handle.git("config", "uploadpack.allowFilter", "false")
    handle.commit({"data.txt": "".join(str(number) for number in range(2**17))})
    handle.behaviour = Behaviour(rate=2**18)
    monkeypatch.setattr(since, "_FETCHED", 2**14)
    assert await provider.since(await head(provider, handle)) == {}


async def test_a_commit_that_is_large_and_comes_small(
    provider: GitProvider, handle: RepoHandle, first: Commit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git holds the whole of it: as many as are looked at would take the machine's memory."""
    handle.commit({"a": "2"}, "x" * (64 << 20))
    new = await head(provider, handle)
    monkeypatch.setattr(since, "MEMORY", 48 << 20)
    assert await provider.since(new) == {}
    handle.branch("main", handle.git("rev-parse", "main^"))
    handle.commit({"a": "3"})
    assert await provider.since(await head(provider, handle)) == {first.id: 1}


async def test_a_history_that_is_not_whole(
    provider: GitProvider, handle: RepoHandle, tmp_path: Path
) -> None:
    provider.depth = 1
    handle.commit({"a": "2"})
    await provider.fetch(await head(provider, handle), unheard)
    handle.commit({"a": "3"})
    assert await provider.since(await head(provider, handle)) == {}


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, "new commits"),
        (0, "an earlier commit"),
        (1, "1 new commit"),
        (2, "2 new commits"),
        (COUNTED, "50 new commits"),
        (COUNTED + 1, "more than 50 new commits"),
    ],
)
def test_words(count: int | None, words: str) -> None:
    assert new_commits(count) == words
