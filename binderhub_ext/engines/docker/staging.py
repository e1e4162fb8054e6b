"""Directories of people's as Docker can be told of them, without a link leading elsewhere.

Docker takes names and follows links in them, and part of a name may be in its person's hands.
So each directory is opened beneath a root of ours (`beneath`), and

- as root, what was opened is bound to a place of ours, whose name is given to Docker;
- otherwise Docker gets the real name, which was right a moment ago.

In both cases :func:`seen_rightly` asks the kernel afterwards what the container really has.
For root that only shows a daemon with another view of the file system. For others it is what
protects: a person who swaps a folder for a link in the moment between can be seen, and their
container is ended, but what ran until then ran with what was behind the link.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...beneath import open_beneath
from ...core.errors import LaunchFailed
from ...core.launch import Access
from ...storage.mounts import Mount
from ..containers.sources import opened

Identity = tuple[int, int]


@dataclass(frozen=True)
class Bind:
    """One directory for a container.

    Attributes:
        source: the name Docker is given.
        target: absolute path inside.
        read_only: enforced by the kernel.
        identity: device and inode of what was meant.
    """

    source: str
    target: PurePosixPath
    read_only: bool
    identity: Identity


@asynccontextmanager
async def staged(
    mounts: Sequence[Mount], home: PurePosixPath, place: Path
) -> AsyncIterator[tuple[Bind, ...]]:
    """Names for mounts, good until the end of the block; a started container keeps its own.

    Args:
        mounts: what a server shall see.
        home: the home inside.
        place: a directory of ours, made and removed here.

    Raises:
        LaunchFailed: a link or a file is in the place of a folder.
    """
    with ExitStack() as stack:
        try:
            sources = [(mount, _opened(stack, mount)) for mount in mounts]
            binds = await asyncio.to_thread(_stage, sources, home, place)
            yield tuple(binds)
        finally:
            await asyncio.to_thread(clear, place)


def _opened(stack: ExitStack, mount: Mount) -> int:
    descriptor = opened(mount)
    stack.callback(os.close, descriptor)
    return descriptor


def _stage(sources: Sequence[tuple[Mount, int]], home: PurePosixPath, place: Path) -> list[Bind]:
    clear(place)
    binds = []
    for number, (mount, descriptor) in enumerate(sources):
        source = mount.root / mount.path
        if os.geteuid() == 0:
            source = place / str(number)
            source.mkdir(parents=True)
            _bind(descriptor, source)
        facts = os.fstat(descriptor)
        read_only = mount.access is Access.RO
        identity = (facts.st_dev, facts.st_ino)
        binds.append(Bind(str(source), home / mount.target, read_only, identity))
    return binds


def _bind(descriptor: int, place: Path) -> None:
    done = subprocess.run(
        ["mount", "--bind", f"/proc/self/fd/{descriptor}", str(place)],
        pass_fds=[descriptor],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise LaunchFailed(
            "This hub cannot hand your files to Docker: it may not mount anything. An"
            " administrator finds the reason in the detail.",
            detail=done.stderr.strip(),
        )


def clear(place: Path) -> None:
    """Take away what was staged, also by a process that was killed.

    Never by a recursive removal: what is mounted here is people's.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        places = list(place.iterdir())
        if bound := [str(place) for place in places if place.is_mount() or _is_bound(place)]:
            subprocess.run(["umount", "--lazy", *bound], capture_output=True)
        for one in places:
            with suppress(OSError):
                one.rmdir()
        place.rmdir()


def _is_bound(place: Path) -> bool:
    """Whether something is mounted there, also from the same file system."""
    escaped = str(place).replace("\\", r"\134").replace(" ", r"\040")
    with Path("/proc/self/mountinfo").open() as mounts:
        return any(line.split(" ")[4] == escaped for line in mounts)


def seen_rightly(process: int, binds: Sequence[Bind]) -> bool:
    """Whether a container has exactly what was meant in its places.

    Args:
        process: the container's first process, as this machine numbers it.
    """
    try:
        # The one link here is the kernel's own, and all below it is opened without any.
        root = os.open(f"/proc/{process}/root/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return all(_identity(root, bind.target) == bind.identity for bind in binds)
    finally:
        os.close(root)


def _identity(root: int, target: PurePosixPath) -> Identity | None:
    try:
        descriptor = open_beneath(root, target.relative_to("/"))
    except (OSError, ValueError):
        return None
    facts = os.fstat(descriptor)
    os.close(descriptor)
    return (facts.st_dev, facts.st_ino)
