"""Private repositories: with the reader's own credential, for the reader alone, every time."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from gitserver import Behaviour, GitServer, RepoHandle

from binderhub_ext.core.errors import RepoNotFound
from binderhub_ext.core.progress import Event, unheard
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.core.url import read_url
from binderhub_ext.repos.base import Source
from binderhub_ext.repos.credentials import Credential, fitting
from binderhub_ext.repos.git import GitProvider
from binderhub_ext.repos.network import AddressPolicy

TOKEN = "hush-4fd1b7a2c9"
OPENS = ("git", TOKEN)


class Keys:
    """A keyring tests may change."""

    def __init__(self) -> None:
        self.of: dict[str, dict[str, Credential]] = {}

    async def __call__(self, person: str) -> Mapping[str, Credential]:
        return self.of.get(person, {})


@pytest.fixture
def keys(gitserver: GitServer) -> Keys:
    """Ana has a token for the server, Bob one that opens nothing, Cleo none."""
    keys = Keys()
    host = f"127.0.0.1:{gitserver.port}"
    keys.of["ana"] = {host: Credential(*OPENS)}
    keys.of["bob"] = {host: Credential("git", "another")}
    return keys


@pytest.fixture
def provider(tmp_path: Path, gitserver: GitServer, keys: Keys) -> GitProvider:
    provider = GitProvider(
        data_dir=str(tmp_path / "data"),
        policy=AddressPolicy(allowed_networks=["127.0.0.0/8"]),
        unencrypted_credential_hosts=[f"127.0.0.1:{gitserver.port}"],
    )
    provider.keyring = keys
    return provider


@pytest.fixture
def private(gitserver: GitServer) -> RepoHandle:
    repo = gitserver.create_repo("lab/secret", {"thesis.txt": "mine"})
    repo.behaviour = Behaviour(password=OPENS)
    return repo


def repo_of(handle: RepoHandle) -> Repo:
    return Repo("git", handle.url, handle.url)


async def get(provider: GitProvider, commit: Commit) -> Source:
    return await provider.fetch(commit, unheard)


async def test_the_owner_gets_it(provider: GitProvider, private: RepoHandle) -> None:
    commit = await provider.resolve(repo_of(private), "main", reader="ana")
    assert commit.repo.reader == "ana"
    source = await get(provider, commit)
    assert source.tree == private.git("rev-parse", "main^{tree}")


@pytest.mark.parametrize("person", ["bob", "cleo", ""])
@pytest.mark.parametrize("by_id", [False, True])
async def test_nobody_else_gets_it_also_once_it_is_kept(
    provider: GitProvider, private: RepoHandle, person: str, by_id: bool
) -> None:
    mine = await get(provider, await provider.resolve(repo_of(private), "main", reader="ana"))
    ref = mine.commit.id if by_id else "main"
    with pytest.raises(RepoNotFound, match="settings page"):
        commit = await provider.resolve(repo_of(private), ref, reader=person)
        assert provider.find(commit) is None
        await get(provider, commit)


async def test_a_fetch_under_way_is_not_joined_by_others(
    provider: GitProvider, private: RepoHandle
) -> None:
    commit = await provider.resolve(repo_of(private), "main", reader="ana")
    theirs = Commit(repo_of(private), commit.id, commit.id)
    mine, other = await asyncio.gather(
        get(provider, commit), get(provider, theirs), return_exceptions=True
    )
    assert isinstance(mine, Source)
    assert isinstance(other, RepoNotFound)


@pytest.mark.parametrize("by_id", [False, True])
async def test_a_revoked_token_opens_nothing_any_more(
    provider: GitProvider, private: RepoHandle, by_id: bool
) -> None:
    commit = await provider.resolve(repo_of(private), "main", reader="ana")
    await get(provider, commit)
    private.behaviour = Behaviour(password=("git", "the next one"))
    with pytest.raises(RepoNotFound, match="token you stored"):
        await provider.resolve(repo_of(private), commit.id if by_id else "main", reader="ana")


async def test_what_everybody_may_read_is_read_without_a_token(
    provider: GitProvider, gitserver: GitServer
) -> None:
    public = gitserver.create_repo("lab/open", {"a.txt": "a"})
    commit = await provider.resolve(repo_of(public), "main", reader="ana")
    assert commit.repo.reader == ""
    kept = await get(provider, commit)
    asked = len(gitserver.requests)
    again = await provider.resolve(repo_of(public), commit.id, reader="ana")
    assert provider.find(again) == Source(again, kept.bundle, kept.tree)
    assert len(gitserver.requests) == asked


async def test_a_repository_that_became_public_is_shared(
    provider: GitProvider, private: RepoHandle
) -> None:
    assert (await provider.resolve(repo_of(private), "main", reader="ana")).repo.reader == "ana"
    private.behaviour = None
    assert (await provider.resolve(repo_of(private), "main", reader="ana")).repo.reader == ""


async def test_a_redirect_takes_no_token_along(
    provider: GitProvider, private: RepoHandle, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    with GitServer(tmp_path / "elsewhere") as thief:
        thief.behaviour = Behaviour(password=OPENS)
        thief.create_repo("lab/secret", {"a.txt": "a"})
        private.behaviour = Behaviour(redirect=f"{thief.url}/lab/secret")
        with pytest.raises(RepoNotFound):
            await provider.resolve(repo_of(private), "main", reader="ana")
        assert thief.requests


async def test_the_token_is_nowhere(
    provider: GitProvider, private: RepoHandle, tmp_path: Path
) -> None:
    said: set[bytes] = set()
    private.behaviour = Behaviour(password=OPENS, before=lambda: said.update(command_lines()))
    commit = await provider.resolve(repo_of(private), "main", reader="ana")
    told: list[Event] = []
    await provider.fetch(commit, told.append)
    assert any(b"ls-remote" in line for line in said)
    assert any(b"fetch" in line for line in said)
    encoded = next(iter(Credential(*OPENS).settings(read_url(private.url)).values())).split()[-1]
    for secret in (TOKEN, encoded):
        assert not any(secret.encode() in line for line in said)
        assert secret not in repr(told) + repr(provider.__dict__) + repr(Credential(*OPENS))
        for path in (tmp_path / "data").rglob("*"):
            assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def command_lines() -> Iterator[bytes]:
    """The arguments of every process."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield entry.read_bytes()


async def test_other_users_of_the_machine_read_nothing(
    provider: GitProvider, private: RepoHandle
) -> None:
    source = await get(provider, await provider.resolve(repo_of(private), "main", reader="ana"))
    assert stat.S_IMODE(source.bundle.parent.stat().st_mode) == 0o700


HERE = Credential("git", TOKEN)


@pytest.mark.parametrize(
    ("url", "fits"),
    [
        ("https://git.example.org/a/b", True),
        ("https://git.example.org:443/a/b", True),
        ("https://GIT.example.org/a/b", True),
        ("https://git.example.org:8443/a/b", False),
        ("http://git.example.org/a/b", False),
        ("https://example.org/a/b", False),
        ("https://git.example.org.evil.net/a/b", False),
        ("https://sub.git.example.org/a/b", False),
        ("http://127.0.0.1:99/a/b", True),
        ("http://127.0.0.1:98/a/b", False),
    ],
)
def test_for_exactly_that_host(url: str, fits: bool) -> None:
    keys = {"git.example.org": HERE, "127.0.0.1:99": HERE, "127.0.0.1:98": HERE}
    assert (fitting(keys, read_url(url), ["127.0.0.1:99"]) is HERE) is fits
