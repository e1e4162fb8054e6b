"""Which commit a ref means, asked of a real server."""

from __future__ import annotations

import asyncio

import pytest
from gitserver import Behaviour, GitServer, RepoHandle
from patience import SOON

from binderhub_ext.core.errors import (
    AddressNotAllowed,
    BadLink,
    BinderError,
    NotAllowed,
    RefNotFound,
    RepoNotFound,
    RepoUnavailable,
)
from binderhub_ext.core.progress import unheard
from binderhub_ext.core.repo import Repo
from binderhub_ext.repos import git
from binderhub_ext.repos.git import GitProvider
from binderhub_ext.repos.network import AddressPolicy


def repo_at(url: str) -> Repo:
    return Repo("git", url, url)


@pytest.fixture
def handle(gitserver: GitServer) -> RepoHandle:
    """Two commits; `main`, `a/main` (the first), `both` (branch and tag), tags, a pull request."""
    handle = gitserver.create_repo("owner/name", {"a": "1"})
    first = handle.branch("a/main")
    handle.tag("both", first)
    handle.tag("annotated", first, annotated=True)
    handle.git("update-ref", "refs/pull/7/head", first)
    handle.commit({"a": "2"})
    handle.branch("both")
    return handle


@pytest.mark.parametrize(
    ("ref", "same_as", "branch"),
    [
        ("main", "refs/heads/main", "main"),
        ("a/main", "refs/heads/a/main", "a/main"),
        ("", "refs/heads/main", "main"),
        ("HEAD", "refs/heads/main", "main"),
        ("both", "refs/heads/both", "both"),
        ("tags/both", "refs/tags/both", ""),
        ("annotated", "refs/heads/a/main", ""),
        ("refs/heads/main", "refs/heads/main", "main"),
        ("refs/pull/7/head", "refs/pull/7/head", ""),
        ("pull/7/head", "refs/pull/7/head", ""),
    ],
)
async def test_exact_refs(
    provider: GitProvider, handle: RepoHandle, ref: str, same_as: str, branch: str
) -> None:
    commit = await provider.resolve(repo_at(handle.url), ref)
    assert (commit.id, commit.branch) == (handle.git("rev-parse", same_as), branch)


async def test_commit_ids(provider: GitProvider, handle: RepoHandle) -> None:
    repo, id = repo_at(handle.url), handle.git("rev-parse", "a/main")
    assert (await provider.resolve(repo, id.upper())).id == id
    handle.git("config", "uploadpack.allowFilter", "true")
    assert (await provider.resolve(repo, id[:9])).id == id


async def test_sha256(provider: GitProvider, gitserver: GitServer) -> None:
    handle = gitserver.create_repo("owner/new", {"a": "1"}, object_format="sha256")
    assert len((await provider.resolve(repo_at(handle.url), "main")).id) == 64


async def test_the_default_branch_by_its_former_name(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer
) -> None:
    head = await provider.resolve(repo_at(handle.url), "")
    assert head.branch == "main"
    assert await provider.resolve(repo_at(handle.url), "master") == head
    former = gitserver.create_repo("owner/former")
    commit = former.commit({"a": "1"}, branch="master")
    former.default_branch("master")
    found = await provider.resolve(repo_at(former.url), "main")
    assert (found.ref, found.id, found.branch) == ("HEAD", commit, "master")


@pytest.mark.parametrize("ref", ["mastery", "none", "deadbeef"])
async def test_unknown_ref_names_what_there_is(
    provider: GitProvider, handle: RepoHandle, ref: str
) -> None:
    with pytest.raises(RefNotFound) as caught:
        await provider.resolve(repo_at(handle.url), ref)
    assert caught.value.default_branch == "main"
    for words in (f"“{ref}”", "default branch is “main”", "main, a/main, both"):
        assert words in caught.value.message


async def test_empty_repository(provider: GitProvider, gitserver: GitServer) -> None:
    handle = gitserver.create_repo("owner/empty")
    with pytest.raises(RefNotFound, match="empty"):
        await provider.resolve(repo_at(handle.url), "")


REFUSED: list[tuple[str, str, type[BinderError]]] = [
    ("{}", "-x", BadLink),
    ("{}", "--upload-pack=touch /tmp/x", BadLink),
    ("{}", "a..b", BadLink),
    ("--upload-pack=x", "HEAD", BadLink),
    ("ext::sh -c touch% /tmp/x", "HEAD", BadLink),
    ("file:///etc", "HEAD", BadLink),
    ("/etc", "HEAD", BadLink),
    ("ssh://git@127.0.0.1/x", "HEAD", NotAllowed),
    ("http://ada:hunter2@127.0.0.1/x", "HEAD", BadLink),
    ("http://169.254.169.254/latest", "HEAD", AddressNotAllowed),
    ("http://[::1]/x/y", "HEAD", AddressNotAllowed),
    ("http://no-such-host.invalid/x", "HEAD", RepoUnavailable),
    ("http://127.0.0.1:1/x", "HEAD", RepoUnavailable),
]


@pytest.mark.parametrize(("url", "ref", "error"), REFUSED)
async def test_refused_with_words(
    provider: GitProvider, handle: RepoHandle, url: str, ref: str, error: type[BinderError]
) -> None:
    with pytest.raises(error) as caught:
        await provider.resolve(repo_at(url.format(handle.url)), ref)
    assert caught.value.message.endswith(".")
    assert "hunter2" not in str(caught.value.to_dict())


BEHAVIOURS = [
    (Behaviour(password=("ada", "secret")), RepoNotFound, "private"),
    (Behaviour(status=404), RepoNotFound, "spelling"),
    (Behaviour(status=403), RepoNotFound, "private"),
    (Behaviour(status=429), RepoUnavailable, "few minutes"),
    (Behaviour(status=500), RepoUnavailable, "fault"),
    (Behaviour(status=200), RepoNotFound, "web page"),
    (Behaviour(delay=3), RepoUnavailable, "within 1 seconds"),
]


@pytest.mark.parametrize(("behaviour", "error", "words"), BEHAVIOURS)
async def test_misbehaving_hosts(
    provider: GitProvider,
    handle: RepoHandle,
    behaviour: Behaviour,
    error: type[BinderError],
    words: str,
) -> None:
    handle.behaviour = behaviour
    provider.resolve_timeout = 1 if behaviour.delay else SOON
    with pytest.raises(error) as caught:
        await provider.resolve(repo_at(handle.url), "main")
    assert words in caught.value.message


async def test_unknown_repository(provider: GitProvider, gitserver: GitServer) -> None:
    with pytest.raises(RepoNotFound):
        await provider.resolve(repo_at(f"{gitserver.url}/owner/none"), "main")


async def test_a_moved_repository_is_found(provider: GitProvider, gitserver: GitServer) -> None:
    new = gitserver.create_repo("new/name", {"a": "1"})
    old = gitserver.create_repo("old/name")
    old.behaviour = Behaviour(redirect=new.url)
    commit = await provider.resolve(repo_at(old.url), "main")
    assert commit.id == new.git("rev-parse", "main")


@pytest.mark.parametrize(
    "target", ["http://127.8.8.8:1/x", "http://[::1]:{port}/new/name", "file:///etc", "ext::sh"]
)
async def test_redirects_are_judged(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer, target: str
) -> None:
    gitserver.create_repo("new/name", {"a": "1"})
    provider.policy = AddressPolicy(allowed_networks=["127.0.0.1/32"])
    handle.behaviour = Behaviour(redirect=target.format(port=gitserver.port))
    before = len(gitserver.requests)
    with pytest.raises(NotAllowed):
        await provider.resolve(repo_at(handle.url), "main")
    assert all("new/name" not in request.path for request in gitserver.requests[before:])


async def test_a_class_that_asks_at_once_is_one_question_or_two(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer
) -> None:
    resolving = [provider.resolve(repo_at(handle.url), "main") for _ in range(200)]
    assert {commit.id for commit in await asyncio.gather(*resolving)} == {
        handle.git("rev-parse", "main")
    }
    assert [request.command for request in gitserver.requests].count("ls-refs") == 2


async def test_what_was_pushed_before_somebody_asks_is_what_they_get(
    provider: GitProvider, handle: RepoHandle
) -> None:
    handle.behaviour = Behaviour(delay=0.2)
    early = asyncio.create_task(provider.resolve(repo_at(handle.url), "main"))
    await asyncio.sleep(0.1)
    pushed = handle.commit({"a": "3"})
    assert (await provider.resolve(repo_at(handle.url), "main")).id == pushed
    await early


async def test_a_redirect_in_a_circle_ends(provider: GitProvider, handle: RepoHandle) -> None:
    handle.behaviour = Behaviour(redirect=handle.url)
    with pytest.raises(RepoUnavailable, match="circle"):
        await provider.resolve(repo_at(handle.url), "main")


async def test_the_judged_address_is_the_one_reached(
    provider: GitProvider, handle: RepoHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that only our resolver knows is reached: so curl uses what was judged."""
    loop_answers = [(2, 1, 6, "", ("127.0.0.1", 0))]

    async def getaddrinfo(*_arguments: object, **_options: object) -> list[object]:
        return list(loop_answers)

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", getaddrinfo)
    url = handle.url.replace("127.0.0.1", "only-we-know.invalid")
    assert (await provider.resolve(repo_at(url), "main")).branch == "main"


async def test_a_proxy_of_the_environment_is_used(
    provider: GitProvider,
    handle: RepoHandle,
    gitserver: GitServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The proxy (our server can be one) knows a name that this machine does not."""
    monkeypatch.setenv("http_proxy", gitserver.url)
    monkeypatch.delenv("no_proxy", raising=False)
    repo = repo_at("http://only-the-proxy-knows.invalid/owner/name")
    commit = await provider.resolve(repo, "main")
    assert (await provider.fetch(commit, unheard)).commit == commit
    handle.behaviour = Behaviour(redirect="http://moved.invalid/new/name")
    gitserver.create_repo("new/name", {"a": "1"})
    assert (await provider.resolve(repo, "main")).id != commit.id


async def test_old_git_is_refused(
    provider: GitProvider, handle: RepoHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def old() -> tuple[int, ...]:
        return (2, 20, 1)

    monkeypatch.setattr(git, "version", old)
    with pytest.raises(RepoUnavailable, match=r"2\.37 or newer .* 2\.20\.1"):
        await provider.resolve(repo_at(handle.url), "main")
