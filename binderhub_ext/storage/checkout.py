"""Put the files of a fetched commit into a folder, without network and without their help.

The repository is hostile: no hook, filter, template or configuration of it is used, and files
of an archive cannot leave the folder.
"""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..core.errors import NoSpace, RepoUnavailable
from ..repos.base import Source
from ..repos.checkout import checkout as from_bundle
from .scratch import scratch_folder


async def checkout(source: Source, into: Path, *, history: bool = False) -> None:
    """Write the files of a commit and its submodules.

    Args:
        source: a fetched commit; its bundle is a Git bundle or a `.tar`.
        into: an empty or missing folder; made if missing. On failure it may hold a part.
        history: with a `.git`, if the commit is one of Git (see :mod:`..repos.history`).

    Raises:
        RepoUnavailable: the kept files cannot be read; fetch them again.
        NoSpace: the disk is full.
    """
    into.mkdir(parents=True, exist_ok=True)
    if source.bundle.suffix == ".tar":
        await asyncio.to_thread(_unpack, source.bundle, into)
        return
    await from_bundle(source, into, history=history)


@asynccontextmanager
async def temporary_checkout(
    source: Source, below: Path, *, history: bool = False
) -> AsyncIterator[Path]:
    """A folder with the files of a commit that is gone afterwards; with a `.git` if wanted."""
    with scratch_folder(below) as folder:
        files = folder / "files"
        await checkout(source, files, history=history)
        yield files


def _unpack(archive: Path, into: Path) -> None:
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(into, filter="data")
    except (tarfile.TarError, OSError, RecursionError) as error:
        _raise(str(error))


def _raise(explanation: str) -> None:
    if NoSpace.in_text(explanation):
        raise NoSpace("The disk is full. Ask the administrator to make room.")
    raise RepoUnavailable(
        "The fetched files of this commit cannot be read. Launch it again to fetch them anew.",
        detail=explanation[-2000:],
    )
