"""Processes of this machine, as tests look for them."""

from __future__ import annotations

import psutil


def processes(*words: str) -> list[int]:
    """Those with all these words among their arguments."""
    running = psutil.process_iter(["cmdline"])
    return [one.pid for one in running if {*words} <= {*(one.info["cmdline"] or ())}]
