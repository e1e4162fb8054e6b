"""What every engine needs of its machine, as `doctor` and the health page show it."""

from __future__ import annotations

import shutil
from pathlib import Path

from .base import Check


def git() -> Check:
    """Git, with which repositories are fetched and projects are brought up to date."""
    program = shutil.which("git")
    fix = "" if program else "apt-get install -y git"
    return Check("git", bool(program), program or "git is missing", fix)


def free_space(root: Path, needed: int) -> Check:
    """Room on the disk of a folder, which need not exist yet.

    Args:
        needed: bytes below which no build is started.
    """
    place = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    fix = "" if free >= needed else f"Make room on the disk of {root}."
    return Check("free disk space", not fix, f"{free >> 20} MiB free", fix)
