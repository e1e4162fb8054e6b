"""Clients other people wrote, from npm: installed once, exactly as the lock file says.

    python tests/clients/npm.py     # installs into tests/clients/node_modules

The lock file names versions and hashes but no registry, so whichever is configured is used
(`npm install --omit-lockfile-registry-resolved` wrote it).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from binderhub_ext.up.proxy import Node, nodes

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
_STAMP = MODULES / ".installed"


def node() -> Node | None:
    """A Node.js of this machine that can install, if there is one."""
    return next((node for node in nodes() if node.npm), None)


def missing() -> str:
    """Why the clients are not here, in words; empty if they are."""
    if node() is None:
        return "Node.js 20 is not installed (scripts/test installs it)"
    if not _STAMP.is_file() or _STAMP.read_bytes() != _wanted():
        return "the clients are not installed (scripts/test installs them)"
    return ""


def install() -> str:
    """Install them unless they are there; why that did not work, empty if it did."""
    if (found := node()) is None or not missing():
        return missing()
    command = [*found.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
    if done.returncode:
        return f"npm could not install the clients: {(done.stderr or done.stdout).strip()}"
    _STAMP.write_bytes(_wanted())
    return ""


def _wanted() -> bytes:
    return (HERE / "package-lock.json").read_bytes()


if __name__ == "__main__":
    # Tests of the clients are skipped without them, and fail under CI.
    if problem := install():
        print(problem, file=sys.stderr)
