"""What a build made is given to whoever has nothing of that name, once, by a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from binderhub_ext.engines.given import PROGRAM


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and "binder-at-home" not in path.parts
    }


class Giving:
    """A home with a project in it, and what a build made for them."""

    def __init__(self, folder: Path) -> None:
        self.made, self.home = folder / "made", folder / "home"
        self.project = self.home / "projects" / "x"
        self.project.mkdir(parents=True)

    def start(self, key: str = "one", extent: str = "own") -> str:
        """Start a server that says so; what it said."""
        places = (str(self.made), key, str(self.home), str(self.project), extent)
        command = [sys.executable, "-I", "-S", str(PROGRAM), *places, "/bin/echo", "started"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == "started\n"
        return done.stderr


@pytest.fixture
def giving(tmp_path: Path) -> Giving:
    return Giving(tmp_path)


def test_home_and_project(giving: Giving) -> None:
    write(giving.made, {"home/nltk_data/words.txt": "w", "home/.local/bin/tool": "#!/bin/sh\n"})
    write(giving.made, {"repo/data/built.txt": "b"})
    (giving.made / "home/.local/bin/tool").chmod(0o555)
    said = giving.start()
    assert tree(giving.home) == {
        "nltk_data/words.txt": "w",
        ".local/bin/tool": "#!/bin/sh\n",
        "projects/x/data/built.txt": "b",
    }
    assert (giving.home / ".local/bin/tool").stat().st_mode & 0o111
    assert (giving.home / "nltk_data/words.txt").stat().st_mode & 0o200
    assert "given to you: 3" in said


def test_what_is_there_stays_and_is_named(giving: Giving) -> None:
    write(giving.home, {".jupyter/config": "mine", "projects/x/data": "a file of mine"})
    write(giving.made, {"home/.jupyter/config": "built", "home/.jupyter/more": "built"})
    write(giving.made, {"repo/data/built.txt": "b"})
    said = giving.start()
    assert tree(giving.home) == {
        ".jupyter/config": "mine",
        ".jupyter/more": "built",
        "projects/x/data": "a file of mine",
    }
    assert "~/.jupyter/config (something of that name is there)" in said
    assert "x/data/built.txt" in said


def test_what_was_deleted_stays_away_until_another_environment(giving: Giving) -> None:
    write(giving.made, {"home/a": "1"})
    giving.start()
    (giving.home / "a").unlink()
    assert giving.start() == ""
    assert not (giving.home / "a").exists()
    giving.start("another")
    assert (giving.home / "a").exists()


def test_no_link_is_followed(giving: Giving, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (giving.home / "linked").symlink_to(elsewhere)
    (giving.home / "dangling").symlink_to(elsewhere / "new")
    write(giving.made, {"home/linked/evil": "1", "home/dangling": "1"})
    said = giving.start()
    assert list(elsewhere.iterdir()) == []
    assert "~/linked/evil" in said and "~/dangling" in said


def test_nothing_gets_into_a_repositorys_own_folder(giving: Giving) -> None:
    write(giving.made, {"repo/.git/hooks/pre-commit": "evil", "repo/sub/.git/config": "evil"})
    giving.start()
    assert list(giving.project.iterdir()) == []


def test_the_persons_whole_home_gets_nothing_but_what_is_the_projects(giving: Giving) -> None:
    write(giving.made, {"home/.bashrc": "evil", "home/.local/share/x": "1", "home/.ssh/rc": "evil"})
    write(giving.made, {"repo/built.txt": "b"})
    giving.start(extent="whole")
    assert tree(giving.home) == {".local/share/x": "1", "projects/x/built.txt": "b"}


def test_a_home_that_is_full_is_no_reason_not_to_start(giving: Giving) -> None:
    write(giving.made, {"home/a/b": "1"})
    giving.home.chmod(0o500)
    try:
        giving.start()
    finally:
        giving.home.chmod(0o700)


def test_anything_in_place_of_the_record_keeps_nothing_from_starting(
    giving: Giving, tmp_path: Path
) -> None:
    write(giving.made, {"home/a": "1"})
    record = giving.home / ".cache/binder-at-home/given"
    record.parent.mkdir(parents=True)
    os.mkfifo(record)
    assert "given to you: 1" in giving.start()
    record.unlink()
    mine = tmp_path / "mine"
    mine.write_text("mine")
    record.symlink_to(mine)
    giving.start()
    assert mine.read_text() == "mine"
    record.unlink()
    record.write_bytes(b"\xff\xfe")
    giving.start()
