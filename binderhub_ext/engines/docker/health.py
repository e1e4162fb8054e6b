"""What the `docker` engine needs on this machine, as `doctor` and the health page show it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from ...core.errors import CannotStart
from ...programs import ProcessFailed
from ..base import Check, EngineDown, Image
from ..checks import free_space, git
from . import network
from .daemon import Daemon
from .images import ImageStore
from .machine import Machine
from .settings import Settings

_RESOLVE = "import socket, sys; socket.getaddrinfo(sys.argv[1], 443)"


async def checks(
    settings: Settings, daemon: Daemon, machine: Machine, store: ImageStore
) -> list[Check]:
    """Everything building and running with container engines needs.

    Args:
        daemon: that builds.
        machine: where it does.
        store: of what was built.
    """
    building = await _daemon(daemon)
    if not building.ok:
        return [building, _spawner()]
    checks = [building, *await _building(settings, daemon, machine), _spawner()]
    if daemon.cli == "docker":
        servers = await asyncio.to_thread(_network)
        return [*checks, servers, _filter(), await _names(daemon, await store.images(), servers)]
    checks.append(running := await _daemon(Daemon()))
    return [*checks, await asyncio.to_thread(_network), _filter()] if running.ok else checks


async def _building(settings: Settings, daemon: Daemon, machine: Machine) -> list[Check]:
    buildx = [await _buildx(daemon)] if daemon.cli == "docker" else []
    limits = settings.build_memory or settings.build_cpu
    return [
        *buildx,
        await _space(daemon, settings.min_free_space),
        *([await _limits(machine)] if limits else []),
        *await _reach(machine),
        git(),
    ]


async def _daemon(daemon: Daemon) -> Check:
    name = f"{daemon.cli} engine"
    try:
        major, minor = await daemon.version()
    except (EngineDown, ProcessFailed, ValueError) as error:
        message = getattr(error, "message", "") or str(error)
        package = {"docker": "docker.io"}.get(daemon.cli, daemon.cli)
        fix = f"apt-get install -y {package}" if "not installed" in message else message
        return Check(name, False, message, fix)
    return Check(name, True, f"answers, API {major}.{minor}")


async def _buildx(daemon: Daemon) -> Check:
    try:
        version = await daemon.ask("buildx", "version")
    except ProcessFailed:
        fix = "apt-get install -y docker-buildx (or docker-buildx-plugin from docker.com)"
        return Check("buildx", False, "repo2docker builds with buildx, which is missing.", fix)
    return Check("buildx", True, version)


def _spawner() -> Check:
    if importlib.util.find_spec("dockerspawner"):
        return Check("dockerspawner", True, "installed")
    fix = "pip install 'binder-at-home[docker]'"
    return Check("dockerspawner", False, "It starts the servers and is not installed.", fix)


async def _space(daemon: Daemon, needed: int) -> Check:
    root = await daemon.root()
    if not root.is_dir():
        return Check("free disk space", True, "on another machine", required=False)
    return free_space(root, needed)


async def _limits(machine: Machine) -> Check:
    """Whether the limits that are set for builds hold."""
    refused = await machine.limit_builds()
    fix = "See docs/how-to/docker.md." if refused else ""
    return Check("limits of builds", not refused, refused or "set", fix, required=False)


async def _reach(machine: Machine) -> list[Check]:
    """Whether builds are kept from this machine and from where clouds tell secrets."""
    checks = []
    for name, kept, refused in (
        ("network of builds", "neither this machine nor", await machine.limit_network()),
        ("ADD in builds", "no", await machine.limit_engine()),
    ):
        message = refused or f"reaches {kept} blocked networks"
        fix = "See docs/how-to/docker.md." if refused else ""
        checks.append(Check(name, not refused, message, fix, required=False))
    return checks


def _network() -> Check:
    name = "servers' network"
    try:
        servers = network.find_network(network.NAME)
    except CannotStart as error:
        return Check(name, False, error.message, "See whether docker network ls works.")
    if servers is None:
        return Check(name, True, f"{network.NAME} will be made at the first start")
    if servers.apart:
        return Check(name, True, f"{servers.name}, the Hub at {servers.gateway}")
    fix = f"docker network rm {servers.name}"
    return Check(name, False, "Its containers can talk to each other.", fix)


def _filter() -> Check:
    """Whether what listens on this machine can be kept from containers."""
    name = "packet filter"
    if os.geteuid() != 0:
        message = (
            "Servers reach what listens on every address of this machine, and cloud metadata:"
            " only root sets packet filter rules."
        )
        return Check(name, False, message, "See docs/how-to/docker.md.", required=False)
    if shutil.which("iptables") is None:
        return Check(
            name, False, "iptables is missing", "apt-get install -y iptables", required=False
        )
    return Check(name, True, "keeps this machine's own ports from servers")


async def _names(daemon: Daemon, images: Sequence[Image], servers: Check) -> Check:
    """Name resolution inside of a container, tried with an image that is here."""
    name = "names in containers"
    host = await asyncio.to_thread(_known_name)
    if not images or not host or not servers.ok or "will be" in servers.message:
        message = "not tried: that takes an image, the servers' network and a name known here"
        return Check(name, True, message, required=False)
    options = ("run", "--rm", f"--network={network.NAME}", "--entrypoint=python3")
    try:
        async with asyncio.timeout(30):
            await daemon.ask(*options, images[-1].name, "-c", _RESOLVE, host)
    except (ProcessFailed, TimeoutError):
        message = "A container cannot look up names, so nothing can be installed in it."
        fix = 'Give the daemon a name server: "dns" in /etc/docker/daemon.json.'
        return Check(name, False, message, fix, required=False)
    return Check(name, True, "work")


def _known_name() -> str:
    """A name this machine itself can look up; empty if there is none."""
    index = os.environ.get("PIP_INDEX_URL") or os.environ.get("UV_DEFAULT_INDEX") or ""
    host = urlsplit(index).hostname or "example.org"
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return ""
    return host
