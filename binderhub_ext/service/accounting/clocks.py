"""The clocks of this machine."""

from __future__ import annotations

import secrets
import time
from functools import cache
from pathlib import Path

from ...core.intervals import Reading

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def read_clocks() -> Reading:
    """What they say now; of a machine that sleeps the steady one stands still."""
    return Reading(time.time(), _boot(), time.monotonic())


@cache
def _boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        # Not Linux: the steady clock is compared within this process alone.
        return secrets.token_hex(16)
