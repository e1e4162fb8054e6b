"""The first program of every sandbox, beside what a person may have in the places it writes to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from patience import SOON

import binderhub_ext.engines.local

FIRST = Path(binderhub_ext.engines.local.__file__).parent / "inside" / "first.py"
PUT = "import runpy, sys; runpy.run_path(sys.argv[1])['put'](sys.argv[2], 'ours')"

KINDS: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "link": lambda path: path.symlink_to("missing"),
    "link to itself": lambda path: path.symlink_to(path.name),
    "file": lambda path: path.write_text("theirs"),
}


@pytest.mark.parametrize("place", ["pyvenv.cfg", "pyvenv.cfg.new"])
@pytest.mark.parametrize("kind", KINDS)
def test_odd_files_keep_no_server_from_starting(tmp_path: Path, place: str, kind: str) -> None:
    KINDS[kind](tmp_path / place)
    wanted = tmp_path / "pyvenv.cfg"
    command = [sys.executable, "-I", "-S", "-c", PUT, str(FIRST), str(wanted)]
    subprocess.run(command, check=True, timeout=SOON)
    assert wanted.read_text() == "ours" and not wanted.is_symlink()
