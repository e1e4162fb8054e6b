"""The spawner of the `local` engine: JupyterHub servers in sandboxes on this machine.

The Hub may crash and come back while servers run: the state it stores is two processes, each
known by number and start time. A Hub killed in the middle of a start has stored nothing, so
the first start of every Hub sweeps (`rundir.py`).
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.spawner import Spawner
from jupyterhub.utils import random_port
from traitlets import Bool, CaselessStrEnum, Integer, List, default

from ...core.errors import LaunchFailed
from ...core.launch import Launch
from ...core.secretnames import Secret
from ...storage.doors import open_doors
from ...storage.sync.words import Request
from ...traits import Bytes, Cidr
from .. import givensecrets
from ..preparing import Prepared
from ..rundir import Owner
from ..spawner import BinderSpawnerMixin
from . import conda, given, julialang, rlang, running, seeding, trust, unsafe
from .binds import file_binds, opened, ordered, system_binds
from .buildsandbox import REPO
from .children import kept_log
from .environment import Python, hub_python, server_environment
from .limits import Limits
from .network import METADATA, Network, Ports, best_network
from .people import ensure_owner
from .processes import ProcessId, end_sandbox
from .rundir import RunDirectory, sweep
from .sandbox import RUN, SECRETS, Bind, Person, Sandbox
from .store import SERVER_LOCK, START, Record, Store
from .watcher import MemoryWatcher

_LOG_INSIDE = PurePosixPath("/var/log/jupyter-server.log")
_LOCK_INSIDE = PurePosixPath(RUN, "lock")

_NO_BUBBLEWRAP = (
    "This server cannot be started: bubblewrap, which keeps people's programs apart, is not on"
    " this machine. The administrator installs it with: apt-get install -y bubblewrap"
)

_NO_SYSTEM = (
    "This hub starts servers without a sandbox, and only a sandbox can show them system"
    " packages. The administrator finds what the sandbox lacks with `binder-at-home doctor`."
)


class LocalSpawner(BinderSpawnerMixin, Spawner):
    """Runs a server in a sandbox of this machine, from an environment of the `local` engine."""

    network = CaselessStrEnum(
        [str(Network.PRIVATE), str(Network.ISOLATED), str(Network.UNSAFE_HOST)],
        help="""What a server reaches. `private`: the internet and the local network, nothing of
        this machine but the Hub's API. `isolated`: nothing but that. `unsafe-host`: all of this
        machine's network, where people can listen to each other's kernels, so they are told to
        use no ports; only for a single person. Default: `private` where pasta can be used,
        else `isolated`.""",
    ).tag(config=True)

    blocked_networks = List(
        Cidr(),
        list(METADATA),
        help="""Networks a server with the network `private` does not reach, besides every
        address of this machine. Default: where clouds tell a machine its secrets. Add the local
        network to keep people out of it.""",
    ).tag(config=True)

    max_processes = Integer(
        1024,
        help="""Processes and threads a server may have (default 1024; each thread counts, and
        numerical libraries start one per processor). 0 for no limit.""",
    ).tag(config=True)

    temp_limit = Bytes(
        "512M",
        help="""Bytes in `/tmp`, and as many in `/dev/shm` (default 512 MiB). Both are in memory
        and count towards `mem_limit` where control groups do the counting, so neither is ever
        more than a quarter of that: a full `/tmp` shall not end the server.""",
    ).tag(config=True)

    unsafe_no_sandbox = Bool(
        False,
        help="""Run servers without a sandbox, as the Hub itself (a root Hub: as the person's own
        uid), with all that this uid may read. Only for a single person, or where something else
        contains the whole Hub. Default: refuse where there is no sandbox.""",
    ).tag(config=True)

    shows_folders = True

    @default("network")
    def _network(self) -> str:
        return str(Network.UNSAFE_HOST if self.unsafe_no_sandbox else best_network())

    @default("ip")
    def _ip(self) -> str:
        return "127.0.0.1"

    _init: ProcessId | None = None
    _monitor: ProcessId | None = None
    _keeper: ProcessId | None = None
    _counted = False

    @property
    def run_directory(self) -> RunDirectory:
        return RunDirectory.of(self.layout, self.user.name, self.name)

    # --- starting -------------------------------------------------------------------------

    async def begin(self) -> None:
        """Remove what an earlier Hub left."""
        await sweep(self.layout)

    def check_launch(self, launch: Launch) -> None:
        """Refuse what this machine has no sandbox for."""
        if self.unsafe_no_sandbox:
            unsafe.check_launch(launch)
        elif not shutil.which("bwrap"):
            raise LaunchFailed(_NO_BUBBLEWRAP)

    def check_secrets(self, given: tuple[Secret, ...]) -> None:
        """Refuse files where only a sandbox would keep them to this server."""
        if self.unsafe_no_sandbox:
            unsafe.check_secrets(given)

    async def find_image(self, launch: Launch) -> Record | None:
        """The environment."""
        with suppress(ValueError):
            return Store(self.layout.environments, self.layout.cache).find(launch.image)
        return None

    async def ensure_person(self, launch: Launch) -> Owner:
        """The person's own uid, where the Hub can give them one."""
        owner = await asyncio.to_thread(ensure_owner, self.layout, launch.user)
        if self.unsafe_no_sandbox:
            open_doors(self.layout)
        return owner

    async def run_sync(self, prepared: Prepared, requests: tuple[Request, ...]) -> list[bytes]:
        """Run it in a sandbox of its own."""
        person, unsafe = Person(prepared.owner.uid), self.unsafe_no_sandbox
        return [
            await seeding.run(request, person, unsafe_no_sandbox=unsafe) for request in requests
        ]

    async def start_server(self) -> str:
        """Start what was prepared; returns its URL."""
        if self.prepared is None:
            raise LaunchFailed("This server can only be started from its launch link.")
        self.port, self.ip = random_port(), "127.0.0.1"
        self.run_directory.log.touch(0o600)
        with kept_log(self.rescue_log(self.run_directory.log)) as (pipe, keeper):
            self._keeper = ProcessId.of(keeper)
            if self.unsafe_no_sandbox:
                await self._start_unsafe(self.prepared, pipe)
            else:
                await self._start_sandbox(self.prepared, pipe, keeper)
        return f"http://127.0.0.1:{self.port}"

    async def _start_sandbox(self, what: Prepared, log: int, keeper: int) -> None:
        async with AsyncExitStack() as stack:
            sandbox = self._sandbox(stack.enter_context(ExitStack()), what)
            command = await stack.enter_async_context(
                running.prepared(
                    sandbox,
                    ports=Ports(self.port, self._hub_port()),
                    blocked=tuple(self.blocked_networks),
                    name=self.run_directory.name,
                    sockets=self.run_directory.path,
                    network_log=log,
                    helper=keeper,
                )
            )
            process = command.start(log)
            self._monitor = ProcessId.of(process.pid)
            self._init = await command.init
            self._counted = command.counted

    async def _start_unsafe(self, what: Prepared, log: int) -> None:
        if what.image.system:
            raise LaunchFailed(_NO_SYSTEM)
        with ExitStack() as files:
            self.run_directory.make_theirs(self.run_directory.short, what.owner)
            sandbox = self._sandbox(files, what)
            sockets = {"JUPYTER_RUNTIME_DIR": str(self.run_directory.short)}
            sandbox = replace(sandbox, env={**sandbox.env, **sockets})
            process = unsafe.start(sandbox, self._places(what), log)
            self._monitor = self._init = ProcessId.of(process.pid)

    def _places(self, what: Prepared) -> unsafe.RealPaths:
        home, launch = what.mounts[0], what.launch
        project = self.project_home(launch) / launch.project
        return unsafe.RealPaths(home.root / home.path, project, launch.project)

    def _sandbox(self, files: ExitStack, what: Prepared) -> Sandbox:
        record: Record = what.image
        environment = Path(record.path)
        python = Python.of(environment, record.prefix)
        first = [*given.words(record, what.launch), *conda.activation(environment)]
        first += julialang.in_server(environment, record.julia, record.julia_server)
        first += [str(environment / START)] if record.start else []
        return Sandbox(
            argv=(*first, *self._command(record), *self.get_args()),
            env=self._environment_variables(record, python),
            cwd=self.notebook_dir,
            binds=self._binds(files, what),
            person=Person(what.owner.uid, what.groups if what.owner.uid else ()),
            network=Network(self.network),
            limits=self._limits(),
            locks=(str(_LOCK_INSIDE), str(environment / SERVER_LOCK)),
            links=python.home_files() if python else {},
            python=hub_python(),
            system=Path(record.system) if record.system else None,
            files=dict(givensecrets.files(self.secrets, SECRETS)),
            variables=givensecrets.variables(self.secrets, SECRETS),
        )

    def _command(self, record: Record) -> list[str]:
        """The server's, which is not what a repository has of that name."""
        name, *words = self.cmd
        own = record.server_environment / "bin" / name
        return [str(own) if record.server and own.exists() else name, *words]

    def _environment_variables(self, record: Record, python: Python | None) -> dict[str, str]:
        environment = Path(record.path)
        given = self.get_env()
        # The environment's own PATH is what makes it this environment; an administrator's
        # goes behind it.
        ours = server_environment(environment, record.server_environment, python)
        ours |= {"REPO_DIR": REPO, **rlang.server_variables(environment, record.cran)}
        if "PATH" in self.environment:
            ours["PATH"] += ":" + given["PATH"]
        return {**trust.variables(), **given, **ours}

    def _limits(self) -> Limits:
        memory = int(self.mem_limit or 0)
        return Limits(
            memory=memory,
            cpu=float(self.cpu_limit or 0),
            processes=self.max_processes,
            temp=min(self.temp_limit, memory // 4) if memory else self.temp_limit,
        )

    def _binds(self, stack: ExitStack, what: Prepared) -> tuple[Bind, ...]:
        launch, directory = what.launch, self.run_directory
        system = [
            *system_binds(what.image),
            Bind(directory.lock, _LOCK_INSIDE),
            Bind(directory.log, _LOG_INSIDE),
            *trust.binds(),
        ]
        files = file_binds(stack, what.mounts)
        if launch.project:
            project = opened(stack, *self._project(what))
            files.append(Bind(project, PurePosixPath(REPO), read_only=False))
        return ordered(system, files)

    def _project(self, what: Prepared) -> tuple[Path, PurePosixPath]:
        """The project's folder: a place of ours, and the path from there."""
        place = PurePosixPath(what.launch.project)
        own = next((mount for mount in what.mounts if mount.target == place), None)
        return (own.root, own.path) if own else (self.project_home(what.launch), place)

    # --- the Hub's API ---------------------------------------------------------------------

    def _hub_port(self) -> int:
        address = urlsplit(self.hub.url)
        if address.scheme == "http" and address.port and self._hub_on_loopback():
            return address.port
        raise LaunchFailed(
            "The Hub's API cannot be reached from a sandbox. The administrator sets"
            " c.JupyterHub.hub_ip = '127.0.0.1' and leaves hub_bind_url and internal_ssl alone."
        )

    def _hub_on_loopback(self) -> bool:
        return self.hub.ip in ("127.0.0.1", "localhost", "0.0.0.0", "", "::", "::1")

    @default("hub_connect_url")
    def _hub_as_seen_inside(self) -> str | None:
        if self.network == Network.UNSAFE_HOST or self.hub is None:
            return None
        return f"http://127.0.0.1:{urlsplit(self.hub.url).port}"

    def get_args(self) -> list[str]:
        """The server's arguments; kernels use no ports where others could listen to them."""
        shared = self.network == Network.UNSAFE_HOST
        return [*super().get_args(), *(["--KernelManager.transport=ipc"] if shared else [])]

    # --- running ---------------------------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """What finds the server again; called when the Hub is about to store it."""
        state: dict[str, Any] = super().get_state()
        processes = {name: process for name, process in self._processes().items() if process}
        state |= {name: [process.pid, process.started] for name, process in processes.items()}
        if self._init:
            state["counted"] = self._counted
            self.run_directory.mark_stored()
        return state

    def _processes(self) -> dict[str, ProcessId | None]:
        return {"init": self._init, "monitor": self._monitor, "keeper": self._keeper}

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the server again after the Hub was restarted."""
        super().load_state(state)
        self._init, self._monitor, self._keeper = (
            ProcessId(*state[name]) if name in state else None for name in self._processes()
        )
        self._counted = bool(state.get("counted"))

    def clear_state(self) -> None:
        """Forget the server."""
        super().clear_state()
        self._init = self._monitor = self._keeper = None

    async def poll(self) -> int | None:
        """`None` while the server runs, else a status that means nothing more than "ended"."""
        if self._init is None or self._monitor is None:
            return 0
        if self._init.alive and self._monitor.alive:
            self._watch()
            return None
        # The server has ended; what runs beside it ends after it.
        ended = self._init
        await self._end(ended, 0, self.services_timeout)
        if self._init is ended:  # else somebody else has removed it meanwhile
            await self.clean_up()
        return 1

    async def stop(self, now: bool = False) -> None:
        """End every process of the server and everything around it."""
        if self._init and not now:
            await self._end(self._init, self.term_timeout, self.services_timeout)
        await self.clean_up()

    async def _end(self, init: ProcessId, grace: float = 0, rest: float = 0) -> None:
        end = unsafe.end if self.unsafe_no_sandbox else end_sandbox
        await end(init, grace, rest)

    async def clean_up(self) -> None:
        """End every process of it, and remove its run directory."""
        if self._init:
            await self._end(self._init)
        if self._keeper:
            await self._keeper.ended(2)  # once all that was said is written; mostly at once
        self.last_words = self.run_directory.tail() or self.last_words
        self._init = self._monitor = self._keeper = None
        await self.run_directory.remove()

    async def explain_failure(self) -> str:
        """The end of the server's log."""
        return self.run_directory.tail() or self.last_words

    def _watch(self) -> None:
        """Hold the server to its memory where no control group does."""
        if self._init and self.mem_limit and not self._counted:
            _watcher.watch(self._init.pid, int(self.mem_limit))


_watcher = MemoryWatcher(logging.getLogger(__name__))
