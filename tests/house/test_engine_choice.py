"""Which engine `up` runs, and that a data directory keeps to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from traitlets.config import Config

from binderhub_ext.core.errors import CannotStart
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.engines.base import Check
from binderhub_ext.up import engines

Works = Callable[..., None]


@pytest.fixture
def works(monkeypatch: pytest.MonkeyPatch) -> Works:
    """Says which engines work on this machine."""

    def set_to(*names: str) -> None:
        def check(name: str, c: Config, layout: DataDirectory) -> list[Check]:
            ok = name in names
            fix = "" if ok else f"apt-get install {name}"
            return [Check("what it needs", ok, "there" if ok else "missing", fix)]

        monkeypatch.setattr(engines, "check", check)

    return set_to


@pytest.fixture
def layout(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path)


def choose(layout: DataDirectory, name: str = engines.AUTO) -> str:
    return engines.choose(name, Config(), layout)


def test_a_better_engine_installed_later_changes_nothing(
    works: Works, layout: DataDirectory
) -> None:
    works("local")
    assert choose(layout) == "local"
    works("docker", "local")
    assert choose(layout) == "local"


def test_a_new_directory_gets_the_best(works: Works, layout: DataDirectory) -> None:
    works("docker", "local")
    assert choose(layout) == "docker"


def test_asking_by_name_is_remembered(works: Works, layout: DataDirectory) -> None:
    works("docker", "local")
    assert choose(layout) == "docker"
    assert choose(layout, "local") == "local"
    assert choose(layout) == "local"


def test_the_remembered_one_is_not_replaced_in_silence(works: Works, layout: DataDirectory) -> None:
    works("docker", "local")
    assert choose(layout) == "docker"
    works("local")
    with pytest.raises(CannotStart, match=r"(?s)apt-get install docker.*--engine"):
        choose(layout)
    assert choose(layout, "local") == "local"


def test_what_cannot_run_is_not_remembered(works: Works, layout: DataDirectory) -> None:
    works("local")
    with pytest.raises(CannotStart, match="docker"):
        choose(layout, "docker")
    assert choose(layout) == "local"


def test_an_engine_that_was_uninstalled_is_forgotten(works: Works, layout: DataDirectory) -> None:
    works("local")
    (layout.root / "engine").write_text("gone\n")
    assert choose(layout) == "local"


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe"])
def test_a_damaged_memory_is_no_obstacle(
    works: Works, layout: DataDirectory, damage: bytes
) -> None:
    works("local")
    (layout.root / "engine").write_bytes(damage)
    assert choose(layout) == "local"
