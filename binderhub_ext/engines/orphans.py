"""End a program of ours with the process that started it, also if that is killed."""

from __future__ import annotations

import os
import signal
import threading
import time

_LOOK = 0.5
"""Seconds between two looks."""


def end_with_parent() -> None:
    """Let this process, and all of its group, end when its parent is gone.

    For programs that are a group of their own: nobody waits for them any more, and the next
    service begins the same work again.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
