"""Trees of folders as somebody makes them who means harm."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

DEEP = 3000


def make_deep(folder: Path, depth: int = DEEP, name: str = "d") -> None:
    """Folders within each other, with a file at the bottom; no path is long enough for them."""
    folder.mkdir(parents=True, exist_ok=True)
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


def clear(folder: Path) -> None:
    """Remove what pytest's own tidying, which calls itself, could not."""
    subprocess.run(["rm", "-rf", "--", folder], check=True)


@pytest.fixture
def cleared(tmp_path: Path) -> Iterator[None]:
    yield
    clear(tmp_path)
