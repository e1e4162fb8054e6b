"""Solve and link an environment of conda's packages; a program of its own, run in a sandbox.

A program because the library's threads crash Python at its exit, so this one ends hard. No code of
any package runs here: scripts that packages have for when they were linked are left for the
build. Says on its output what it does, and ends with one of `Ending`.

Usage: python -m binderhub_ext.engines.local.condaworker ORDER.json
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

_SOME = 20


class Ending(IntEnum):
    """How it ended."""

    DONE = 0
    UNSOLVABLE = 3
    FAILED = 4


@dataclass(frozen=True)
class Order:
    """What is to be linked.

    Attributes:
        channels: addresses, the most important first.
        specs: what is asked for, as conda writes it.
        prefix: the environment; empty or missing.
        cache: where packages and what channels have is kept; on the disk of the prefix.
        copies: whether files must not be shared with the cache.
    """

    channels: list[str]
    specs: list[str]
    prefix: str
    cache: str
    copies: bool = False


class Progress:
    """Says how many packages are there, now and then."""

    def __init__(self, total: int) -> None:
        self.total, self.downloaded, self.linked = total, 0, 0

    def on_download_completed(self, download_idx: int) -> None:
        self.downloaded += 1
        if self.downloaded % _SOME == 0:
            log(f"Downloaded {self.downloaded} packages")

    def on_link_complete(self, index: int) -> None:
        self.linked += 1
        if self.linked % _SOME == 0 or self.linked == self.total:
            log(f"Linked {self.linked} of {self.total} packages")


def log(words: str) -> None:
    print(words, flush=True)


async def work(order: Order) -> Ending:
    """Solve and link; see the module."""
    import rattler
    from rattler.exceptions import SolverError

    client = rattler.Client.authenticated_client()
    gateway = rattler.Gateway(cache_dir=Path(order.cache, "channels"), client=client)
    log(f"Looking at {len(order.channels)} channels")
    try:
        records = await rattler.solve(
            sources=[rattler.Channel(url) for url in order.channels],
            specs=[rattler.MatchSpec(spec, strict=False) for spec in order.specs],
            gateway=gateway,
            virtual_packages=rattler.VirtualPackage.detect(),
        )
    except SolverError as error:
        log(str(error))
        return Ending.UNSOLVABLE
    size = sum(record.size or 0 for record in records)
    log(f"{len(records)} packages, {size >> 20} MiB packed")
    progress: Any = Progress(len(records))
    await rattler.install(
        records,
        target_prefix=order.prefix,
        cache_dir=Path(order.cache, "packages"),
        show_progress=False,
        execute_link_scripts=False,
        reporter=progress,
        client=client,
    )
    if order.copies:
        own_files(Path(order.prefix))
    return Ending.DONE


def own_files(prefix: Path) -> None:
    """Make every file of an environment one of its own, shared with no cache."""
    for folder, _, names in os.walk(prefix):
        for name in names:
            path = Path(folder, name)
            status = path.lstat()
            if status.st_nlink > 1 and not path.is_symlink():
                partial = path.with_name(f".{name}.own")
                shutil.copy2(path, partial)
                partial.replace(path)


def read_order(path: str) -> Order:
    fields: dict[str, Any] = json.loads(Path(path).read_text())
    return Order(**fields)


def main() -> None:
    try:
        ending = asyncio.run(work(read_order(sys.argv[1])))
    except Exception as error:  # whatever the library makes of channels and packages of strangers
        log(f"{type(error).__name__}: {error}")
        ending = Ending.FAILED
    sys.stdout.flush()
    os._exit(ending)


if __name__ == "__main__":
    main()
