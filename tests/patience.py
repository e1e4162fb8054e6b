"""How long tests wait for what comes, in seconds: here alone, as a machine may be busy.

What is there sooner costs nothing. What must not come is waited for as briefly as its test says.
"""

from __future__ import annotations

import time
from collections.abc import Callable

SOON = 120.0
"""For what is under way: an answer, a line of a log, the end of a process, a change on a page."""

START = 300.0
"""For what has to begin: a Hub, a server, a container, a kernel, a database; or to be built."""

SOON_MS, START_MS = 1000 * SOON, 1000 * START
"""The same for Playwright, which counts milliseconds. By itself it waits for `SOON_MS`."""


def wait_until(holds: Callable[[], object], otherwise: object, seconds: float = SOON) -> None:
    """Look again and again until something holds.

    Args:
        otherwise: what went wrong if it never does; a function of no arguments that says so.

    Raises:
        AssertionError: it never does.
    """
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, otherwise() if callable(otherwise) else otherwise
        time.sleep(0.05)
