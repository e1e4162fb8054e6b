"""Processes of this machine, as tests look for them."""

from __future__ import annotations

from collections.abc import Mapping

import psutil


def processes(*words: str) -> list[int]:
    """Those with all these words among their arguments."""
    running = psutil.process_iter(["cmdline"])
    return [one.pid for one in running if {*words} <= {*(one.info["cmdline"] or ())}]


def without_children(parents: Mapping[int, int]) -> list[int]:
    """Processes but those that another one of them has started.

    Until a process that was just started is what it is to be, it looks like who started it.

    Args:
        parents: the parent of each process.
    """
    return [pid for pid, parent in parents.items() if parent not in parents]
