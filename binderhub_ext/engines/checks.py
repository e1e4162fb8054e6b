"""What every engine needs of its machine, as `doctor` and the health page show it."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..core.sentences import NOTHING, Sentence
from .base import Check

SPACE = Sentence("free disk space")


def install(*packages: str) -> Sentence:
    """The command that mends it where packages of Debian are missing."""
    return Sentence.verbatim(f"apt-get install -y {' '.join(packages)}")


def pip(requirement: str) -> Sentence:
    """The command that mends it where a package of Python is missing."""
    return Sentence.verbatim(f"pip install {requirement}")


def git() -> Check:
    """Git, with which repositories are fetched and projects are brought up to date."""
    name = Sentence.verbatim("git")
    if program := shutil.which("git"):
        return Check(name, True, Sentence.verbatim(program))
    return Check(name, False, Sentence("git is missing."), install("git"))


def free_space(root: Path, needed: int) -> Check:
    """Room on the disk of a folder, which need not exist yet.

    Args:
        needed: bytes below which no build is started.
    """
    place = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    fix = NOTHING if free >= needed else Sentence("Make room on the disk of {root}.", root=root)
    return Check(SPACE, not fix, Sentence("{free} MiB free", free=free >> 20), fix)
