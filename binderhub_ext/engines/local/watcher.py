"""Count the memory of sandboxes where no control group does, and end what is over.

Looks twice a second. A process alone cannot pass its limit between two looks (`limits.py`
gives each one RLIMIT_DATA); many together can for that moment. The biggest process goes, which
is mostly the kernel that asked for too much, and the server lives on to say so.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

from .processes import kernel_text

INTERVAL = 0.5

_PATIENCE = 2.0
"""Seconds for the exact count of one sandbox: the others wait for it."""

_RESIDENT = re.compile(r"^Rss(?:Anon|Shmem):\s+(\d+) kB", re.M)
_SHARED_OUT = re.compile(r"^Pss_(?:Anon|Shmem):\s+(\d+) kB", re.M)


class MemoryWatcher:
    """Watches any number of sandboxes, by the pid of each one's init.

    Args:
        log: told of every process that is ended.
    """

    def __init__(self, log: logging.Logger) -> None:
        self.log = log
        self._limits: dict[int, int] = {}
        self._task: asyncio.Task[None] | None = None

    def watch(self, init: int, limit: int) -> None:
        """Hold a sandbox to `limit` bytes from now on, until it has ended."""
        self._limits[init] = limit
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._limits:
            await asyncio.to_thread(self._look)
            await asyncio.sleep(INTERVAL)

    def _look(self) -> None:
        processes = sandbox_processes()
        for init, limit in list(self._limits.items()):
            namespace = pid_namespace(init)
            if namespace is None:
                del self._limits[init]
            else:
                self._hold(init, limit, processes.get(namespace, []))

    def _hold(self, init: int, limit: int, pids: list[int]) -> None:
        used = memories_of(pids, 0)
        if sum(used.values()) <= limit:
            return
        # Forked processes share pages; only this slower count knows how many.
        used = memories_of(pids, _PATIENCE)
        if sum(used.values()) > limit:
            biggest = max(used, key=used.__getitem__)
            self.log.warning("Sandbox %i uses over %i bytes: ending %i", init, limit, biggest)
            with suppress(ProcessLookupError):
                os.kill(biggest, signal.SIGKILL)


def memories_of(pids: Iterable[int], seconds: float) -> dict[int, int]:
    """Bytes of memory that are each process's own, with its part of what it shares.

    Args:
        seconds: for that. The kernel goes through all pages to know who shares them, and how many
            there are is the person's to say: who is left then counts with all that they share.
    """
    until = monotonic() + seconds
    return {
        pid: _memory(pid, "smaps_rollup", _SHARED_OUT)
        if monotonic() < until
        else _memory(pid, "status", _RESIDENT)
        for pid in pids
    }


def pid_namespace(pid: int) -> str | None:
    """What identifies the pid namespace a process is in, or `None` if it is gone or hidden."""
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return None


def sandbox_processes() -> dict[str, list[int]]:
    """Processes of every pid namespace but ours, as far as we may see them."""
    mine = pid_namespace(os.getpid())
    processes: dict[str, list[int]] = {}
    for pid in _pids():
        namespace = pid_namespace(pid)
        if namespace is not None and namespace != mine:
            processes.setdefault(namespace, []).append(pid)
    return processes


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in os.scandir("/proc") if entry.name.isdecimal())


def _memory(pid: int, file: str, pattern: re.Pattern[str]) -> int:
    return 1024 * sum(int(kilobytes) for kilobytes in pattern.findall(kernel_text(pid, file)))
