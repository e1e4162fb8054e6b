"""Which processes a sandbox has, and how they end."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import struct
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_FLOCK = "hhqqi4x"
_LOOK, _LONGEST_LOOK = 0.01, 0.1
_ATTEMPTS = 1000

MOST = 10_000
"""Processes that are looked through, of however many a person has."""

_PROGRAM = 2
"""The number that bubblewrap's first child has, inside: that of the program it was asked for."""

_FIRST = 10
"""Children among which that one is: the kernel lists them by age, and those taken over last."""


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
        fields = _stat(pid)
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        return ProcessId.of(self.pid) == self

    @property
    def session(self) -> int:
        """The session it is in; 0 if it has ended."""
        return int(_stat(self.pid)[3])

    @property
    def worked(self) -> float:
        """Seconds that processors worked for it, and for what came of it and has ended."""
        return sum(map(int, _stat(self.pid)[11:15])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def ended(self, seconds: float) -> bool:
        """Wait for its end; returns whether it has ended."""
        with suppress(TimeoutError):
            look = _LOOK
            async with asyncio.timeout(seconds):
                while self.alive:
                    await asyncio.sleep(look)
                    look = min(2 * look, _LONGEST_LOOK)
        return not self.alive

    def children(self, most: int = MOST) -> list[ProcessId]:
        """Its children, as far as they are alive."""
        pids: list[str] = []
        for thread in _threads(self.pid):
            with suppress(OSError):
                pids += Path(f"/proc/{self.pid}/task/{thread}/children").read_text().split()
        return list(filter(None, (ProcessId.of(int(pid)) for pid in pids[:most])))

    def descendants(self, most: int = MOST) -> list[ProcessId]:
        """All that came of it and is alive; no more than any machine can look through."""
        found = self.children(most)
        for each in found:  # which grows meanwhile
            if len(found) < most:
                found += each.children(most - len(found))
        return found


async def ask_to_end(processes: Collection[ProcessId], seconds: float) -> None:
    """Ask processes to end, and wait until they have, but no longer than that."""
    await asyncio.to_thread(_ask, processes)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            for process in processes:
                await process.ended(seconds)


async def end_sandbox(init: ProcessId, grace: float = 0, rest: float = 0) -> None:
    """End a sandbox: first its program is asked, then all others, then the kernel ends it at once.

    In this order, because what a program does at its end may need a database that runs beside it.

    Args:
        init: its first process; nothing in its pid namespace outlives that.
        grace: seconds for the program to end by itself; 0 for none, without asking.
        rest: the same for all that is left then.
    """
    try:
        if grace and (program := await asyncio.to_thread(program_of, init)):
            await ask_to_end([program], grace)
        if rest:
            await ask_to_end(await asyncio.to_thread(init.descendants), rest)
    finally:
        init.signal(signal.SIGKILL)
    await init.ended(5)


def program_of(init: ProcessId) -> ProcessId | None:
    """The program that a sandbox was made for, by its first process; `None` if it has ended."""
    first = init.children(_FIRST)
    return next((child for child in first if _inside(child.pid) == _PROGRAM), None)


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
            os.kill(init_of(holder), signal.SIGKILL)
        await asyncio.sleep(_LOOK)
    return ended


def init_of(pid: int) -> int:
    """The first process of a process's pid namespace; it takes all others with it."""
    above = pid
    while (status := status_of(above)) and status["NSpid"].split()[-1] != "1":
        above = int(status["PPid"])
    return above if status else pid


def status_of(pid: int) -> dict[str, str]:
    """What the kernel tells of a process, by its title; nothing once it has ended."""
    lines = kernel_text(pid, "status").split("\n")
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def kernel_text(pid: int, file: str) -> str:
    """A file in which the kernel tells of a process; empty once that has ended.

    The process's name is in some, and a program gives itself any: one that is no UTF-8, or with
    what ends a line elsewhere. Only `\\n` does here.
    """
    with suppress(OSError):
        return Path(f"/proc/{pid}/{file}").read_bytes().decode(errors="replace")
    return ""


def _stat(pid: int) -> list[str]:
    """What the kernel says of a process, from its state on; of none, that of remains."""
    return kernel_text(pid, "stat").rpartition(")")[2].split() or ["X", *["0"] * 19]


def _threads(pid: int) -> list[str]:
    with suppress(OSError):
        return os.listdir(f"/proc/{pid}/task")  # noqa: PTH208  the names alone are wanted
    return []


def _ask(processes: Collection[ProcessId]) -> None:
    for process in processes:
        process.signal(signal.SIGTERM)


def _inside(pid: int) -> int:
    """The number a process has in its own pid namespace; 0 if it has ended."""
    return int(status_of(pid).get("NSpid", "0").split()[-1])
