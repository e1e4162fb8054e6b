"""How much a sandbox may use.

Control groups (version 1 or 2) where we may make them: the kernel then counts the sandbox as
a whole. Elsewhere the best there is: limits per process, set inside the innermost user
namespace, where since Linux 5.14 the number of processes is counted apart from everybody
else's; and :class:`~.watcher.MemoryWatcher`, which adds up and ends what is over.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from .processes import status_of

PREFIX = "binder-at-home-"
"""Begins the names of our control groups, which lie beside each other below the Hub's own. With
a common parent all servers together would get as much time as any one program of the machine."""

_PERIOD = 100_000
_MINIMUM_MEMORY = 16 << 20


@dataclass(frozen=True)
class Limits:
    """What one sandbox may use; 0 is no limit.

    Attributes:
        memory: bytes.
        cpu: cores.
        processes: processes and threads.
        temp: bytes in `/tmp`, and as many in `/dev/shm`.
        counted: whether a control group counts memory, CPU and processes, so that no process
            needs a limit of its own.
    """

    memory: int = 0
    cpu: float = 0
    processes: int = 0
    temp: int = 256 << 20
    counted: bool = False

    def resources(self) -> dict[str, int]:
        """Limits each process gets, by the name `resource` has for them."""
        limits = {"RLIMIT_CORE": 0}
        if not self.counted and self.processes:
            limits["RLIMIT_NPROC"] = self.processes
        if not self.counted and self.memory:
            # Not RLIMIT_AS: programs reserve far more addresses than they ever use.
            limits["RLIMIT_DATA"] = self.memory
        return limits

    def cpus(self) -> list[int]:
        """The processors to run on where nothing counts time; empty for all.

        Spread by chance, since nobody knows where the others run.
        """
        if self.counted or not self.cpu:
            return []
        mine = sorted(os.sched_getaffinity(0))
        wanted = ceil(self.cpu)
        return sorted(random.sample(mine, wanted)) if wanted < len(mine) else []


class Cgroup:
    """The control group of one sandbox: one directory (version 2), or one per controller."""

    def __init__(self, *directories: Path) -> None:
        self.directories = directories

    def add(self, pid: int) -> None:
        """Put a process, and all it starts from now on, under the limits."""
        for directory in self.directories:
            (directory / "cgroup.procs").write_text(str(pid))

    def remove(self) -> bool:
        """Remove it if nothing runs in it any more; returns whether it is gone."""
        for directory in self.directories:
            with suppress(OSError):
                directory.rmdir()
        return not any(directory.exists() for directory in self.directories)

    async def removed(self) -> None:
        """Remove it although the kernel takes a moment to see that the last process has gone."""
        for _ in range(100):
            if self.remove():
                return
            await asyncio.sleep(0.01)


@dataclass(frozen=True)
class Controllers:
    """Where new control groups can be made.

    Attributes:
        version: 1 or 2.
        own: the Hub's own group for each controller; the same one for all in version 2.
    """

    version: int
    own: Mapping[str, Path]

    def group(self, name: str) -> Cgroup:
        """The control group of that name, whether it exists or not."""
        return Cgroup(*dict.fromkeys(own / f"{PREFIX}{name}" for own in self.own.values()))

    def make(self, name: str, limits: Limits) -> Cgroup:
        """Make a control group with these limits, or give an existing one these limits."""
        group = self.group(name)
        for directory in group.directories:
            directory.mkdir(exist_ok=True)
        for controller, file, value in _settings(self.version, limits):
            path = self.own[controller] / f"{PREFIX}{name}" / file
            # A kernel without accounting of swap has no such file, and then nothing to limit.
            if path.exists():
                path.write_text(value)
        return group


def _settings(version: int, limits: Limits) -> list[tuple[str, str, str]]:
    memory = str(max(limits.memory, _MINIMUM_MEMORY))
    quota = round(limits.cpu * _PERIOD)
    settings: list[tuple[str, str, str]] = []
    if limits.memory and version == 1:
        settings += [("memory", "memory.limit_in_bytes", memory)]
        settings += [("memory", "memory.memsw.limit_in_bytes", memory)]
    elif limits.memory:
        settings += [("memory", "memory.max", memory), ("memory", "memory.swap.max", "0")]
    if limits.processes:
        settings += [("pids", "pids.max", str(limits.processes))]
    if limits.cpu and version == 1:
        settings += [("cpu", "cpu.cfs_period_us", str(_PERIOD))]
        settings += [("cpu", "cpu.cfs_quota_us", str(quota))]
    elif limits.cpu:
        settings += [("cpu", "cpu.max", f"{quota} {_PERIOD}")]
    return settings


_NEEDED = ("memory", "pids", "cpu")


def find_controllers(proc: Path = Path("/proc/self")) -> Controllers | None:
    """Where control groups can be made here, or `None` if we may not."""
    mounts = _mounts((proc / "mountinfo").read_text())
    own = _own_groups((proc / "cgroup").read_text(), mounts)
    if all(name in own and _writable(own[name]) for name in _NEEDED):
        return Controllers(1, {name: own[name] for name in _NEEDED})
    if "" in own and _delegate(own[""]):
        return Controllers(2, dict.fromkeys(_NEEDED, own[""]))
    return None


def _mounts(mountinfo: str) -> dict[str, tuple[str, Path]]:
    """Root and mount point of each controller's hierarchy; the unified one has no name."""
    mounts: dict[str, tuple[str, Path]] = {}
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        root, point = left.split()[3:5]
        kind, _, options = right.partition(" ")
        if kind == "cgroup2":
            mounts[""] = (root, Path(point))
        elif kind == "cgroup":
            for controller in options.rpartition(" ")[2].split(","):
                mounts[controller] = (root, Path(point))
    return mounts


def _own_groups(cgroup: str, mounts: Mapping[str, tuple[str, Path]]) -> dict[str, Path]:
    own: dict[str, Path] = {}
    for line in cgroup.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            if controller in mounts:
                root, point = mounts[controller]
                own[controller] = point / os.path.relpath(path, root)
    return own


def _writable(group: Path) -> bool:
    return os.access(group, os.W_OK) and os.access(group / "cgroup.procs", os.W_OK)


def _delegate(own: Path) -> bool:
    """Let groups below our own have limits; version 2 wants our own to be empty for that."""
    try:
        offered = set((own / "cgroup.controllers").read_text().split())
        if not offered.issuperset(_NEEDED) or not _writable(own):
            return False
        _step_aside(own)
        (own / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in _NEEDED))
    except OSError:
        return False
    return True


def _step_aside(own: Path) -> None:
    """Move ourselves into a group of our own, unless somebody else's processes are here too."""
    here = [int(pid) for pid in (own / "cgroup.procs").read_text().split()]
    if here and all(_is_ours(pid) for pid in here):
        (own / "hub").mkdir(exist_ok=True)
        for pid in here:
            (own / "hub" / "cgroup.procs").write_text(str(pid))


def _is_ours(pid: int) -> bool:
    while pid > 1 and pid != os.getpid():
        pid = int(status_of(pid).get("PPid", 0))
    return pid == os.getpid()


def counted(limits: Limits) -> Limits:
    """The same limits, where a control group does the counting."""
    return replace(limits, counted=True)
