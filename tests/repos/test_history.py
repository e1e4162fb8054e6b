"""A checkout's `.git`: `git describe` says what it says in a whole clone, and there is no more."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from gitserver import Behaviour, GitServer, RepoHandle

from binderhub_ext.core.progress import unheard
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.repos.base import Source
from binderhub_ext.repos.checkout import checkout
from binderhub_ext.repos.git import GitProvider

DESCRIBE = ("describe", "--tags", "--long", "--dirty", "--match", "*[0-9]*")


@pytest.fixture
def repo(gitserver: GitServer) -> RepoHandle:
    return gitserver.create_repo("o/package", {"a.py": "1"})


def git(cwd: Path, *arguments: str) -> str:
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null"}
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commits(repo: RepoHandle, count: int, branch: str = "main") -> str:
    for number in range(count):
        last = repo.commit({f"{branch}{number}.txt": str(number)}, branch=branch)
    return last


def merge(repo: RepoHandle, branch: str) -> str:
    """Merge a branch into main."""
    tree = repo.git("rev-parse", f"{branch}^{{tree}}")
    parents = ("-p", "main", "-p", branch)
    commit = repo.git("commit-tree", tree, *parents, "-m", "Merge")
    repo.git("update-ref", "refs/heads/main", commit)
    return commit


async def get(provider: GitProvider, repo: RepoHandle, ref: str = "main") -> Source:
    commit = await provider.resolve(Repo("git", repo.url, repo.url), ref)
    early = await provider.readable(commit, unheard)
    kept = await provider.fetch(commit, unheard)
    assert (early.tags, early.whole) == (kept.tags, kept.whole)
    assert provider.find(commit) == kept
    return kept


async def checked_out(source: Source, into: Path) -> Path:
    await checkout(source, into, history=True)
    assert git(into, "status", "--porcelain") == ""
    assert git(into, "rev-parse", "HEAD") == source.commit.id
    git(into, "fsck", "--strict")
    return into


def whole_clone(repo: RepoHandle, into: Path) -> Path:
    git(into.parent, "clone", "-q", str(repo.path), str(into))
    return into


@pytest.mark.parametrize("annotated", [True, False])
async def test_described_as_in_a_whole_clone(
    annotated: bool, provider: GitProvider, repo: RepoHandle, tmp_path: Path
) -> None:
    commits(repo, 5)
    repo.tag("v1.1.0", annotated=annotated)
    commits(repo, 2)
    repo.tag("v1.2.0", annotated=annotated)
    repo.tag("latest")
    commits(repo, 3)
    there = await checked_out(await get(provider, repo), tmp_path / "files")
    clone = whole_clone(repo, tmp_path / "clone")
    assert git(there, *DESCRIBE) == git(clone, *DESCRIBE)
    assert git(there, *DESCRIBE).startswith("v1.2.0-3-")
    assert git(there, "tag").split() == ["latest", "v1.2.0"]
    assert git(there, "rev-list", "--count", "HEAD") == "4"
    assert git(there, "cat-file", "-t", "v1.2.0") == ("tag" if annotated else "commit")


async def test_a_branch_from_before_the_release(
    provider: GitProvider, repo: RepoHandle, tmp_path: Path
) -> None:
    commits(repo, 3)
    repo.branch("work")
    commits(repo, 2, "work")
    commits(repo, 2)
    repo.tag("v2.0", annotated=True)
    merge(repo, "work")
    commits(repo, 1)
    there = await checked_out(await get(provider, repo), tmp_path / "files")
    clone = whole_clone(repo, tmp_path / "clone")
    assert git(there, *DESCRIBE) == git(clone, *DESCRIBE)


async def test_without_tags_there_is_the_commit_alone(
    provider: GitProvider, repo: RepoHandle, tmp_path: Path
) -> None:
    commits(repo, 4)
    there = await checked_out(await get(provider, repo), tmp_path / "files")
    assert git(there, "rev-list", "--count", "HEAD") == "1"
    assert git(there, "rev-parse", "--is-shallow-repository") == "true"


async def test_the_tag_that_was_asked_for_counts_also_if_it_is_new(
    provider: GitProvider, repo: RepoHandle, tmp_path: Path
) -> None:
    repo.tag("v1.0")
    commits(repo, 2)
    before = await get(provider, repo)
    repo.tag("v1.1")
    after = await get(provider, repo, "v1.1")
    assert before.commit.id == after.commit.id and before.whole != after.whole
    there = await checked_out(after, tmp_path / "files")
    assert git(there, "describe", "--tags") == "v1.1"


async def test_what_the_key_is_made_of(provider: GitProvider, gitserver: GitServer) -> None:
    """The same files at another commit, or with another tag, are another checkout."""
    one = gitserver.create_repo("o/one", {"a.py": "1"})
    first = await get(provider, one)
    one.commit({}, "Nothing")
    second = await get(provider, one)
    assert first.content == second.content and first.whole != second.whole
    two = gitserver.create_repo("o/two", {"a.py": "1"})
    fork = await get(provider, two)
    assert (fork.commit.id, fork.whole) == (first.commit.id, first.whole)
    three = gitserver.create_repo("o/three", {"a.py": "1"})
    three.tag("v1")
    assert (await get(provider, three)).whole != first.whole


async def test_nothing_of_foreign_making_is_in_it(
    provider: GitProvider, repo: RepoHandle, tmp_path: Path
) -> None:
    """No hook, setting, filter or other repository is named, whatever the commit has."""
    hostile = '[core]\n\tfsmonitor = touch /tmp/x\n[filter "x"]\n\tsmudge = touch /tmp/x\n'
    repo.commit({".gitattributes": "* filter=x\n", ".gitconfig": hostile, "config": hostile})
    repo.tag("v1.0", annotated=True)
    there = await checked_out(await get(provider, repo), tmp_path / "files") / ".git"
    assert (there / "config").read_text().split() == [
        *("[core]", "repositoryformatversion", "=", "0", "filemode", "=", "true"),
        *("bare", "=", "false", "logallrefupdates", "=", "true"),
    ]
    names = {str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()}
    assert not [name for name in names if name.startswith(("hooks", "info", "objects/info"))]
    assert {name for name in names if "/" not in name} <= {"HEAD", "config", "index", "shallow"}


async def test_files_that_look_like_a_repository(
    provider: GitProvider, repo: RepoHandle, tmp_path: Path
) -> None:
    """Git would take their folder for one, and run the program that its configuration names."""
    marker = tmp_path / "ran"
    config = f'[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = "touch {marker}; false"\n'
    head = {"HEAD": "ref: refs/heads/main\n", "refs/heads/main": f"{'a' * 40}\n"}
    repo.commit({"config": config, "objects/empty": "", **head})
    repo.tag("v1.0")
    there = await checked_out(await get(provider, repo), tmp_path / "files")
    assert git(there, "describe", "--tags") == "v1.0"
    assert (there / "config").read_text() == config
    assert not marker.exists()


async def test_tags_that_cannot_be_had_keep_nobody_from_the_files(
    provider: GitProvider, repo: RepoHandle, tmp_path: Path
) -> None:
    """A server of Git's first protocol gives no single objects; names are kept all the same."""
    repo.tag("v1.0", annotated=True)
    commits(repo, 1)
    repo.behaviour = Behaviour(old=True)
    there = await checked_out(await get(provider, repo), tmp_path / "files")
    assert git(there, *DESCRIBE).startswith("v1.0-1-")


async def test_from_the_bundle_if_the_objects_are_gone(
    provider: GitProvider, repo: RepoHandle, tmp_path: Path
) -> None:
    import shutil

    commits(repo, 3)
    repo.tag("v1.0", annotated=True)
    commits(repo, 1)
    source = await get(provider, repo)
    shutil.rmtree(source.bundle.with_name("objects.git"))
    there = await checked_out(source, tmp_path / "files")
    assert git(there, *DESCRIBE).startswith("v1.0-1-")


async def test_an_archives_commit_of_ours_is_not_its_version(repo: RepoHandle) -> None:
    source = Source(Commit(Repo("zenodo", "10.5/x", "https://x.org"), "", "7"), Path("x"), "tree")
    assert not source.is_of_git and source.whole == source.content


@pytest.mark.parametrize(
    ("ref", "branch", "tag"),
    [
        ("v1.0", "", "v1.0"),
        ("refs/tags/release/1", "", "release/1"),
        ("v1.0", "v1.0", ""),
        ("main", "main", ""),
        ("HEAD", "", ""),
        ("a" * 40, "", ""),
        ("abc1234", "", ""),
        ("latest", "", ""),
        ("refs/pull/7/head", "", ""),
        ("", "", ""),
    ],
)
def test_which_refs_are_tags(ref: str, branch: str, tag: str) -> None:
    commit = Commit(Repo("git", "x", "https://x.org/x"), ref, "b" * 40, branch)
    assert commit.tag == tag
    assert commit.described == f"{'b' * 40} {tag}".strip()
