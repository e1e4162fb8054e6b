"""Which processes a sandbox has, and how they end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_FLOCK = "hhqqi4x"
_LOOK = 0.01
_ATTEMPTS = 1000


@dataclass(frozen=True)
class ProcessId:
    """A process that cannot be mistaken for a later one of the same number.

    Attributes:
        pid: its number here.
        started: when it started, in the kernel's clock ticks since boot.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """The process of that number, or `None` if there is none, or only its remains."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        return ProcessId.of(self.pid) == self

    def signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def ended(self, seconds: float) -> bool:
        """Wait for its end; returns whether it has ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.alive:  # noqa: ASYNC110  the kernel tells only a parent
                    await asyncio.sleep(_LOOK)
        return not self.alive

    def children(self) -> list[ProcessId]:
        """Its children, as far as they are alive."""
        with suppress(OSError):
            pids = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
            return list(filter(None, (ProcessId.of(int(pid)) for pid in pids)))
        return []


async def end_sandbox(init: ProcessId, grace: float) -> None:
    """End a sandbox: its programs are asked, then the kernel ends all of it at once.

    Args:
        init: its first process; nothing in its pid namespace outlives that.
        grace: seconds for the programs to end by themselves; 0 for none.
    """
    if grace:
        for program in init.children():
            program.signal(signal.SIGTERM)
        await init.ended(grace)
    init.signal(signal.SIGKILL)
    await init.ended(5)


def lock_holder(path: Path) -> int | None:
    """A process that holds a lock on a file, or `None` if nobody does."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        wanted = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, *_, pid = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, wanted))
        return None if kind == fcntl.F_UNLCK else pid
    finally:
        os.close(descriptor)


async def end_holders(path: Path) -> bool:
    """End every process that holds a lock on a file; returns whether there was one.

    An ordinary user's Hub cannot keep people from locking the file too, so this may take more
    than one.
    """
    ended = False
    for _ in range(_ATTEMPTS):
        holder = lock_holder(path)
        if holder is None or holder <= 0:
            break
        ended = True
        with suppress(ProcessLookupError):
            os.kill(_init_of(holder), signal.SIGKILL)
        await asyncio.sleep(_LOOK)
    return ended


def _init_of(pid: int) -> int:
    """The first process of a process's pid namespace; it takes all others with it."""
    above = pid
    while (status := _status(above)) and status["NSpid"].split()[-1] != "1":
        above = int(status["PPid"])
    return above if status else pid


def _status(pid: int) -> dict[str, str]:
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    return {}
