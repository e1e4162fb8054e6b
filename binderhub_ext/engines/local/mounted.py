"""Whether what a sandbox sees of a person's files is what was opened, and where it was asked for.

Bubblewrap mounts by name. A link in the place of a folder leads a mount elsewhere, and of a folder
that it was handed open it asks the kernel for the name first (`realpath`), and mounts what has that
name by then. The places are made, and the folders opened, through no link; but another server of
the same person, which has their home, may put a link there in between. Then a volume would lie over
whatever the link leads to: over `/usr`, say, from where root runs the program that gives up root's
rights, or over our first program, which closes the descriptors that lead out of the sandbox. Or a
folder of this machine, the Hub's own data even, would be where a project is. Bubblewrap runs
nothing before it is told to, so what it has mounted is looked at first.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import LaunchFailed
from .processes import ProcessId
from .sandbox import HOME, Bind, Sandbox

_ESCAPED = re.compile(rb"\\([0-7]{3})")
_LOOK = 0.002

_UNKNOWN = (
    "The sandbox of this server could not be looked at before it begins. Tell the administrator:"
    " the hub has to be able to read /proc/<pid>/mountinfo of what it starts."
)
_NOT_THERE = (
    "~/{place} is not a folder any more (a link is in its place), so the server cannot see what"
    " belongs there. Rename what is there and launch again."
)


@dataclass(frozen=True, order=True)
class Mounted:
    """One mount, as the kernel tells of it (proc_pid_mountinfo(5)).

    Attributes:
        place: where it is.
        root: what of its file system is seen there.
        device: the number of that file system.
    """

    place: str
    root: str
    device: bytes


def mounts_of(sandbox: Sandbox) -> frozenset[Mounted]:
    """The mounts it has to have that somebody could lead elsewhere.

    Those are all in the home, and all of a folder that was opened.

    Raises:
        LaunchFailed: the kernel does not say what one of them is.
    """
    if sandbox.changed:
        return frozenset()
    asked = [
        bind
        for bind in sandbox.binds
        if isinstance(bind.source, int) or bind.target.is_relative_to(HOME)
    ]
    try:
        own = _by_number(Path("/proc/self/mountinfo").read_bytes()) if asked else {}
        return frozenset(_wanted(bind, own) for bind in asked)
    except (OSError, KeyError, ValueError) as error:
        raise LaunchFailed(_UNKNOWN) from error


async def check_mounted(init: ProcessId, wanted: frozenset[Mounted], seconds: float) -> None:
    """Wait until a sandbox is made that has not begun, and refuse one with other mounts.

    Args:
        init: its first process.
        wanted: as of :func:`mounts_of`.
        seconds: for bubblewrap to be ready.

    Raises:
        LaunchFailed: one is not where it was asked for, or not what was.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while wanted:
        try:
            mounts = {*_by_number(Path(f"/proc/{init.pid}/mountinfo").read_bytes()).values()}
        except OSError as error:
            if init.alive:
                raise LaunchFailed(_UNKNOWN) from error
            return  # bubblewrap has said why
        missing = wanted - mounts
        if not missing:
            return
        made = any((mount.root, mount.place) == ("/newroot", "/") for mount in mounts)
        if made or loop.time() > until:
            raise LaunchFailed(_NOT_THERE, place=os.path.relpath(min(missing).place, HOME))
        await asyncio.sleep(_LOOK)


def _by_number(mountinfo: bytes) -> dict[bytes, Mounted]:
    """All mounts by their numbers. What ends a line elsewhere is part of a name here."""
    return dict(map(_mount, filter(None, mountinfo.split(b"\n"))))


def _mount(line: bytes) -> tuple[bytes, Mounted]:
    number, _, device, *paths = line.split(b" ")[:5]
    root, place = (_ESCAPED.sub(lambda it: bytes([int(it[1], 8)]), path) for path in paths)
    return number, Mounted(os.fsdecode(place), os.fsdecode(root), device)


def _wanted(bind: Bind, own: dict[bytes, Mounted]) -> Mounted:
    if isinstance(bind.source, int):
        return Mounted(str(bind.target), *_origin(bind.source, own))
    source = os.open(bind.source, os.O_PATH | os.O_CLOEXEC)
    try:
        return Mounted(str(bind.target), *_origin(source, own))
    finally:
        os.close(source)


def _origin(descriptor: int, own: dict[bytes, Mounted]) -> tuple[str, bytes]:
    """Of what file system, and what of it, something open is."""
    told = Path(f"/proc/self/fdinfo/{descriptor}").read_bytes().split(b"\n")
    mount = own[dict(line.split(b":\t", 1) for line in told if b":\t" in line)[b"mnt_id"]]
    path = os.path.relpath(Path(f"/proc/self/fd/{descriptor}").readlink(), mount.place)
    return str(Path(mount.root, path)), mount.device
