"""The folder of a build: it holds what the environment's key names, and nothing else.

Where configuration files determine an environment, others get it too who have the same files. So
nothing else of the repository may be in reach of a program that makes it: many look for settings
and modules in the current directory and in the folders above it. Where they do not, the key names
the commit and its tags, and the folder is a checkout of that commit with a `.git` of our making.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from ..core.errors import BuildFailed
from ..repos.base import Source
from ..repos.checkout import checkout
from ..storage.checkout import temporary_checkout
from .configuration import reader
from .detect import Detection


async def fill(folder: Path, detection: Detection, source: Source, scratch: Path) -> None:
    """Put a fetched commit's files into a build's folder, as far as they determine the environment.

    Args:
        folder: empty or missing; made if there is anything to put there.
        scratch: where all files may be for a moment.

    Raises:
        BuildFailed: a file is not the one that was looked at before.
        RepoUnavailable: the kept files cannot be read.
        NoSpace: the disk is full.
    """
    made = dict(detection.made)
    named = [(path, digest) for path, digest in detection.files if path not in made]
    if not detection.determination.by_files:
        await checkout(source, folder, history=True)
    elif named:
        async with temporary_checkout(source, scratch) as files:
            await asyncio.to_thread(_place, files, named, folder)
    await asyncio.to_thread(_add, made, folder)


def _add(made: Mapping[str, str], folder: Path) -> None:
    """Files of our own; where they come to lie the repository may have a link, or a folder."""
    for name, text in made.items():
        folder.mkdir(exist_ok=True)
        try:
            with (folder / name).open("xb") as file:
                file.write(text.encode())
        except FileExistsError as error:
            raise BuildFailed(
                "The repository has {name}, which is no file. Remove it.", name=name
            ) from error
        (folder / name).chmod(0o644)


def _place(checkout: Path, files: Iterable[tuple[str, str]], folder: Path) -> None:
    """Only bytes count: a link becomes the file it leads to, and modes are all the same."""
    read = reader(checkout)
    for path, digest in files:
        content = read(path)
        if content is None or sha256(content).hexdigest() != digest:
            raise BuildFailed(
                "{path} changed since the build was planned. Launch again.", path=path
            )
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o644)
