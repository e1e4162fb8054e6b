"""The machine that builds run on: what has to be right before one begins, and what it may do."""

from __future__ import annotations

import asyncio

from ...core.errors import CannotStart
from ...core.sentences import NOTHING, Sentence
from . import limits, network
from .daemon import Daemon
from .settings import Settings


class Machine:
    """This machine, as far as builds are kept to their limits on it.

    Args:
        settings: what an administrator set; read whenever it is needed.
        daemon: the engine that builds.
    """

    def __init__(self, settings: Settings, daemon: Daemon) -> None:
        self._settings = settings
        self._daemon = daemon

    async def make_ready(self) -> None:
        """See to everything that has to be right before anything is built.

        Raises:
            NoSpace
        """
        root = await self._daemon.root()
        self._settings.check_space(root if root.is_dir() else self._settings.layout.root)
        if unlimited := await self.limit_builds():
            self._settings.log.warning(
                "Builds have no limit of memory and processors: %s", unlimited
            )
        if open_to := await self.limit_network():
            self._settings.log.warning("Builds reach this machine and cloud metadata: %s", open_to)
        if open_to := await self.limit_engine():
            self._settings.log.warning("ADD in a Dockerfile reaches cloud metadata: %s", open_to)

    async def limit_builds(self) -> Sentence:
        """Have the kernel keep builds to their limits; returns why that cannot be, if so."""
        if self._settings.cli == "podman":
            return NOTHING  # its builds get them as arguments
        driver = await self._daemon.cgroup_driver()
        memory, cpu = self._settings.build_memory, self._settings.build_cpu
        return await asyncio.to_thread(limits.apply, memory, cpu, driver)

    async def limit_network(self) -> Sentence:
        """Keep builds from what they must not reach; returns why that cannot be, if so."""
        try:
            bridge = await asyncio.to_thread(network.bridge_of_builds, self._settings.cli)
        except CannotStart as error:
            return error.message
        blocked, allowed = self._settings.blocked_networks, self._settings.allowed_networks
        return await asyncio.to_thread(network.protect, bridge, (), blocked, allowed)

    async def limit_engine(self) -> Sentence:
        """Keep the engine, which fetches for builds, from them too; returns why not, if so."""
        if self._settings.cli == "podman":
            return Sentence("Podman fetches what ADD names as the service itself")
        blocked, allowed = self._settings.blocked_networks, self._settings.allowed_networks
        return await asyncio.to_thread(network.hold_engine, blocked, allowed)
