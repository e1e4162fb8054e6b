"""Figures of use: right, remembered, and no way out of the folder."""

import os
from pathlib import Path, PurePosixPath

import pytest

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.storage.usage import forget_usage, last_usage, usage

NOW = 1_700_000_000.0
ANN = PurePosixPath("ann")
MEGABYTE = 1 << 20


@pytest.fixture
def layout(tmp_path: Path) -> DataDirectory:
    layout = DataDirectory(tmp_path)
    (layout.homes / ANN / "deep/er").mkdir(parents=True)
    (layout.homes / ANN / "deep/er/file").write_bytes(os.urandom(MEGABYTE))
    return layout


def measure(layout: DataDirectory, now: float = NOW, max_age: float = 60) -> int:
    found = usage(layout, layout.homes, ANN, now=now, max_age=max_age)
    assert found
    assert found.complete
    return found.bytes


def test_measured(layout: DataDirectory) -> None:
    assert MEGABYTE <= measure(layout) < 1.1 * MEGABYTE


def test_remembered_until_it_is_too_old_or_forgotten(layout: DataDirectory) -> None:
    before = measure(layout)
    (layout.homes / ANN / "more").write_bytes(os.urandom(MEGABYTE))
    assert measure(layout, NOW + 59) == before
    assert measure(layout, NOW + 61) > before
    (layout.homes / ANN / "more").unlink()
    forget_usage(layout, layout.homes, ANN)
    assert last_usage(layout, layout.homes, ANN) is None
    assert measure(layout, NOW + 62) == before


def test_links_and_second_names_count_once(layout: DataDirectory, tmp_path: Path) -> None:
    home = layout.homes / ANN
    before = measure(layout)
    (tmp_path / "big").write_bytes(os.urandom(MEGABYTE))
    (home / "link").symlink_to(tmp_path / "big")
    (home / "folder").symlink_to(tmp_path)
    (home / "again").hardlink_to(home / "deep/er/file")
    assert measure(layout, max_age=-1) < before + MEGABYTE / 2


@pytest.mark.parametrize("kind", ["nothing", "link", "file"])
def test_what_is_no_folder_has_no_figure(layout: DataDirectory, kind: str) -> None:
    place = layout.homes / "bob"
    if kind == "link":
        place.symlink_to("ann")
    elif kind == "file":
        place.touch()
    assert usage(layout, layout.homes, PurePosixPath("bob"), now=NOW, max_age=60) is None


def test_damaged_memory_is_measured_again(layout: DataDirectory) -> None:
    before = measure(layout)
    for path in (layout.cache / "usage").iterdir():
        path.write_text("{")
    assert measure(layout) == before
