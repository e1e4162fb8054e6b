"""What is on the path of every Python inside a sandbox (`inside/site`): who is the server there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sandboxhub import sandbox_missing

import binderhub_ext.engines.local

ENGINE = Path(binderhub_ext.engines.local.__file__).parent
SITE, SHARED = ENGINE / "inside" / "site", ENGINE.parent / "inside"
ASK = "import jupyterlab.commands as commands; print(commands._yarn_config(None), commands.KEPT)"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A folder with a JupyterLab that tells when it would run Node.js."""
    package = tmp_path / "jupyterlab"
    package.mkdir()
    (package / "__init__.py").touch()
    lines = "KEPT = 'the rest'\ndef _yarn_config(logger): return 'asked'\n"
    (package / "commands.py").write_text(lines)
    return tmp_path


def ask(lab: Path, as_server: bool) -> str:
    """What JupyterLab finds, in a process that a sandbox's init started or in one below it."""
    program = f"{sys.executable} -B -c '{ASK}'; true"
    program = program if as_server else f'sh -c "{program}"; true'
    alone = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "sh", "-c", program]
    done = subprocess.run(
        alone,
        env={"PYTHONPATH": f"{SITE}:{SHARED}:{lab}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed")
def test_the_server_does_not_ask_node(lab: Path) -> None:
    if missing := sandbox_missing():
        pytest.skip(missing)
    assert ask(lab, as_server=True) == "{'yarn config': {}, 'npm config': {}} the rest"
    assert ask(lab, as_server=False) == "asked the rest"
