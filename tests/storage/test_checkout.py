"""Files of a commit, from its bundle, without anything of the repository running."""

from __future__ import annotations

from pathlib import Path

import pytest
from dockersources import git

from binderhub_ext.core.errors import RepoUnavailable
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.repos.base import Source
from binderhub_ext.repos.checkout import checkout
from binderhub_ext.storage.checkout import temporary_checkout


@pytest.fixture
def source(tmp_path: Path) -> Source:
    origin = tmp_path / "origin"
    (origin / "sub").mkdir(parents=True)
    (origin / "README.md").write_text("hello")
    (origin / "sub" / "run").write_text("#!/bin/sh")
    (origin / "sub" / "run").chmod(0o755)
    (origin / "link").symlink_to("/etc/passwd")
    (origin / ".gitattributes").write_text("README.md filter=evil ident\n")
    git("init", "-q", "-b", "main", cwd=origin)
    git("add", "-A", cwd=origin)
    git("commit", "-qm", "one", cwd=origin)
    bundle = tmp_path / "commit.bundle"
    git("bundle", "create", "-q", str(bundle), "HEAD", "main", cwd=origin)
    commit = git("rev-parse", "HEAD", cwd=origin)
    tree = git("rev-parse", "HEAD^{tree}", cwd=origin)
    return Source(Commit(Repo("git", "x", "x"), "main", commit), bundle, tree)


async def test_git(source: Source, tmp_path: Path) -> None:
    into = tmp_path / "into"
    await checkout(source, into)
    names = {str(path.relative_to(into)) for path in into.rglob("*")}
    assert names == {"README.md", "sub", "sub/run", "link", ".gitattributes"}
    assert (into / "README.md").read_text() == "hello"
    assert (into / "sub" / "run").stat().st_mode & 0o111
    assert (into / "link").is_symlink()
    assert not list(tmp_path.glob(".git-*"))


async def test_temporary(source: Source, tmp_path: Path) -> None:
    async with temporary_checkout(source, tmp_path / "run") as folder:
        assert (folder / "README.md").exists()
    assert not list((tmp_path / "run").iterdir())


async def test_a_broken_bundle(source: Source, tmp_path: Path) -> None:
    source.bundle.write_bytes(b"# v2 git bundle\nnonsense")
    with pytest.raises(RepoUnavailable):
        await checkout(source, tmp_path / "into")
