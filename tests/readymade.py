"""The environment of an empty repository, made once for all data directories of a run.

A copy takes a quarter of the time and no network. Tests of how it is made do so themselves.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

import pytest
from datadirs import remove_later

from binderhub_ext.core.layout import DataDirectory

_BUILD = Path(__file__).with_name("buildimage.py")
_VARIABLE = "BINDER_AT_HOME_READY_MADE"
"""Names the data directory in which it is, to the processes that share the work."""

_COPY = r"""
set -e
mkdir -p "$2"
cp -a "$1/." "$2"
cd "$2"
named=$(echo ./*/bin ./*/share/jupyter/kernels/*)
chmod u+w $named
grep -rlF --null "$1" $named ./*/.binder | xargs -0 sed -i "s|$1|$2|g"
chmod u-w $named
[ -z "$3" ] || chown -R "$3:$3" .
"""
"""Where files name the environment that they belong to, they name the copy."""


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[_VARIABLE] = mkdtemp(prefix="bh-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        remove_later(Path(os.environ[_VARIABLE]))


def give_environment(data: Path, owner: int | None = None) -> None:
    """Have it, and the cache of packages that it came from, in a data directory.

    Args:
        owner: whose it is there, if it is somebody else's.
    """
    made = DataDirectory(Path(os.environ[_VARIABLE]))
    if not any(made.environments.glob("*/.binder/image.json")):
        # Another process that makes it is waited for.
        build = [sys.executable, str(_BUILD), str(made.root), "{}"]
        subprocess.run(build, input="{}", text=True, check=True, stdout=subprocess.PIPE)
    places = (str(layout.environments) for layout in (made, DataDirectory(data)))
    subprocess.run(["sh", "-c", _COPY, "sh", *places, str(owner or "")], check=True)
