"""Locks on files and folders, which the kernel gives back when their holder ends in any way."""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

_LOOK = 0.2


def lock(descriptor: int) -> None:
    """Take the lock of an open file for us alone, waiting for whoever has it."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file for us alone, unless somebody has it; never waits."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Give back the lock of an open file; harmless if we have none."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """What is locked, as an open descriptor: a folder, or a file that is made if there is none."""
    flags = os.O_DIRECTORY if path.is_dir() else os.O_RDWR | os.O_CREAT
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Hold the lock of a file or folder, waiting for whoever has it."""
    with opened(path) as descriptor:
        lock(descriptor)
        yield descriptor


@contextmanager
def held_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock of a file or folder unless somebody has it; whether we do."""
    with opened(path) as descriptor:
        yield try_lock(descriptor)


@asynccontextmanager
async def held_in_turn(path: Path) -> AsyncIterator[int]:
    """Hold the lock of a file or folder; others go on while we wait for whoever has it."""
    # Not above: the program that updates projects starts often and needs no loop.
    import asyncio

    with opened(path) as descriptor:
        # No event can tell of another process.
        while not try_lock(descriptor):  # noqa: ASYNC110
            await asyncio.sleep(_LOOK)
        yield descriptor
