"""Fetching commits: from a real server, by real git, into bundles that are kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gitserver import Behaviour, Executable, GitServer, RepoHandle, Submodule, Symlink
from patience import SOON

from binderhub_ext.core.errors import (
    AddressNotAllowed,
    BinderError,
    RefNotFound,
    RepoNotFound,
    RepoUnavailable,
    TooLarge,
)
from binderhub_ext.core.progress import Event, Phase, unheard
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.repos import fetching
from binderhub_ext.repos.base import Source
from binderhub_ext.repos.checkout import checkout
from binderhub_ext.repos.git import GitProvider
from binderhub_ext.repos.store import Store


def repo_at(url: str) -> Repo:
    return Repo("git", url, url)


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that do not compress."""
    return random.Random(seed).randbytes(size)


async def fetch(provider: GitProvider, commit: Commit) -> tuple[Source, list[str]]:
    events: list[Event] = []
    source = await provider.fetch(commit, events.append)
    assert {event.phase for event in events} <= {Phase.FETCHING}
    return source, [event.message for event in events]


async def get(provider: GitProvider, handle: RepoHandle, ref: str = "main") -> Source:
    return (await fetch(provider, await provider.resolve(repo_at(handle.url), ref)))[0]


def git(cwd: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


async def test_files_can_be_looked_at_before_all_is_kept(
    provider: GitProvider, handle: RepoHandle, tmp_path: Path
) -> None:
    commit = await provider.resolve(repo_at(handle.url), "main")
    early = await provider.readable(commit, unheard)
    assert provider.find(commit) is None
    last = await provider.fetch(commit, unheard)
    assert early == last
    last.bundle.unlink()
    await checkout(early, tmp_path / "files")
    assert (tmp_path / "files/a/b.txt").read_text() == "2"


async def test_what_can_be_looked_at_is_kept_by_itself(
    provider: GitProvider, handle: RepoHandle
) -> None:
    commit = await provider.resolve(repo_at(handle.url), "main")
    await provider.readable(commit, unheard)
    async with asyncio.timeout(SOON):
        while not provider.find(commit):  # noqa: ASYNC110 - whatever makes it
            await asyncio.sleep(0.01)
    assert await provider.readable(commit, unheard) == provider.find(commit)


async def test_closing_ends_what_goes_on_by_itself(
    provider: GitProvider, handle: RepoHandle
) -> None:
    commit = await provider.resolve(repo_at(handle.url), "main")
    await provider.readable(commit, unheard)
    await provider.close()
    assert provider.find(commit) is None and not processes_of(Path(provider.data_dir))


@pytest.fixture
def handle(gitserver: GitServer) -> RepoHandle:
    handle = gitserver.create_repo("owner/name", {"a/b.txt": "1", "run": Executable("#!/bin/sh\n")})
    handle.commit({"a/b.txt": "2", "link": Symlink("/etc/passwd"), "é \n": b"\xff"})
    return handle


async def test_bundle_is_a_repository_with_history(
    provider: GitProvider, handle: RepoHandle, tmp_path: Path
) -> None:
    source = await get(provider, handle)
    assert source.bundle == provider.store.layout.bundle(source.commit)
    assert source.tree == handle.git("rev-parse", "main^{tree}")
    git(tmp_path, "clone", "-q", str(source.bundle), "clone")
    assert git(tmp_path / "clone", "rev-parse", "HEAD") == source.commit.id
    assert len(git(tmp_path / "clone", "log", "--format=%h").splitlines()) == 2
    git(tmp_path / "clone", "fsck", "--strict")


async def test_checkout(provider: GitProvider, handle: RepoHandle, tmp_path: Path) -> None:
    into = tmp_path / "files"
    await checkout(await get(provider, handle), into)
    assert sorted(path.name for path in into.iterdir()) == ["a", "link", "run", "é \n"]
    assert (into / "a/b.txt").read_text() == "2"
    assert (into / "link").is_symlink() and (into / "run").stat().st_mode & 0o100
    with pytest.raises(FileExistsError):
        await checkout(await get(provider, handle), into)
    assert not list(tmp_path.glob(".git-*"))


async def test_either_the_kept_objects_or_the_bundle_will_do(
    provider: GitProvider, handle: RepoHandle, tmp_path: Path
) -> None:
    source = await get(provider, handle)
    objects, whole = source.bundle.with_name("objects.git"), source.bundle.read_bytes()
    source.bundle.write_bytes(b"")
    await checkout(source, tmp_path / "objects")
    source.bundle.write_bytes(whole)
    for pack in objects.glob("objects/pack/*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(pack.read_bytes()[:40])
    await checkout(source, tmp_path / "damaged")
    shutil.rmtree(objects)
    await checkout(source, tmp_path / "bundle")
    for name in ("objects", "damaged", "bundle"):
        assert tree_of(tmp_path / name) == source.tree


def tree_of(files: Path) -> str:
    """The hash Git gives files, their names and modes."""
    git(files, "init", "-q")
    git(files, "add", "-A", "-f")
    return git(files, "write-tree")


async def test_nothing_of_the_repository_runs(
    provider: GitProvider, gitserver: GitServer, tmp_path: Path
) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    files = {".gitattributes": "* filter=lfs\nx export-ignore\n", "x": pointer, ".gitconfig": "!"}
    handle = gitserver.create_repo("owner/lfs", files)
    commit = await provider.resolve(repo_at(handle.url), "main")
    source, told = await fetch(provider, commit)
    await checkout(source, tmp_path / "files")
    assert (tmp_path / "files/x").read_text() == pointer
    assert any("LFS" in line for line in told)


async def test_kept_is_immediate(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer
) -> None:
    source = await get(provider, handle)
    asked = len(gitserver.requests)
    again, told = await fetch(provider, source.commit)
    assert (again, told, len(gitserver.requests)) == (source, [], asked)
    assert provider.find(source.commit) == source
    assert provider.find(Commit(source.commit.repo, "x", "0" * 40)) is None


async def test_the_next_commit_takes_what_is_new(provider: GitProvider, handle: RepoHandle) -> None:
    handle.commit({"large": noise(500_000)})
    await get(provider, handle)
    packs = provider.store.layout.sources(repo_at(handle.url)) / "objects.git/objects/pack"
    handle.commit({"a/b.txt": "3"})
    source = await get(provider, handle)
    assert sorted(p.stat().st_size > 100_000 for p in packs.glob("*.pack")) == [False, True]
    assert source.bundle.stat().st_size > 500_000


async def test_a_commit_that_is_no_tip(provider: GitProvider, handle: RepoHandle) -> None:
    old = handle.git("rev-parse", "main~1")
    source = await get(provider, handle, old)
    assert source.tree == handle.git("rev-parse", f"{old}^{{tree}}")


async def test_an_old_server(provider: GitProvider, handle: RepoHandle) -> None:
    handle.behaviour = Behaviour(old=True)
    old = handle.git("rev-parse", "main~1")
    source = await get(provider, handle, old)
    assert source.tree == handle.git("rev-parse", f"{old}^{{tree}}")
    with pytest.raises(RefNotFound):
        await get(provider, handle, "1" * 40)


async def test_unknown_commit(provider: GitProvider, handle: RepoHandle) -> None:
    with pytest.raises(RefNotFound, match="another commit"):
        await get(provider, handle, "1" * 40)


async def test_a_tree_is_no_commit(provider: GitProvider, handle: RepoHandle) -> None:
    with pytest.raises(RefNotFound):
        await get(provider, handle, handle.git("rev-parse", "main^{tree}"))


async def test_sha256(provider: GitProvider, gitserver: GitServer, tmp_path: Path) -> None:
    handle = gitserver.create_repo("owner/new", {"a": "1"}, object_format="sha256")
    await checkout(await get(provider, handle), tmp_path / "files")
    assert (tmp_path / "files/a").read_text() == "1"


async def test_twenty_at_once_are_one_fetch(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer
) -> None:
    commit = await provider.resolve(repo_at(handle.url), "main")
    handle.behaviour = Behaviour(delay=0.2)
    results = await asyncio.gather(*(fetch(provider, commit) for _ in range(20)))
    assert gitserver.fetches() == 1
    assert {source for source, _ in results} == {results[0][0]}
    assert all(told for _, told in results)


async def test_two_processes_are_one_fetch(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer, tmp_path: Path
) -> None:
    other = GitProvider(data_dir=provider.data_dir, policy=provider.policy)
    commit = await provider.resolve(repo_at(handle.url), "main")
    handle.behaviour = Behaviour(delay=0.2)
    (one, _), (two, _) = await asyncio.gather(fetch(provider, commit), fetch(other, commit))
    assert one == two and gitserver.fetches() == 1


async def test_failure_is_everybodys_and_not_for_ever(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer
) -> None:
    commit = await provider.resolve(repo_at(handle.url), "main")
    handle.behaviour = Behaviour(status=500, delay=0.1)
    results = await asyncio.gather(
        *(fetch(provider, commit) for _ in range(5)), return_exceptions=True
    )
    assert all(isinstance(result, RepoUnavailable) for result in results)
    # for the ref, for its files and for the tags
    assert len([r for r in gitserver.requests if r.path.endswith("/info/refs")]) == 3
    handle.behaviour = None
    await fetch(provider, commit)


async def test_one_who_leaves_does_not_stop_the_others(
    provider: GitProvider, handle: RepoHandle
) -> None:
    commit = await provider.resolve(repo_at(handle.url), "main")
    handle.behaviour = Behaviour(delay=0.2)
    leaver = asyncio.create_task(fetch(provider, commit))
    stayer = asyncio.create_task(fetch(provider, commit))
    await asyncio.sleep(0.05)
    leaver.cancel()
    assert (await stayer)[0].commit == commit


def processes_of(directory: Path) -> list[str]:
    """Ids of processes that work below a directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if path.readlink().is_relative_to(directory):
                found.append(path.parent.name)
    return found


async def until_fetching(server: GitServer) -> None:
    async with asyncio.timeout(SOON):
        while server.fetches() == 0:  # noqa: ASYNC110 (the server is a thread)
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("method", ["fetch", "readable"])
async def test_cancelling_ends_git(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer, method: str
) -> None:
    handle.commit({"large": noise(3_000_000)})
    commit = await provider.resolve(repo_at(handle.url), "main")
    handle.behaviour = Behaviour(rate=200_000)
    task = asyncio.create_task(getattr(provider, method)(commit, unheard))
    await until_fetching(gitserver)
    await asyncio.sleep(0.3)
    data = Path(provider.data_dir)
    assert processes_of(data)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await provider.close()
    assert not processes_of(data)
    handle.behaviour = None
    await fetch(provider, commit)


KILLED = """
import asyncio, sys
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.repos.git import GitProvider
from binderhub_ext.repos.network import AddressPolicy

async def main(data, url, id):
    policy = AddressPolicy(allowed_networks=["127.0.0.0/8"])
    provider = GitProvider(data_dir=data, policy=policy)
    await provider.fetch(Commit(Repo("git", url, url), "main", id), print)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_killed_in_the_middle_then_again(
    provider: GitProvider, handle: RepoHandle, gitserver: GitServer
) -> None:
    id = handle.commit({"large": noise(3_000_000)})
    handle.behaviour = Behaviour(rate=100_000)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, provider.data_dir, handle.url, id),
        stdout=asyncio.subprocess.DEVNULL,
    )
    await until_fetching(gitserver)
    await asyncio.sleep(1)
    process.kill()
    await process.wait()
    repo = repo_at(handle.url)
    directory = provider.store.layout.sources(repo)
    assert not list(directory.glob("*.bundle"))
    for stale in ("objects.git/shallow.lock", "objects.git/refs/kept.lock", "x.bundle.new"):
        (directory / stale).parent.mkdir(exist_ok=True, parents=True)
        (directory / stale).touch()
    handle.behaviour = None
    started = time.monotonic()
    source, _ = await fetch(provider, Commit(repo, "main", id))
    assert time.monotonic() - started < SOON
    assert source.tree == handle.git("rev-parse", "main^{tree}")
    left = [p.name for p in directory.rglob("*") if "tmp_" in p.name or ".new" in p.name]
    assert left == []


async def test_damaged_objects_are_had_again(
    provider: GitProvider, handle: RepoHandle, tmp_path: Path
) -> None:
    await get(provider, handle)
    directory = provider.store.layout.sources(repo_at(handle.url))
    for pack in directory.glob("objects.git/objects/pack/*.pack"):
        pack.chmod(0o600)
        pack.write_bytes(b"PACK" + noise(200))
    handle.commit({"a/b.txt": "3"})
    await checkout(await get(provider, handle), tmp_path / "files")
    assert (tmp_path / "files/a/b.txt").read_text() == "3"


async def test_history_is_left_behind_where_it_is_too_large(
    provider: GitProvider, handle: RepoHandle, tmp_path: Path
) -> None:
    handle.commit({"large": noise(3_000_000)})
    handle.commit({"large": None})
    handle.behaviour = Behaviour(rate=4_000_000)
    provider.max_history = 500_000
    commit = await provider.resolve(repo_at(handle.url), "main")
    source, told = await fetch(provider, commit)
    assert any("unshallow" in line for line in told)
    assert source.bundle.stat().st_size < 500_000
    await checkout(source, tmp_path / "files")
    # What `refs/shallow` is for: a clone that works and can get the rest.
    clone = tmp_path / "clone"
    git(tmp_path, "init", "-q", str(clone))
    cut = [
        line.split("/")[-1]
        for line in git(clone, "bundle", "list-heads", str(source.bundle)).splitlines()
        if "refs/shallow" in line
    ]
    (clone / ".git/shallow").write_text("\n".join(cut) + "\n")
    git(clone, "fetch", "-q", str(source.bundle), "HEAD")
    git(clone, "checkout", "-q", "-b", "main", "FETCH_HEAD")
    assert len(git(clone, "log", "--format=%h").splitlines()) == 1
    handle.behaviour = None
    git(clone, "fetch", "-q", "--unshallow", handle.url, "main")
    assert len(git(clone, "log", "--format=%h").splitlines()) == 4


async def test_too_large_is_refused_and_removed(provider: GitProvider, handle: RepoHandle) -> None:
    handle.commit({"large": noise(3_000_000)})
    handle.behaviour = Behaviour(rate=4_000_000)
    provider.max_history = provider.max_size = 300_000
    with pytest.raises(TooLarge, match="administrator"):
        await get(provider, handle)
    stored = provider.store.layout.repos.rglob("*")
    assert sum(path.stat().st_size for path in stored if path.is_file()) < 100_000


def git_bomb(handle: RepoHandle, width: int = 10, depth: int = 9) -> None:
    """A few hundred bytes that stand for width ** depth files."""
    object, kind = handle.git("hash-object", "-w", "--stdin", stdin=b"x" * 1000), "100644 blob"
    for _ in range(depth):
        lines = "".join(f"{kind} {object}\t{name}\n" for name in range(width))
        object, kind = handle.git("mktree", stdin=lines.encode()), "040000 tree"
    handle.git("update-ref", "refs/heads/bomb", handle.git("commit-tree", "-m", "x", object))


async def test_a_bomb_is_refused(provider: GitProvider, handle: RepoHandle) -> None:
    git_bomb(handle)
    with pytest.raises(TooLarge, match="files"):
        await get(provider, handle, "bomb")


@pytest.mark.parametrize("limit", ["max_files", "max_files_size"])
async def test_limits_of_files(provider: GitProvider, handle: RepoHandle, limit: str) -> None:
    setattr(provider, limit, 2)
    with pytest.raises(TooLarge):
        await get(provider, handle)


def with_submodules(handle: RepoHandle, **links: tuple[str, str]) -> None:
    text = "".join(
        f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n'
        for path, (url, _) in links.items()
    )
    handle.commit({".gitmodules": text, **{p: Submodule(id) for p, (_, id) in links.items()}})


async def test_submodules(
    provider: GitProvider, gitserver: GitServer, handle: RepoHandle, tmp_path: Path
) -> None:
    inner = gitserver.create_repo("owner/inner", {"inner.txt": "inner"})
    middle = gitserver.create_repo("owner/middle", {"middle.txt": "middle"})
    with_submodules(middle, deep=("../inner", inner.git("rev-parse", "main")))
    with_submodules(
        handle,
        lib=(middle.url, middle.git("rev-parse", "main")),
        gone=("../gone", "1" * 40),
        private=("http://[::1]/x/y", "2" * 40),
        local=("file:///etc", "3" * 40),
        option=("--upload-pack=x", "4" * 40),
        unnamed=("", "5" * 40),
    )
    commit = await provider.resolve(repo_at(handle.url), "main")
    source, told = await fetch(provider, commit)
    await checkout(source, tmp_path / "files")
    assert (tmp_path / "files/lib/middle.txt").read_text() == "middle"
    assert (tmp_path / "files/lib/deep/inner.txt").read_text() == "inner"
    for name in ("gone", "private", "local", "option", "unnamed"):
        assert any(f"submodule {name} stays empty" in line for line in told), told
        assert not any((tmp_path / "files" / name).glob("*"))


async def test_a_fork_without_the_submodules_is_something_else(
    provider: GitProvider, gitserver: GitServer, tmp_path: Path
) -> None:
    """The same tree, whose submodules are named relative to where it is.

    What a fork lacks stays empty, also if its own history happens to have that commit.
    """
    inner = gitserver.create_repo("owner/inner", {"inner.txt": "inner"})
    link = ("../inner", inner.git("rev-parse", "main"))
    sources = []
    for owner in ("owner", "fork"):
        handle = gitserver.create_repo(f"{owner}/outer", {"a.txt": "a"})
        with_submodules(handle, lib=link)
        commit = await provider.resolve(repo_at(handle.url), "main")
        sources.append((await fetch(provider, commit))[0])
    original, fork = sources
    assert original.tree == fork.tree and original.content != fork.content
    assert provider.find(original.commit) == original
    objects = fork.bundle.with_name("objects.git")
    command = ["git", "-C", str(objects), "fetch", "-q", str(original.bundle)]
    await asyncio.to_thread(subprocess.run, [*command, f"refs/submodules/{link[1]}"], check=True)
    await checkout(original, tmp_path / "original")
    await checkout(fork, tmp_path / "fork")
    assert (tmp_path / "original/lib/inner.txt").exists()
    assert not list((tmp_path / "fork/lib").glob("*"))


async def test_a_submodule_that_is_only_down_is_tried_again(
    provider: GitProvider, gitserver: GitServer, handle: RepoHandle
) -> None:
    inner = gitserver.create_repo("owner/inner", {"a": "1"})
    with_submodules(handle, lib=(inner.url, inner.git("rev-parse", "main")))
    inner.behaviour = Behaviour(status=500)
    with pytest.raises(RepoUnavailable):
        await get(provider, handle)
    inner.behaviour = None
    await get(provider, handle)


HOSTILE = [
    ("http://ada:hunter2@127.0.0.1/x", BinderError),
    ("http://10.0.0.1/x", AddressNotAllowed),
    ("http://127.0.0.1:1/x", RepoUnavailable),
]


@pytest.mark.parametrize(("url", "error"), HOSTILE)
async def test_a_hostile_commit_leaves_nothing(
    provider: GitProvider, url: str, error: type[BinderError]
) -> None:
    with pytest.raises(error) as caught:
        await fetch(provider, Commit(repo_at(url), "main", "1" * 40))
    assert "hunter2" not in str(caught.value.to_dict())
    assert not list(provider.store.layout.repos.glob("*/*.bundle"))


async def test_not_every_fetch_looks_at_all_that_is_kept(
    provider: GitProvider, handle: RepoHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    monkeypatch.setattr(Store, "collect_garbage", lambda _store, most, _age: looks.append(most))
    for content in "123":
        handle.commit({"a/b.txt": content})
        await get(provider, handle)
    assert looks == [provider.max_kept]


async def test_packs_of_many_fetches_are_put_together(
    provider: GitProvider, handle: RepoHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_PACKS_MAX", 3)
    sources = []
    for number in range(9):
        handle.commit({"a/b.txt": f"{number}", "noise": noise(1000, number)})
        sources.append(await get(provider, handle))
        objects = sources[0].bundle.with_name("objects.git")
        assert len(list((objects / "objects/pack").glob("*.pack"))) <= 4
    assert git(objects, "fsck", "--full") == ""
    for number, source in enumerate(sources):
        await checkout(source, tmp_path / str(number))
        assert (tmp_path / str(number) / "a/b.txt").read_text() == f"{number}"
        assert git(objects, "rev-parse", f"refs/kept/{source.commit.id}") == source.commit.id
    assert len(list((objects / "refs/kept").glob("*"))) < 9


async def test_packs_that_cannot_be_put_together_stay(
    provider: GitProvider, handle: RepoHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_PACKS_MAX", 0)
    source = await get(provider, handle)
    objects = source.bundle.with_name("objects.git")
    damaged = objects / "objects/pack/pack-damaged.pack"
    damaged.write_bytes(b"PACK")
    damaged.with_suffix(".idx").write_bytes(b"")
    handle.commit({"a/b.txt": "next"})
    assert (await get(provider, handle)).bundle.exists()
    assert damaged.exists(), "nothing was fetched anew"


async def test_an_id_that_is_a_path(provider: GitProvider, handle: RepoHandle) -> None:
    with pytest.raises(BinderError):
        await fetch(provider, Commit(repo_at(handle.url), "main", "../../../x"))


async def test_password(provider: GitProvider, handle: RepoHandle) -> None:
    commit = await provider.resolve(repo_at(handle.url), "main")
    handle.behaviour = Behaviour(password=("ada", "secret"))
    with pytest.raises(RepoNotFound, match="private"):
        await fetch(provider, commit)


async def test_garbage(provider: GitProvider, handle: RepoHandle) -> None:
    source = await get(provider, handle)
    assert await provider.collect_garbage() == 0
    provider.max_kept = 0
    assert await provider.collect_garbage() == 0, "used a moment ago"
    provider.min_kept = -1
    assert await provider.collect_garbage() > 0
    assert provider.find(source.commit) is None
    await fetch(provider, source.commit)
