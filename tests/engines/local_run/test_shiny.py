"""Which applications of Shiny a server of R shows, and where; a real one is in another test."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from binderhub_ext.engines.local.sandbox import FIRST

SETTINGS = FIRST / "r" / "jupyter_server_config.py"


def shown(
    root: Path, monkeypatch: pytest.MonkeyPatch, files: list[str], *, shiny: bool = True
) -> dict[str, list[str]]:
    """The folders and names that each address has, as Jupyter is told."""
    for name in [*files, *(["library/shiny/DESCRIPTION"] if shiny else [])]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    monkeypatch.setenv("R_LIBS_SITE", f"/nowhere:{root / 'library'}")
    monkeypatch.setenv("REPO_DIR", str(root))
    told = SimpleNamespace(ServerProxy=SimpleNamespace(servers={}))
    runpy.run_path(str(SETTINGS), {"get_config": lambda: told})
    commands = {name: server["command"] for name, server in told.ServerProxy.servers.items()}
    assert all(command[2] == "{port}" for command in commands.values())
    return {
        name: [word.removeprefix(str(root)) for word in command[3:]]
        for name, command in commands.items()
    }


@pytest.mark.parametrize(
    ("files", "addresses"),
    [
        (["app.R"], {"shiny": [""]}),
        (["server.R", "ui.R", "x/y.R"], {"shiny": [""]}),
        (["app.R", "bay/app.R"], {"shiny/bay": ["/bay"], "shiny": [""]}),
        (
            ["b/server.R", "a/app.R"],
            {"shiny/a": ["/a"], "shiny/b": ["/b"], "shiny": ["", "a", "b"]},
        ),
        # An address becomes a regular expression, and words go through a format.
        (["(x/app.R", "{port}/app.R", "ä/app.R", ".x/app.R"], {}),
        (["index.ipynb", "app.R/x", "a/b/app.R"], {}),
    ],
)
def test_applications_have_the_addresses_of_their_folders(
    files: list[str],
    addresses: dict[str, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = shown(tmp_path, monkeypatch, files)
    assert found == addresses and list(found) == list(addresses)


def test_without_shiny_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(tmp_path, monkeypatch, ["app.R"], shiny=False) == {}
