"""The data directory: its modes, whose it is, and one `up` at a time."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from binderhub_ext.core.errors import CannotStart
from binderhub_ext.storage.doors import open_doors
from binderhub_ext.up import datadir


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_prepare_twice(tmp_path: Path) -> None:
    for _ in range(2):
        layout = datadir.prepare(tmp_path / "a folder")
    assert {mode(folder) for folder in (layout.root, *layout.folders)} == {0o700}
    assert mode(layout.hub_db) == mode(layout.binder_db) == 0o600


def test_a_loosened_directory_is_tightened(tmp_path: Path) -> None:
    layout = datadir.prepare(tmp_path / "data")
    layout.secrets.chmod(0o777)
    for folder in (layout.root, layout.run, layout.cache):
        folder.chmod(0o755)
    (layout.root / "hub.sqlite-wal").touch(0o644)
    layout.hub_db.chmod(0o644)
    datadir.prepare(layout.root)
    assert {mode(folder) for folder in (layout.root, *layout.folders)} == {0o700}
    assert {mode(path) for path in layout.root.glob("*.sqlite*")} == {0o600}


def test_without_a_sandbox_people_pass_through_and_list_nothing(tmp_path: Path) -> None:
    layout = datadir.prepare(tmp_path / "data")
    open_doors(layout)
    closed = (layout.secrets, layout.trash, layout.builds)
    assert {mode(folder) for folder in closed} == {0o700}
    passable = 0o711 if os.geteuid() == 0 else 0o700
    assert {mode(folder) for folder in (layout.root, layout.homes, layout.run)} == {passable}


def test_a_directory_of_other_things_is_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(CannotStart, match="not a data directory"):
        datadir.prepare(tmp_path)
    assert mode(tmp_path) == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("name", ["what?", "c#"])
def test_a_name_that_databases_cannot_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotStart, match="database URLs"):
        datadir.prepare(tmp_path / name)


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="--data-dir"):
        datadir.prepare(tmp_path / "file" / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_another_user(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    os.chown(root, 12345, 12345)
    with pytest.raises(CannotStart, match="another user"):
        datadir.prepare(root)


def test_one_at_a_time(tmp_path: Path) -> None:
    layout = datadir.prepare(tmp_path / "data")
    datadir.hub_pid_file(layout).write_text("4711")
    with (
        datadir.in_use(layout),
        pytest.raises(CannotStart, match=r"already running.*process 4711"),
        datadir.in_use(layout),
    ):
        pass
    with datadir.in_use(layout):
        datadir.clear_run(layout)
    assert not layout.run.exists()


def test_default_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert datadir.default_data_dir() == tmp_path / "binder-at-home"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert datadir.default_data_dir() == tmp_path / ".local/share/binder-at-home"
