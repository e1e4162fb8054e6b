"""The spawner of the `docker` engine: DockerSpawner, told by a launch alone what to run.

A container outlives a Hub that crashes; the state the Hub stores is its name, and the name
follows from person and server. A Hub killed in the middle of a start has stored nothing, so
the first start of every Hub sweeps (`sweep.py`).
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from docker.errors import DockerException, NotFound
from docker.types import Mount as DockerMount
from dockerspawner import DockerSpawner
from traitlets import Integer, List, default

from ...core.errors import CannotStart, LaunchFailed, Unsupported
from ...core.launch import Launch
from ...core.secretnames import Secret
from ...programs import clean
from ...storage.homes import ensure_mount_points
from ...storage.sync.words import Request
from ...traits import Cidr
from .. import givensecrets
from ..base import EngineDown
from ..containers import quickstart
from ..containers.beginning import entrypoint
from ..containers.people import ensure_person
from ..preparing import Prepared
from ..rundir import Owner
from ..spawner import ENDED, HOME, BinderSpawnerMixin
from . import network, seeding
from .imagevolumes import own_folders
from .rundir import RunDirectory
from .staging import Bind, seen_rightly, staged
from .sweep import HUB, RUN, hub_label, sweep

_LOG_LINES = 40
_THREADS = 16
_IMAGE = re.compile(r"[A-Za-z0-9]+(?:(?:[.:/@_]|-+|__)[A-Za-z0-9]+)*")
_DOWN = (DockerException, requests.RequestException)
_LOGS = {"type": "json-file", "config": {"max-size": "16m", "max-file": "2"}}


class BinderDockerSpawner(BinderSpawnerMixin, DockerSpawner):
    """Runs a server in a container, from an image of the `docker` engine.

    What DockerSpawner offers for choosing an image by `user_options` has no effect: the image
    is the launch's.
    """

    if TYPE_CHECKING:
        extra_create_kwargs: Any
        extra_host_config: Any

    max_processes = Integer(
        1024,
        help="""Processes and threads a server may have (default 1024; each thread counts, and
        numerical libraries start one per processor). 0 for no limit.""",
    ).tag(config=True)

    blocked_networks = List(
        Cidr(),
        list(network.METADATA),
        help="""Networks a server does not reach, as far as this Hub may set packet filter rules
        (as root). Default: where clouds tell a machine its secrets. Add the local network to
        keep people out of it.""",
    ).tag(config=True)

    host_ports = List(
        Integer(),
        help="""TCP ports of this machine that servers may reach besides the Hub's API and name
        resolution, as far as this Hub may set packet filter rules (as root). Default: none.""",
    ).tag(config=True)

    @default("network_name")
    def _network_name(self) -> str:
        return network.NAME

    @default("use_internal_ip")
    def _use_internal_ip(self) -> bool:
        return True

    @default("remove")
    def _remove_default(self) -> bool:
        return True

    @default("pull_policy")
    def _pull_policy(self) -> str:
        return "never"

    @default("prefix")
    def _prefix(self) -> str:
        return "binder"

    @default("object_name")
    def _object_name_default(self) -> str:
        # Not from the names alone: two that differ only in case, or in the hub, are two.
        return f"{self.prefix}-{self.run_directory.name}"

    @property
    def executor(self) -> ThreadPoolExecutor:
        """Threads for Docker's calls; with DockerSpawner's one, everybody waits for everybody."""
        if BinderDockerSpawner._executor is None:
            BinderDockerSpawner._executor = ThreadPoolExecutor(_THREADS, "docker")
        return BinderDockerSpawner._executor

    _executor: ThreadPoolExecutor | None = None
    _binds: tuple[Bind, ...] = ()

    @property
    def run_directory(self) -> RunDirectory:
        return RunDirectory.of(self.layout, self.user.name, self.name)

    # --- starting -------------------------------------------------------------------------

    def check_secrets(self, given: tuple[Secret, ...]) -> None:
        """Refuse files: no place in memory can be filled before a container runs."""
        if any(secret.file for secret in given):
            raise Unsupported(
                "On this hub servers get secrets as variables, not as files. Store it as a"
                " variable, or launch without it."
            )

    async def find_image(self, launch: Launch) -> Any:
        """The launch's image, as Docker describes it."""
        try:
            if not _IMAGE.fullmatch(launch.image):
                return None
            await self.pull_image(launch.image)
            image = await self.docker("inspect_image", launch.image)
        except NotFound:
            return None
        except _DOWN as error:
            raise _down(error) from error
        self.image = launch.image
        return image

    async def ensure_person(self, launch: Launch) -> Owner:
        """One uid for everybody."""
        return await asyncio.to_thread(ensure_person, self.layout, launch.user)

    async def run_sync(self, prepared: Prepared, requests: tuple[Request, ...]) -> list[bytes]:
        """Run it on this machine: the person's image has no part in it."""
        return [await seeding.run(request, prepared.owner) for request in requests]

    async def start_server(self) -> Any:
        """Start what was prepared, or what an administrator configured."""
        if self.prepared is None:
            return await super().start_server()
        place = self.run_directory.staging
        wanted = self.prepared.image["Config"].get("Volumes") or ()
        mounts = (*self.prepared.mounts, *own_folders(wanted, self.prepared.mounts, HOME))
        ensure_mount_points(mounts, *self.prepared.owner)
        try:
            async with staged(mounts, PurePosixPath(HOME), place) as self._binds:
                return await super().start_server()
        except _DOWN as error:
            raise _down(error) from error
        finally:
            self._binds = ()

    @property
    def mount_binds(self) -> list[DockerMount]:
        """What an administrator configured, and the launch's."""
        ours = [
            DockerMount(str(bind.target), bind.source, type="bind", read_only=bind.read_only)
            for bind in self._binds
        ]
        if self.prepared:
            ours += self._quickstart()
        return [*super().mount_binds, *ours]

    def _quickstart(self) -> list[DockerMount]:
        source = quickstart.source(self.layout)
        if not source.exists():
            return []
        return [DockerMount(quickstart.TARGET, str(source), type="bind", read_only=True)]

    async def create_object(self) -> Any:
        """Make the container; an administrator's settings win over ours, key by key."""
        theirs = self.extra_create_kwargs, self.extra_host_config
        self.extra_create_kwargs = {**self._container(), **await self._given(theirs[0])}
        self.extra_host_config = {**self._restrictions(), **await self._given(theirs[1])}
        try:
            return await super().create_object()
        finally:
            self.extra_create_kwargs, self.extra_host_config = theirs

    async def _given(self, setting: Any) -> Mapping[str, Any]:
        value = setting(self) if callable(setting) else setting
        return dict(await value if inspect.isawaitable(value) else value)

    def _container(self) -> dict[str, Any]:
        labels = {
            HUB: hub_label(self.layout),
            RUN: self.run_directory.name,
            "binder-at-home.user": _plain(self.user.name),
            "binder-at-home.server": _plain(self.name),
        }
        if self.prepared is None:
            return {"labels": labels}
        uid, gid = self.prepared.owner
        directory = _plain(self.notebook_dir)
        container = {"labels": labels, "user": f"{uid}:{gid}", "working_dir": directory}
        first = entrypoint(self.prepared.image, self.prepared.launch, self.layout, self)
        return {**container, "entrypoint": [*map(_plain, first)]} if first else container

    def _restrictions(self) -> dict[str, Any]:
        limits: dict[str, Any] = {
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "log_config": _LOGS,
            # We remove it ourselves, after reading why it ended.
            "auto_remove": False,
        }
        if self.max_processes:
            limits["pids_limit"] = self.max_processes
        if self.prepared and self.prepared.groups:
            limits["group_add"] = [str(group) for group in self.prepared.groups]
        if self.mem_limit:
            limits["memswap_limit"] = self.mem_limit
        return limits

    async def start_object(self) -> None:
        """Start the container, and end it at once if it sees anything but what was meant."""
        await super().start_object()
        state = (await self.docker("inspect_container", self.container_id))["State"]
        if not state["Running"]:
            raise await self._failure(ENDED)
        if self._binds and not await asyncio.to_thread(seen_rightly, state["Pid"], self._binds):
            await self.docker("kill", self.container_id)
            raise LaunchFailed(
                "Your server was ended: it did not see the folders that were meant. Either one"
                " of them was replaced while it started, or the Docker engine does not share"
                " this machine's file system with the hub."
            )

    def get_env(self) -> dict[str, str]:
        """The server's environment; its home is ours whatever the image says."""
        env = {
            # as the server's own token, for whoever may look into the daemon; never over ours
            **givensecrets.variables(self.secrets, ""),
            **quickstart.trusted(),
            **super().get_env(),
            "HOME": HOME,
            "NB_USER": "jovyan",
            "USER": "jovyan",
        }
        if self.prepared:
            theirs = env.get("PYTHONPATH") or quickstart.python_path_of(self.prepared.image)
            env["PYTHONPATH"] = quickstart.python_path(theirs)
        return env

    # --- running --------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """What finds the server again; called when the Hub is about to store it."""
        state: dict[str, Any] = super().get_state()
        if self.object_id:
            self.run_directory.mark_stored()
        return state

    async def poll(self) -> Any:
        """`None` while the server runs, or while nobody can say."""
        if not (self.object_id or self._starting):
            # A Hub that was killed in the middle of a start; nobody waits for its server.
            await self.clean_up()
            return 0
        try:
            status = await super().poll()
        except _DOWN as error:
            self.log.error("%s: Docker does not answer: %s", self._log_name, error)
            return None
        if status is not None:
            await self.clean_up()
        return status

    async def stop(self, now: bool = False) -> None:
        """End the server and remove all that belonged to it."""
        with suppress(NotFound):
            await super().stop(now)
        await self.clean_up()

    async def stop_object(self) -> None:
        """Ask its container to end, and wait as long as what runs in it may take for that."""
        with suppress(NotFound):
            await self.docker("stop", self.container_id, timeout=self.end_timeout)

    async def clean_up(self) -> None:
        """Remove its container and its run directory."""
        self.last_words = await self._log_tail() or self.last_words
        await self._remove_container()
        await self.run_directory.remove()

    async def _remove_container(self) -> None:
        """Remove the container of this server's name, whoever made it."""
        with suppress(*_DOWN):
            await self.docker("remove_container", self.object_name, v=True, force=True)
        self.object_id = ""

    async def explain_failure(self) -> str:
        """The end of what the server said."""
        return await self._log_tail() or self.last_words

    async def _log_tail(self) -> str:
        try:
            said = await self.docker("logs", self.object_name, tail=_LOG_LINES)
        except _DOWN:
            return ""
        return "\n".join(line for raw in said.splitlines() if (line := clean(raw)))

    # --- once for each Hub ----------------------------------------------------------------

    async def begin(self) -> None:
        """See to the network and to what an earlier Hub left."""
        try:
            await self._begin()
        except (*_DOWN, CannotStart) as error:
            raise _down(error) from error

    async def _begin(self) -> None:
        await asyncio.to_thread(quickstart.provide, self.layout)
        servers = await asyncio.to_thread(network.ensure_network, self.network_name)
        port = urlsplit(self.hub.url).port
        ports = [*self.host_ports, *([port] if port else [])]
        blocked = self.blocked_networks
        refused = await asyncio.to_thread(network.protect, servers.bridge, ports, blocked)
        if refused:
            self.log.warning(
                "Servers reach what listens on every address of this machine, and cloud metadata:"
                " %s. See docs/how-to/docker.md.",
                refused,
            )
        for bridge in await asyncio.to_thread(network.forget_lost):
            self.log.info("Removed the rules of %s, whose network is gone", bridge)
        for name in await sweep(self.docker, self.layout):
            self.log.warning("Removed what a killed Hub left of %s", name)


def _plain(text: str) -> str:
    """Text that DockerSpawner's templates leave as it is."""
    return text.replace("{", "{{").replace("}", "}}")


def _down(error: BaseException) -> EngineDown:
    return EngineDown(
        "The Docker engine of this hub does not answer or refused. Launch again in a moment; if"
        " it stays so, tell the administrator.",
        detail=str(error),
    )
