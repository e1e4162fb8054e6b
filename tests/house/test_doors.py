"""The import contracts of setup.cfg hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import binderhub_ext

ROOT = Path(binderhub_ext.__file__).parents[1]


def test_rooms_keep_their_doors() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [program, "--config", "setup.cfg"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout
