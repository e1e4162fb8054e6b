"""JupyterHub as one program among others on a terminal: says when it is ready, ends whole."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.app import JupyterHub
from tornado.ioloop import PeriodicCallback
from tornado.log import app_log
from traitlets import Any as AnyTrait

from ..hub import SERVICE
from .hosts import keep_to_own_host
from .network import is_loopback

_PATIENCE = 20
"""Seconds a process gets to end after being asked to."""

_LOOK = 3
"""Seconds between two looks whether services still run; by itself JupyterHub takes thirty."""

_EXPECTED = (
    "Running JupyterHub without SSL",
    f"Allowing service {SERVICE} to complete OAuth without confirmation",
    f"Adding missing route for {SERVICE} ",
    f"{SERVICE} requested scopes ",  # an administrator's, said of everybody else
    "Skipping XSRF check for insecure request ",  # said of each read of a program
)
"""Warnings of JupyterHub's that say what is so on purpose on loopback."""


class ConfiguredHub(JupyterHub):
    """JupyterHub with its configuration complete; none is picked up in the current directory."""

    def load_config_file(self, *_args: Any, **_kwargs: Any) -> None:
        """Nothing is left to load."""

    def init_db(self) -> None:
        """With our own programs at hand: it looks in the PATH for what upgrades old tables."""
        before = os.environ.get("PATH", os.defpath)
        os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), before))
        try:
            super().init_db()
        finally:
            os.environ["PATH"] = before


class OneMachineHub(ConfiguredHub):
    """JupyterHub with its two ends tied up; configured as `c.JupyterHub`."""

    on_ready = AnyTrait(help="Called without arguments once people can sign in.")
    proxy: Any = None
    """Made late by JupyterHub, after much that can fail."""
    _stopping = False

    async def initialize(self, *args: Any, **kwargs: Any) -> None:
        if is_loopback(urlsplit(self.bind_url).hostname or ""):
            for log in (self.log, app_log):
                log.addFilter(_unexpected)
        await super().initialize(*args, **kwargs)

    def init_tornado_application(self) -> None:
        super().init_tornado_application()
        if self.subdomain_host:
            keep_to_own_host(self.tornado_application, self.public_url, self.hub_prefix)

    async def start(self) -> None:
        await super().start()
        PeriodicCallback(self._look_at_services, 1000 * _LOOK).start()
        self.on_ready()

    async def _look_at_services(self) -> None:
        """Have a service that ended by itself started again."""
        for service in () if self._stopping else self._service_map.values():
            if service.managed and service.proc is not None and service.proc.poll() is not None:
                await service.spawner.poll_and_notify()

    async def shutdown_cancel_tasks(self, sig: signal.Signals | None = None) -> None:
        """As JupyterHub, once: a second Ctrl-C must not stop the stopping of servers."""
        if self._stopping:
            self.log.warning("Still stopping people's servers.")
            return
        self._stopping = True
        await super().shutdown_cancel_tasks(sig)

    @property
    def stopped_cleanly(self) -> bool:
        """Whether everything was asked to stop, people's servers included."""
        return self._stopping

    def close(self) -> None:
        """End the proxy and the services and close the database, whatever state we are in.

        JupyterHub leaves them running where its own start fails or is interrupted, and does
        not wait for the proxy.
        """
        for process in self._children():
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.proxy is not None and self.proxy.should_start:
            with contextlib.suppress(OSError):
                self.proxy._remove_process_files()
        if self.db is not None:
            # Closing the last connection folds the write-ahead log into the one database file.
            self.db.close()
            self.db.get_bind().dispose()

    def _children(self) -> Iterator[Any]:
        for owner, name in [
            (self.proxy, "proxy_process"),
            *((service, "proc") for service in self._service_map.values()),
        ]:
            process = getattr(owner, name, None)
            if process is not None:
                yield process


def _unexpected(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    return not any(words in message for words in _EXPECTED)


def run(hub: OneMachineHub, on_stopped: Callable[[], None]) -> None:
    """Run until SIGINT, SIGTERM or the terminal's end; leaves no process behind.

    Args:
        hub: configured, not started.
        on_stopped: called last if everything was stopped.

    Raises:
        SystemExit: the Hub could not start, or was interrupted while it did.
    """
    # A shell starts `... &` with SIGINT ignored. Children would inherit that, and JupyterHub,
    # which stops them by SIGINT first, would wait half a minute for each.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _exit)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        hub.launch_instance(argv=[])
    finally:
        hub.close()
        if hub.stopped_cleanly:
            on_stopped()


def _exit(number: int, _frame: Any) -> None:
    raise SystemExit(128 + number)
