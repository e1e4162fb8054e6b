"""Programs of the host, by their full path.

What runs in an environment finds the environment's own programs first, and whoever wrote its
requirements chose those. So no program that runs before a sandbox is closed is looked up in the
variables of what runs inside: one named `bwrap` in a package would run as the Hub.
"""

from __future__ import annotations

import shutil
from pathlib import Path


def host_program(name: str) -> str:
    """Where a program is on the path of this process; a place that fails if it is nowhere."""
    found = shutil.which(name)
    return str(Path(found).absolute()) if found else f"/usr/bin/{name}"
