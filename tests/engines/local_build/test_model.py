"""Whether an environment still has all files of the one that it was begun from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from binderhub_ext.core.locks import Target
from binderhub_ext.core.requirements import requirement_lines
from binderhub_ext.engines.local.model import clone, is_as_pinned, is_same
from binderhub_ext.engines.local.uv import Requirements

SITE = "lib/python3.11/site-packages"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    files = {"a/b.py": "x = 1", "a/c.so": "binary", "one.py": "", "a-1.dist-info/RECORD": "a"}
    for name, text in files.items():
        file = tmp_path / "model" / SITE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "model" / SITE / "a" / "link").symlink_to("b.py")
    return tmp_path / "model"


def replaced(file: Path, text: str) -> None:
    file.unlink()
    file.write_text(text)


def folder_as_file(site: Path) -> None:
    (site / "a").rename(site / "was-a")
    (site / "a").write_text("")


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda _: None, True),
        (lambda site: replaced(site / "a" / "b.py", "x = 1"), True),
        (lambda site: replaced(site / "a-1.dist-info" / "RECORD", "other"), True),
        (lambda site: (site / "new.py").write_text(""), True),
        (lambda site: replaced(site / "a" / "b.py", "x = 2"), False),
        (lambda site: (site / "a" / "c.so").unlink(), False),
        (lambda site: (site / "a" / "link").unlink(), False),
        (lambda site: (site / "new.pth").write_text(""), False),
        (lambda site: (site / "sitecustomize.py").write_text(""), False),
        (folder_as_file, False),
    ],
)
def test_what_makes_another_server(
    model: Path, tmp_path: Path, change: Callable[[Path], None], same: bool
) -> None:
    environment = tmp_path / "environment"
    environment.mkdir()
    clone(model, environment)
    change(environment / SITE)
    assert is_same(model, environment) is same


@pytest.mark.parametrize(
    ("packages", "same"),
    [
        (["a-1", "b-1", "Locked-1"], True),
        (["a-1", "b-1", "locked-2.0"], True),
        (["a-1", "b-1", "locked-3"], False),
        (["a-2", "b-1", "locked-2"], False),
        (["a-1", "b-2", "locked-2"], False),
        (["a-1", "b-1"], False),
        (["a-1", "b-1", "locked-2", "new-1"], False),
    ],
)
def test_whether_only_what_is_pinned_differs(
    tmp_path: Path, packages: list[str], same: bool
) -> None:
    for name, there in ("model", ["a-1", "b-1", "Locked-1"]), ("environment", packages):
        for package in there:
            (tmp_path / name / SITE / f"{package}.dist-info").mkdir(parents=True)
    asked = (
        "a<3\na==2 ; python_version ~= 'x'\nb==2 ; python_version < '3'\nLocked==2 --hash=sha256:0"
    )
    requirements = Requirements((), tuple(requirement_lines(asked)))
    pins = requirements.pins(Target("3.11", "x86_64"))
    assert is_as_pinned(tmp_path / "model", tmp_path / "environment", pins) is same
