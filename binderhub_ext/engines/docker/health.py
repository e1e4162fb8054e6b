"""What the `docker` engine needs on this machine, as `doctor` and the health page show it."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from ...core.errors import BinderError, CannotStart
from ...core.sentences import NOTHING, Sentence
from ...programs import ProcessFailed
from ..base import Check, EngineDown, Image
from ..checks import SPACE, free_space, git, install, pip
from . import network
from .daemon import Daemon
from .images import ImageStore
from .machine import Machine
from .settings import Settings

_RESOLVE = "import socket, sys; socket.getaddrinfo(sys.argv[1], 443)"
_GUIDE = Sentence("See docs/how-to/docker.md.")
_WORKS = Sentence("works")


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
    name = Sentence("{program} engine", program=daemon.cli)
    try:
        major, minor = await daemon.version()
    except (EngineDown, ProcessFailed, ValueError) as error:
        known = error.message if isinstance(error, BinderError) else Sentence.verbatim(str(error))
        package = {"docker": "docker.io"}.get(daemon.cli, daemon.cli)
        fix = known if shutil.which(daemon.cli) else install(package)
        return Check(name, False, known, fix)
    return Check(name, True, Sentence("answers, API {version}", version=f"{major}.{minor}"))


async def _buildx(daemon: Daemon) -> Check:
    name = Sentence.verbatim("buildx")
    try:
        version = await daemon.ask("buildx", "version")
    except ProcessFailed:
        missing = Sentence("repo2docker builds with buildx, which is missing.")
        fix = Sentence(
            "{command} (or docker-buildx-plugin from docker.com)", command=install("docker-buildx")
        )
        return Check(name, False, missing, fix)
    return Check(name, True, Sentence.verbatim(version))


def _spawner() -> Check:
    name = Sentence.verbatim("dockerspawner")
    if importlib.util.find_spec("dockerspawner"):
        return Check(name, True, Sentence("installed"))
    missing = Sentence("It starts the servers and is not installed.")
    return Check(name, False, missing, pip("'binder-at-home[docker]'"))


async def _space(daemon: Daemon, needed: int) -> Check:
    root = await daemon.root()
    if not root.is_dir():
        return Check(SPACE, True, Sentence("on another machine"), required=False)
    return free_space(root, needed)


async def _limits(machine: Machine) -> Check:
    """Whether the limits that are set for builds hold."""
    refused = await machine.limit_builds()
    message, fix = (refused, _GUIDE) if refused else (Sentence("set"), NOTHING)
    return Check(Sentence("limits of builds"), not refused, message, fix, required=False)


async def _reach(machine: Machine) -> list[Check]:
    """Whether builds are kept from this machine and from where clouds tell secrets."""
    steps = Sentence("reaches neither this machine nor blocked networks")
    fetched = Sentence("reaches no blocked networks")
    return [
        Check(name, not refused, refused or kept, _GUIDE if refused else NOTHING, required=False)
        for name, kept, refused in (
            (Sentence("network of builds"), steps, await machine.limit_network()),
            (Sentence("ADD in builds"), fetched, await machine.limit_engine()),
        )
    ]


def _network() -> Check:
    name = Sentence("servers' network")
    try:
        servers = network.find_network(network.NAME)
    except CannotStart as error:
        fix = Sentence("See whether `{command}` works.", command="docker network ls")
        return Check(name, False, error.message, fix)
    if servers is None:
        later = Sentence("{network} will be made at the first start", network=network.NAME)
        return Check(name, True, later)
    if servers.apart:
        found = Sentence(
            "{network}, the Hub at {address}", network=servers.name, address=servers.gateway
        )
        return Check(name, True, found)
    fix = Sentence.verbatim(f"docker network rm {servers.name}")
    return Check(name, False, Sentence("Its containers can talk to each other."), fix)


def _filter() -> Check:
    """Whether what listens on this machine can be kept from containers."""
    name = Sentence("packet filter")
    if os.geteuid() != 0:
        message = Sentence(
            "Servers reach what listens on every address of this machine, and cloud metadata:"
            " only root sets packet filter rules."
        )
        return Check(name, False, message, _GUIDE, required=False)
    if shutil.which("iptables") is None:
        missing = Sentence("iptables is missing.")
        return Check(name, False, missing, install("iptables"), required=False)
    return Check(name, True, Sentence("keeps this machine's own ports from servers"))


async def _names(daemon: Daemon, images: Sequence[Image], servers: Check) -> Check:
    """Name resolution inside of a container, tried with an image that is here."""
    name = Sentence("names in containers")
    host = await asyncio.to_thread(_known_name)
    if not images or not host or not servers.ok or "will be" in servers.message:
        untried = Sentence(
            "not tried: that takes an image, the servers' network and a name known here"
        )
        return Check(name, True, untried, required=False)
    options = ("run", "--rm", f"--network={network.NAME}", "--entrypoint=python3")
    try:
        async with asyncio.timeout(120):
            await daemon.ask(*options, images[-1].name, "-c", _RESOLVE, host)
    except (ProcessFailed, TimeoutError):
        message = Sentence("A container cannot look up names, so nothing can be installed in it.")
        fix = Sentence("Give the daemon a name server: `dns` in /etc/docker/daemon.json.")
        return Check(name, False, message, fix, required=False)
    return Check(name, True, _WORKS)


def _known_name() -> str:
    """A name this machine itself can look up; empty if there is none."""
    index = os.environ.get("PIP_INDEX_URL") or os.environ.get("UV_DEFAULT_INDEX") or ""
    host = urlsplit(index).hostname or "example.org"
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        return ""
    return host
