"""`environment.yml` where this machine has micromamba, mamba or conda.

The program runs in the sandbox, with a package cache of the build's own.
"""

from __future__ import annotations

import shutil
from pathlib import Path

PROGRAMS = ("micromamba", "mamba", "conda")
CHANNEL = "conda-forge"
"""Where packages come from if the file names no channel, as with repo2docker."""


def find_program() -> str | None:
    """Path of the first conda-like program on PATH, the quickest kind first."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def prepare_prefix(path: Path) -> None:
    """Make an existing folder one that conda takes for an environment."""
    (path / "conda-meta").mkdir()
    (path / "conda-meta" / "history").touch()


def install(program: str, path: Path, file: str, cache: Path) -> list[str]:
    """The command that installs a file's packages into a prepared environment.

    Args:
        path: the environment.
        file: `environment.yml`, relative to the repository.
        cache: folder for what the program keeps.
    """
    name = Path(program).name
    if name == "micromamba":
        words = ["install", "--yes", "--root-prefix", str(cache / "conda"), "--channel", CHANNEL]
        return [program, *words, "--prefix", str(path), "--file", file]
    return [program, "env", "update", "--prefix", str(path), "--file", file]
