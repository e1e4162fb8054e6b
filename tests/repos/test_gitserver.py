"""The Git server other tests stand on: real clients get what they should from it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from gitserver import Behaviour, Executable, GitServer, Symlink


def git(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-c", "protocol.version=2", *arguments],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": "/dev/null"},
        capture_output=True,
        text=True,
    )


def test_clone(gitserver: GitServer, tmp_path: Path) -> None:
    repo = gitserver.create_repo(
        "owner/name",
        {"a/b.txt": "x", "run": Executable("#!/bin/sh\n"), "link": Symlink("a/b.txt"), 'q"\\': "q"},
    )
    second = repo.commit({"a/b.txt": None, "c": b"\x00\xff"})
    into = tmp_path / "clone"
    assert git("clone", f"{repo.url}.git", str(into)).returncode == 0
    assert git("rev-parse", "HEAD", cwd=into).stdout.strip() == second
    assert sorted(p.name for p in into.iterdir()) == [".git", "c", "link", 'q"\\', "run"]
    assert (into / "c").read_bytes() == b"\x00\xff" and (into / "run").stat().st_mode & 0o100
    assert gitserver.fetches() == 1


def test_branches_and_tags(gitserver: GitServer) -> None:
    repo = gitserver.create_repo("owner/name", {"a": "1"})
    first = repo.branch("a/main")
    second = repo.commit({"a": "2"})
    tag = repo.tag("v1", first, annotated=True)
    listed = git("ls-remote", repo.url).stdout
    for line in (f"{first}\trefs/heads/a/main", f"{second}\tHEAD", f"{tag}\trefs/tags/v1"):
        assert line in listed
    assert f"{first}\trefs/tags/v1^{{}}" in listed


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (Behaviour(status=429), "429"),
        (Behaviour(password=("ada", "secret")), "terminal prompts disabled"),
        (Behaviour(redirect="http://127.0.0.1:1/elsewhere"), "127.0.0.1"),
    ],
)
def test_misbehaviour(gitserver: GitServer, behaviour: Behaviour, words: str) -> None:
    repo = gitserver.create_repo("owner/name", {"a": "1"})
    repo.behaviour = behaviour
    assert words in git("ls-remote", repo.url).stderr


def test_password(gitserver: GitServer) -> None:
    repo = gitserver.create_repo("owner/name", {"a": "1"})
    repo.behaviour = Behaviour(password=("ada", "secret"))
    assert git("ls-remote", repo.url.replace("//", "//ada:secret@")).returncode == 0


def test_unknown(gitserver: GitServer) -> None:
    assert "not found" in git("ls-remote", f"{gitserver.url}/owner/none").stderr
