"""Run the service; JupyterHub does this."""

from __future__ import annotations

import os
import signal
import threading
import time

from ..config.check import settings_in_words


def main(argv: list[str]) -> int | None:
    from ..app import BinderApp

    if "JUPYTERHUB_SERVICE_NAME" in os.environ:
        _end_with(os.getppid())
    with settings_in_words():
        BinderApp.launch_instance(argv)
    return None


def _end_with(parent: int) -> None:
    """End when the Hub that started us is gone: the next one starts a service of its own.

    A Hub that is killed cannot stop us, and we would keep its port.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="hub-watch", daemon=True).start()
