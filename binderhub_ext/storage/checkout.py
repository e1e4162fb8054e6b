"""The files of a fetched commit, for a moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..repos.base import Source
from ..repos.checkout import checkout
from .scratch import scratch_folder


@asynccontextmanager
async def temporary_checkout(
    source: Source, below: Path, *, history: bool = False
) -> AsyncIterator[Path]:
    """A folder with the files of a commit that is gone afterwards; with a `.git` if wanted.

    Raises:
        RepoUnavailable: the kept files cannot be read; fetch them again.
        NoSpace: the disk is full.
    """
    with scratch_folder(below) as folder:
        files = folder / "files"
        await checkout(source, files, history=history)
        yield files
