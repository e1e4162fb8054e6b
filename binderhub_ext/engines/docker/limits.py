"""What all builds together may take of this machine, kept by the kernel.

BuildKit runs every step of every build in a control group below one of its own, and no engine in
use offers limits for a single build. So that one group is given the limits: a build that wants more
memory is ended, and servers keep theirs. Takes root, an engine on this machine, and one that names
groups itself (`cgroupfs`); where systemd does, an administrator sets them (docs/how-to/docker.md).

Podman has no such group, and limits for each build.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ...core.sentences import NOTHING, Sentence

CGROUPS = Path("/sys/fs/cgroup")
_GROUP = Path("docker/buildkit")
_PERIOD = 100_000
"""Microseconds over which the kernel counts processors."""


def apply(memory: int, cpu: float, driver: str, root: Path = CGROUPS) -> Sentence:
    """Set the limits; safe to repeat.

    Args:
        memory: bytes, 0 for no limit.
        cpu: processors, 0 for no limit.
        driver: who names control groups, as the engine says.
        root: where control groups are mounted.

    Returns:
        Why they could not be set; empty if they are.
    """
    if not memory and not cpu:
        return NOTHING
    if driver != "cgroupfs":
        return Sentence(
            "this engine's control groups are made by {driver}, not by itself", driver=driver
        )
    try:
        for file, value in _settings(memory, cpu, root):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(value)
    except OSError as error:
        return Sentence.verbatim(f"{error.filename or root}: {error.strerror}")
    return NOTHING


def podman_arguments(memory: int, cpu: float) -> list[str]:
    """Arguments of `podman build` for what one build may take.

    Args:
        memory: bytes, 0 for no limit.
        cpu: processors, 0 for no limit.
    """
    memories = [f"--memory={memory}", f"--memory-swap={memory}"] if memory else []
    processors = ["--cpu-period=100000", f"--cpu-quota={round(cpu * 100_000)}"] if cpu else []
    return [*memories, *processors]


def _settings(memory: int, cpu: float, root: Path) -> list[tuple[Path, str]]:
    if (root / "cgroup.controllers").exists():
        group = root / _GROUP
        _delegate(root)
        both = [
            (group / "memory.max", str(memory)) if memory else None,
            (group / "memory.swap.max", "0") if memory else None,
            (group / "cpu.max", f"{round(cpu * _PERIOD)} {_PERIOD}") if cpu else None,
        ]
    else:
        limit, quota = root / "memory" / _GROUP, root / "cpu" / _GROUP
        both = [
            (limit / "memory.limit_in_bytes", str(memory)) if memory else None,
            (quota / "cpu.cfs_period_us", str(_PERIOD)) if cpu else None,
            (quota / "cpu.cfs_quota_us", str(round(cpu * _PERIOD))) if cpu else None,
        ]
    return [reason for reason in both if reason]


def _delegate(root: Path) -> None:
    """Let the group have the controllers; those that are there already are no failure."""
    for group in (root, root / _GROUP.parent):
        with suppress(OSError):
            group.mkdir(exist_ok=True)
            (group / "cgroup.subtree_control").write_text("+memory +cpu")
