"""Killed before any call that changes the disk, an import is ended by the next one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from killed import copy_home, instants

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.storage.homes import ensure_home
from binderhub_ext.storage.importing import Import, take_over, was_imported

HERE = (-1, -1)


def contents(place: Path) -> dict[str, tuple[int, float, str]]:
    """Everything below a folder, with modes, times and contents."""
    found = {}
    for path in sorted(place.rglob("*")):
        status = path.lstat()
        text = path.readlink().name if path.is_symlink() else ""
        text = path.read_text() if path.is_file() and not path.is_symlink() else text
        time = status.st_mtime if path.is_file() and not path.is_symlink() else 0
        found[str(path.relative_to(place))] = (status.st_mode, time, text)
    return found


@pytest.mark.parametrize("into", ["", "before/2025"])
def test_killed_at_any_instant(tmp_path: Path, into: str) -> None:
    source = tmp_path / "old"
    (source / "data/deep").mkdir(parents=True)
    for name in ("a", "data/b", "data/deep/c"):
        (source / name).write_text(name)
        os.utime(source / name, (1e9, 1e9))
    os.link(source / "data/b", source / "same")
    (source / "link").symlink_to("data")
    layout = DataDirectory(tmp_path / "data")
    home = ensure_home(layout, "ann")
    (home / "hers").write_text("hers")
    wanted = Import("ann", str(source), into)
    states = instants(layout.homes, tmp_path / "states", lambda: take_over(layout, wanted, HERE))
    end = contents(states[-1] / home.name)
    assert len(states) > 20
    for state in states[:-1]:
        shutil.rmtree(layout.homes)
        copy_home(state, layout.homes)
        if not was_imported(layout, wanted):
            take_over(layout, wanted, HERE)
        assert contents(home) == end, state
        assert (home / into / "same").samefile(home / into / "data/b")
    assert was_imported(layout, wanted)
