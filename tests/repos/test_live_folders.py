"""What a build sees of a folder of this machine, and what it never does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hostiletrees import make_deep

from binderhub_ext import folders
from binderhub_ext.core.errors import NotAllowed, TooLarge, Unsupported
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.repos.folder import Seen, look


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def seen(folder: Path) -> Seen:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return look(descriptor)
    finally:
        os.close(descriptor)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(
        tmp_path / "folder",
        {
            "requirements.txt": "-r binder-free/more.txt",
            "binder-free/more.txt": "six",
            "index.ipynb": "{}",
            "analysis.py": "x = 1",
            "data/readings.csv": "1,2",
            ".git/config": "",
            ".venv/pyvenv.cfg": "",
        },
    )
    return tmp_path / "folder"


def test_work_in_it_changes_no_version(folder: Path) -> None:
    before = seen(folder)
    assert set(before.files) == {"requirements.txt", "binder-free/more.txt"}
    write(folder, {"index.ipynb": "{1}", "new.ipynb": "", "analysis.py": "x = 2", "data/x": ""})
    assert seen(folder) == before
    (folder / "requirements.txt").touch()
    assert seen(folder).version == before.version


@pytest.mark.parametrize("name", ["requirements.txt", "binder-free/more.txt", "apt.txt"])
def test_configuration_changes_it(folder: Path, name: str) -> None:
    before = seen(folder).version
    write(folder, {name: "cowsay"})
    assert seen(folder).version != before


def test_a_script_that_runs_is_another_one(folder: Path) -> None:
    write(folder, {"start": "#!/bin/sh"})
    before = seen(folder).version
    (folder / "start").chmod(0o755)
    assert seen(folder).version != before


def test_of_a_package_the_code_is_seen_and_nothing_else(folder: Path) -> None:
    write(
        folder,
        {
            "setup.py": "",
            "src/x.py": "",
            "src/__pycache__/x.pyc": "",
            "x.egg-info/PKG-INFO": "",
            "env/pyvenv.cfg": "",
            "env/lib/y.py": "",
            "src/.secret/key": "",
            "src/notebook.ipynb": "",
        },
    )
    with (folder / "data" / "huge.bin").open("wb") as huge:
        huge.truncate(50 << 30)
    (folder / "src" / "link.py").symlink_to("/etc/passwd")
    (folder / "src" / "more").symlink_to("/etc")
    os.mkfifo(folder / "src" / "pipe.py")
    code = {"setup.py", "src/x.py", "analysis.py", "data/readings.csv"}
    before = seen(folder)
    assert set(before.files) == code | {"requirements.txt", "binder-free/more.txt"}
    write(folder, {"index.ipynb": "other"})
    assert seen(folder) == before
    write(folder, {"src/x.py": "other"})
    assert seen(folder).version != before.version


def test_a_package_with_more_than_code(folder: Path) -> None:
    (folder / "many").mkdir()
    for number in range(2_100):
        os.mknod(folder / "many" / f"{number}.csv")
    seen(folder)
    write(folder, {"setup.py": ""})
    with pytest.raises(TooLarge, match="folder “binder”"):
        seen(folder)


def test_folders_within_each_other(folder: Path, cleared: None) -> None:
    """No more than a program can follow, whoever made them."""
    write(folder, {"postBuild": ""})
    make_deep(folder / "deep")
    assert "postBuild" in seen(folder).files


@pytest.mark.parametrize("name", ["requirements.txt", "binder", "more.txt"])
@pytest.mark.parametrize("target", ["/etc/passwd", "analysis.py", "/nowhere"])
def test_configuration_that_is_a_link(folder: Path, name: str, target: str) -> None:
    """A server that swaps it for one meanwhile gets no file of the machine into a build."""
    write(folder, {"requirements.txt": "-r more.txt"})
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)
    with pytest.raises(Unsupported, match=f"{name} is a link"):
        seen(folder)


def test_what_is_no_file_is_no_configuration(folder: Path) -> None:
    before = seen(folder)
    (folder / "start").mkdir()
    os.mkfifo(folder / "apt.txt")
    assert seen(folder) == before


@pytest.mark.parametrize("folder", [Path(sys.prefix), Path(folders.__file__).parents[1]])
def test_no_server_gets_the_program_that_starts_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code in it would run outside of its sandbox at the Hub's next start."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(NotAllowed, match="programs of Binder@home"):
        folders.offer(DataDirectory(tmp_path / "data"), folder, "anna")
