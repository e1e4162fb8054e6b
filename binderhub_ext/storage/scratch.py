"""Folders for work, which a process that was killed leaves behind and the next one takes away.

Each is locked by the process that works in it, and the kernel gives a lock back when its holder
ends in any way. So nobody has to guess by age whether one is still needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

from ..housekeeping import alone, tidy_away
from ..locks import lock, try_lock

_PREFIX = ".scratch-"


@contextmanager
def scratch_folder(below: Path) -> Iterator[Path]:
    """A new folder for us alone that is gone afterwards.

    Args:
        below: where it is made; made itself if missing.
    """
    below.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as stack:
        with _door(below):
            folder = Path(mkdtemp(prefix=_PREFIX, dir=below))
            stack.callback(tidy_away, folder)
            try_lock(_opened(stack, folder))
        yield folder


def sweep(below: Path) -> list[str]:
    """Remove the folders nobody works in any more; returns their names. Safe to repeat."""
    if not below.is_dir():
        return []
    with ExitStack() as stack:
        with _door(below):
            left = [path for path in _folders(below) if try_lock(_opened(stack, path))]
        removed = []
        for path in left:
            with alone(f"Removing {path.name}"):
                if tidy_away(path):
                    removed.append(path.name)
        return removed


@contextmanager
def _door(below: Path) -> Iterator[None]:
    """Keep a folder that was made and is not locked yet from being taken for a left one."""
    with ExitStack() as stack:
        lock(_opened(stack, below))
        yield


def _folders(below: Path) -> list[Path]:
    paths = [path for path in below.iterdir() if path.name.startswith(_PREFIX)]
    return sorted(path for path in paths if path.is_dir() and not path.is_symlink())


def _opened(stack: ExitStack, folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)
    return descriptor
