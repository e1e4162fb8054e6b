"""What a build made in the repository's folder: in new projects, and never in anything's way."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from upstream import Person, Tree, Upstream

from binderhub_ext.engines.local.made import files_in, keep_made
from binderhub_ext.storage.sync.made import bring_made
from binderhub_ext.storage.sync.run import sync
from binderhub_ext.storage.sync.words import State

FIRST: Tree = {b"README.md": b"one\n", b"data/a.csv": b"1\n"}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def test_only_new_plain_files_are_kept(tmp_path: Path) -> None:
    repo = write(tmp_path / "repo", {"README.md": "one", "data/a": "1"})
    before = files_in(repo)
    write(repo, {"README.md": "changed", "data/b": "2", "deep/er/c": "3", "__pycache__/x.pyc": "4"})
    write(repo, {".git/hooks/post-checkout": "evil"})
    (repo / "link").symlink_to("/etc/passwd")
    (repo / "folder").symlink_to("/etc")
    os.mkfifo(repo / "pipe")
    into = tmp_path / "made"
    into.symlink_to("/etc")
    assert keep_made(repo, before, into) == 2
    assert not into.is_symlink()
    assert sorted(p.relative_to(into).as_posix() for p in into.rglob("*") if p.is_file()) == [
        "data/b",
        "deep/er/c",
    ]


def test_they_come_with_a_new_project_only(tmp_path: Path) -> None:
    upstream, person = Upstream(tmp_path / "upstream.git"), Person(tmp_path / "home")
    made = write(tmp_path / "made", {"README.md": "built", "data/b": "2", ".git/config": "evil"})
    (made / "data/b").chmod(0o444)
    request = replace(person.request(upstream, upstream.commit(FIRST)), made=str(made))
    report = sync(request)
    assert report.state is State.CREATED
    assert report.notes == ["Files that the build made came with it: 1."]
    assert person.tree() == {**FIRST, b"data/b": b"2"}
    assert (person.project / "data/b").stat().st_mode & 0o200
    assert person.status() == b"?? data/b\n"
    (person.project / "data/b").unlink()
    later = person.request(upstream, upstream.commit({**FIRST, b"new": b"3"}))
    assert sync(replace(later, made=str(made))).state is State.UPDATED
    assert not (person.project / "data/b").exists()


@pytest.mark.parametrize("name", [".git/hooks/pre-commit", ".GIT/config", "sub/.git/config"])
def test_nothing_gets_into_a_repositorys_own_folder(tmp_path: Path, name: str) -> None:
    made, project = write(tmp_path / "made", {name: "evil"}), tmp_path / "project"
    project.mkdir()
    descriptor = os.open(project, os.O_RDONLY)
    assert bring_made(made, descriptor) == 0
    os.close(descriptor)
    assert list(project.iterdir()) == []
