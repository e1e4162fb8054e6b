"""`binder-at-home` without and with its commands."""

from __future__ import annotations

import subprocess
import sys

import pytest

from binderhub_ext import __main__, __version__, commands
from binderhub_ext.core.errors import CannotStart


def test_every_command_has_a_line_and_an_entry() -> None:
    assert {"up", "doctor", "service"} <= set(commands.names())
    for name in commands.names():
        assert commands.summary(name).endswith(".")
        assert callable(commands.load(name))


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(argv) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name} " in shown for name in commands.names())


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["start"]) == 2
    assert "there is no command 'start'" in capsys.readouterr().err


def test_errors_are_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(argv: list[str]) -> int:
        raise CannotStart("It rains.", detail="All day.")

    monkeypatch.setattr(commands, "load", lambda name: refuse)
    assert __main__.main(["up"]) == 1
    assert capsys.readouterr().err == "binder-at-home up: It rains.\nAll day.\n"


def test_help_is_quick() -> None:
    """It imports nothing heavy: people press Enter on it."""
    code = (
        "import sys; from binderhub_ext.__main__ import main; main(['--help']);"
        "sys.exit('jupyterhub' in sys.modules or 'tornado' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
