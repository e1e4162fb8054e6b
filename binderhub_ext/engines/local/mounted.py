"""Whether what a sandbox sees of a person's files is where it was asked for.

Bubblewrap mounts by name, and follows a link in the place of a folder. The places are made before,
through no link; but another server of the same person, which has their home, may put a link there
in between. Then a volume would lie over whatever the link leads to: over `/usr`, say, from where
root runs the program that gives up root's rights, or over our first program, which closes the
descriptors that lead out of the sandbox. Bubblewrap runs nothing before it is told to, so what it
has mounted is looked at first.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ...core.errors import LaunchFailed
from .processes import ProcessId
from .sandbox import HOME, Sandbox

_ESCAPED = re.compile(rb"\\([0-7]{3})")
_LOOK = 0.002

_UNKNOWN = LaunchFailed(
    "The sandbox of this server could not be looked at before it begins. Tell the administrator:"
    " the hub has to be able to read /proc/<pid>/mountinfo of what it starts."
)
_NOT_THERE = (
    "~/{place} is not a folder any more (a link is in its place), so the server cannot see what"
    " belongs there. Rename what is there and launch again."
)


def places_of(sandbox: Sandbox) -> frozenset[str]:
    """Where mounts have to be that somebody could lead elsewhere: those in the home."""
    if sandbox.changed:
        return frozenset()
    targets = (bind.target for bind in sandbox.binds)
    return frozenset(str(target) for target in targets if target.is_relative_to(HOME))


async def check_mounted(init: ProcessId, places: frozenset[str], seconds: float) -> None:
    """Wait until a sandbox is made that has not begun, and refuse one with mounts elsewhere.

    Args:
        init: its first process.
        places: as of :func:`places_of`.
        seconds: for bubblewrap to be ready.

    Raises:
        LaunchFailed: one is not where it was asked for.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while places:
        try:
            mounts = [*_mounts(Path(f"/proc/{init.pid}/mountinfo").read_bytes())]
        except OSError as error:
            if init.alive:
                raise _UNKNOWN from error
            return  # bubblewrap has said why
        missing = places - {place for _, place in mounts}
        if not missing:
            return
        if ("/newroot", "/") in mounts or loop.time() > until:
            raise LaunchFailed(_NOT_THERE, place=min(missing).removeprefix(f"{HOME}/"))
        await asyncio.sleep(_LOOK)


def _mounts(mountinfo: bytes) -> Iterator[tuple[str, str]]:
    """What is mounted of its file system, and where, of each mount (proc_pid_mountinfo(5))."""
    for line in mountinfo.splitlines():
        yield _path(line.split(b" ")[3:5])


def _path(words: Iterable[bytes]) -> tuple[str, str]:
    root, place = (_ESCAPED.sub(lambda it: bytes([int(it[1], 8)]), word) for word in words)
    return os.fsdecode(root), os.fsdecode(place)
