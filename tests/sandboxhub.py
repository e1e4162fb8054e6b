"""A real JupyterHub with the `local` engine's spawner, as root or as an ordinary user.

Environments are built by the engine itself, launches are signed here, servers run in real
sandboxes, and code is run in them through real kernels. Only the proxy is left out: requests
go straight to the Hub's port and to each server's own.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

import aiohttp
import noproxy
import pytest
from datadirs import remove_later
from patience import SOON, START
from ports import free_ports
from readymade import give_environment

from binderhub_ext.core.launch import Launch, sign_ticket
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.repo import Commit, Repo

HERE = Path(__file__).parent
ORDINARY = 30_001
"""Uid of the ordinary user a root test run becomes for some of the tests."""

_CONFIG = """
c = get_config()
c.JupyterHub.spawner_class = "binder-local"
c.JupyterHub.db_url = "sqlite:///{data}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{data}/secrets/cookie_secret"
c.JupyterHub.allow_named_servers = True
c.JupyterHub.hub_port = {hub}
c.JupyterHub.port = {public}
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.tornado_settings = {{"slow_spawn_timeout": 0}}
c.JupyterHub.services = [{{"name": "tests", "api_token": {token!r}}}]
c.JupyterHub.load_roles = [{{
    "name": "tests", "services": ["tests"],
    "scopes": ["admin:users", "admin:servers", "tokens", "access:servers"],
}}]
c.Authenticator.allow_all = True
c.BinderSpawnerMixin.data_dir = {data!r}
c.BinderSpawnerMixin.service_url = "http://127.0.0.1:{service}"
c.Spawner.consecutive_failure_limit = 3
c.Spawner.start_timeout = {start}
c.Spawner.http_timeout = {start}
c.Spawner.poll_interval = 1
{extra}
"""

_REACH = r"""
set -e
mkdir -p "$1"
mount --bind "$2" "$1"
mount -t tmpfs -o mode=755 tmpfs "$3"
mkdir -p "$2"
mount --move "$1" "$2"
shift 3
exec setpriv --reuid "$@"
"""


def as_ordinary(argv: list[str], scratch: Path) -> list[str]:
    """The same command as an ordinary user.

    Where root's own home, which nobody else may enter, has the interpreter, that user gets a
    view of the machine in which only the interpreter is there.
    """
    if os.geteuid() != 0:
        return argv
    identity = [str(ORDINARY), "--regid", str(ORDINARY), "--clear-groups", "--"]
    prefix = Path(sys.base_prefix)
    closed = next((p for p in reversed(prefix.parents) if not p.stat().st_mode & 0o001), None)
    if closed is None:
        return ["setpriv", "--reuid", *identity, *argv]
    script = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _REACH, "sh"]
    return [*script, str(scratch / "prefix"), str(prefix), str(closed), *identity, *argv]


def sandbox_missing() -> str:
    """What this machine lacks for a sandbox, in words; empty if nothing."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (apt-get install -y bubblewrap)"
    tried = subprocess.run(
        ["bwrap", "--unshare-user", "--ro-bind", "/", "/", "true"], capture_output=True, text=True
    )
    return f"this machine refuses user namespaces: {tried.stderr}" if tried.returncode else ""


Disk = Callable[[Path], AbstractContextManager[object]]
"""Makes a data directory's folder a disk of its own."""


@contextmanager
def running_hub(kind: str, extra: str = "", disk: Disk = nullcontext) -> Iterator[SandboxHub]:
    """A running Hub, as `root` or `ordinary`; skips with words where that cannot be."""
    if missing := sandbox_missing():
        pytest.skip(missing)
    if kind == "root" and os.geteuid() != 0:
        pytest.skip("the tests do not run as root")
    with (
        _folder(kind) as folder,
        disk(folder / "data"),
        SandboxHub(folder, ordinary=kind == "ordinary", extra=extra).running() as hub,
    ):
        yield hub


_folders: dict[str, list[Path]] = {"root": [], "ordinary": []}
_made: list[Path] = []


def pytest_sessionfinish() -> None:
    """Remove every Hub's folder; pytest-xdist's processes do not live to run `atexit`."""
    for folder in _made:
        remove_later(folder)


@contextmanager
def _folder(kind: str) -> Iterator[Path]:
    """A folder for a Hub, in which there is nothing but environments of an earlier one."""
    if _folders[kind]:
        folder = _folders[kind].pop()
    else:
        folder = Path(mkdtemp(prefix="bh-"))
        _made.append(folder)
        folder.chmod(0o755)
    yield folder
    rest = [path for part in (folder, folder / "data") for path in part.iterdir()]
    rest = [path for path in rest if path.name not in ("data", "environments")]
    if not subprocess.run(["rm", "-rf", "--one-file-system", "--", *rest]).returncode:
        _folders[kind].append(folder)


@pytest.fixture(scope="session", params=["root", "ordinary"])
def sandbox_hub(request: pytest.FixtureRequest) -> Iterator[SandboxHub]:
    """One Hub of each kind for all tests, with the environment of an empty repository."""
    with running_hub(request.param) as hub:
        yield hub


def one_will_do(hub: str) -> pytest.MarkDecorator:
    """For tests of what is the same for a Hub of root and of an ordinary user; by its fixture."""
    return pytest.mark.parametrize(hub, ["ordinary"], indirect=True)


whoever_runs_it = one_will_do("sandbox_hub")
root_if_possible = pytest.mark.parametrize(
    "sandbox_hub", ["ordinary" if os.geteuid() else "root"], indirect=True
)
"""For tests of what a Hub of root does in more steps, and one of an ordinary user in fewer."""


class Failed(Exception):
    """A server did not start; the message is what the person is told.

    Attributes:
        page: the same as the Hub hands it on for pages.
    """

    def __init__(self, message: str, page: str = "") -> None:
        self.page = page
        super().__init__(message)


@dataclass
class Answer:
    """What a piece of code run by a kernel gave."""

    output: str
    error: str


class SandboxHub:
    """The Hub's process and data directory.

    Attributes:
        host: where its API listens.
        service: port at which a test may be the service, where its Hub asks for secrets.
        own_profile: whether the list of kernel calls is ours, not that of some runtime.
        kept_kernels: ids of those that run more code later.

    Args:
        root: an empty folder.
        ordinary: run the Hub as an ordinary user although we are root.
        extra: lines added to the Hub's configuration.
    """

    host = "127.0.0.1"
    own_profile = True

    def __init__(self, root: Path, *, ordinary: bool = False, extra: str = "") -> None:
        self.root, self.ordinary = root, ordinary
        self.kind = "ordinary" if ordinary or os.geteuid() else "root"
        self.data = root / "data"
        self.layout = DataDirectory(self.data)
        self.port = free_ports(1)
        self.service = free_ports(1)
        self.token = secrets.token_hex(16)
        self.secret = secrets.token_hex(16)
        self.log = root / "hub.log"
        self.config = root / "jupyterhub_config.py"
        self.image = ""
        self._make(extra)
        self.process: subprocess.Popen[bytes] | None = None
        self.kept_kernels: set[str] = set()

    def _make(self, extra: str) -> None:
        self.data.mkdir(exist_ok=True)
        self.layout.secrets.mkdir(mode=0o700)
        ticket = self.layout.secrets / "ticket"
        ticket.write_text(self.secret)
        ticket.chmod(0o600)
        fields = {"data": str(self.data), "hub": self.port, "public": free_ports(1)}
        fields |= {"service": self.service, "start": int(START)}
        extra = f"{noproxy.CONFIG}\n{extra}"
        self.config.write_text(_CONFIG.format(**fields, token=self.token, extra=extra))
        if self.given_away:
            for path in (self.root, self.data, self.layout.secrets, ticket, self.config):
                os.chown(path, ORDINARY, ORDINARY)
        self.data.chmod(0o700)

    @property
    def given_away(self) -> bool:
        """Whether what we make for the Hub has to be given to its user."""
        return self.ordinary and os.geteuid() == 0

    def command(self, argv: list[str]) -> list[str]:
        """A command as the user the Hub is."""
        return as_ordinary(argv, self.root) if self.ordinary else argv

    def environment(self) -> Mapping[str, str]:
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        return {**env, "HOME": str(self.root), "PYTHONPATH": str(HERE.parent)}

    def build(self, files: Mapping[str, str] | None = None, **options: object) -> str:
        """Build an environment by the engine's own builder; returns its image name.

        Args:
            options: of the builder.
        """
        program = [sys.executable, str(HERE / "buildimage.py"), str(self.data)]
        told = subprocess.run(
            self.command([*program, json.dumps(options)]),
            input=json.dumps(dict(files or {})),
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        assert told.returncode == 0, told.stderr[-3000:] + told.stdout[-3000:]
        return told.stdout.split()[-1]

    @contextmanager
    def running(self) -> Iterator[SandboxHub]:
        """Running, with the environment of an empty repository."""
        if not self.layout.environments.exists():
            give_environment(self.data, ORDINARY if self.given_away else None)
        try:
            self.image = self.build()
            self.start()
            yield self
        finally:
            self.stop()

    @contextmanager
    def configured(self, extra: str) -> Iterator[None]:
        """The Hub anew with more configuration; afterwards as it was before."""
        before = self.alive
        self.stop()
        plain = self.config.read_text()
        self.config.write_text(f"{plain}\n{extra}\n")
        self.start()
        try:
            yield
        finally:
            self.stop()
            self.config.write_text(plain)
            if before:
                self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command([sys.executable, "-m", "jupyterhub", "-f", str(self.config)]),
                cwd=self.data,
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait(self.log.read_text().count("now running"))

    def _wait(self, before: int) -> None:
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self.process and self.process.poll() is None:
            if self.log.read_text().count("now running") > before:
                return
            time.sleep(0.05)
        raise RuntimeError(f"the hub did not start:\n{self.log.read_text()[-4000:]}")

    def kill(self) -> None:
        """End the Hub as a crash does: it gets to do nothing."""
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(SOON)
            except subprocess.TimeoutExpired:
                self.kill()

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def query(self, sql: str, *values: object) -> list[Any]:
        with sqlite3.connect(f"file:{self.layout.hub_db}?mode=ro", uri=True) as database:
            return database.execute(sql, values).fetchall()

    def server_port(self, user: str, server: str) -> int:
        """The port a server has on this machine's loopback interface."""
        rows = self.query(
            "select servers.port from servers join spawners on spawners.server_id = servers.id"
            " join users on users.id = spawners.user_id"
            " where users.name = ? and spawners.name = ?",
            user,
            server,
        )
        return int(rows[0][0])

    def server_address(self, user: str, server: str) -> str:
        """Address and port at which we reach a server."""
        return f"127.0.0.1:{self.server_port(user, server)}"

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        headers = {"Authorization": f"token {self.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            yield Client(self, session)

    def launch(self, user: str, server: str = "one", **fields: Any) -> Launch:
        """A launch of the empty repository's environment."""
        return replace(Launch(user, server, None, "", self.image), **fields)

    def repository(self, files: Mapping[str, str], name: str = "o/r") -> tuple[Commit, str]:
        """A fetched commit with these files, and the project's folder."""
        work = self.root / f"work-{uuid4().hex[:8]}"
        work.mkdir()
        for path, content in files.items():
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            (work / path).write_text(content)
        _git(work, "init", "-q", "-b", "main")
        _git(work, "add", "-A")
        _git(work, "commit", "-q", "--allow-empty", "-m", "one")
        commit = Commit(
            Repo("git", name, f"https://example.org/{name}"),
            "main",
            _git(work, "rev-parse", "HEAD"),
        )
        bundle = self.layout.bundle(commit)
        bundle.parent.mkdir(parents=True, exist_ok=True)
        _git(work, "bundle", "create", "-q", str(bundle), "HEAD", "main")
        if self.given_away:
            for path in (bundle, bundle.parent, bundle.parent.parent):
                os.chown(path, ORDINARY, ORDINARY)
        return commit, f"projects/example.org/{name}"


def _git(cwd: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    told = subprocess.run(
        ["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True, text=True
    )
    return told.stdout.strip()


class Client:
    """Somebody who may do everything at the Hub, and its tickets' signer."""

    def __init__(self, hub: SandboxHub, session: aiohttp.ClientSession) -> None:
        self.hub, self.session = hub, session
        self._tokens: dict[str, str] = {}

    def url(self, path: str) -> str:
        return f"http://{self.hub.host}:{self.hub.port}/hub/api/{path}"

    async def api(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.url(path), **options) as response:
            text = await response.text()
            with suppress(ValueError):
                return response.status, json.loads(text)
            return response.status, text

    async def user(self, name: str) -> None:
        await self.api("POST", f"users/{name}")

    async def start(self, launch: Launch, **options: Any) -> list[dict[str, Any]]:
        """Start what a launch says; returns the progress that was told.

        Raises:
            Failed: it did not start.
        """
        ticket = sign_ticket(launch, self.hub.secret)
        return await self.post(launch.user, launch.server, {"ticket": ticket}, **options)

    async def post(self, user: str, server: str, user_options: Any) -> list[dict[str, Any]]:
        """Ask for a server with any options, and wait for the outcome."""
        await self.user(user)
        path = f"users/{user}/servers/{server}"
        status, answer = await self.api("POST", path, json={"user_options": user_options})
        if status >= 400:
            raise Failed(f"{status} {answer}")
        return await self._follow(f"{path}/progress")

    async def _follow(self, path: str) -> list[dict[str, Any]]:
        end = time.monotonic() + SOON
        while time.monotonic() < end:
            async with self.session.get(self.url(path)) as response:
                # As long as the Hub removes what a failed start left, it says that nothing starts.
                if response.status != 400:
                    return await self._until_ready(response)
            await asyncio.sleep(0.05)
        raise Failed("nothing starts")

    async def _until_ready(self, response: aiohttp.ClientResponse) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        async for line in response.content:
            if line.startswith(b"data:"):
                events.append(json.loads(line[5:]))
                if events[-1].get("failed"):
                    raise Failed(events[-1]["message"], events[-1].get("html_message", ""))
                if events[-1].get("ready"):
                    return events
        raise Failed(f"the stream ended: {events}")

    async def stop(self, user: str, server: str = "one") -> None:
        path = f"users/{user}/servers/{server}"
        status, answer = await self.api("DELETE", path)
        assert status in (202, 204), answer
        end = time.monotonic() + SOON
        while time.monotonic() < end:
            _, model = await self.api("GET", f"users/{user}?include_stopped_servers=1")
            state = model["servers"].get(server)
            if not state or state.get("stopped"):
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the server did not stop")

    async def servers(self, user: str) -> dict[str, Any]:
        _, model = await self.api("GET", f"users/{user}")
        return dict(model["servers"])

    async def access(self, user: str) -> str:
        """A token with which a person enters their servers."""
        if user not in self._tokens:
            scopes = {"scopes": ["access:servers!user"]}
            _, answer = await self.api("POST", f"users/{user}/tokens", json=scopes)
            self._tokens[user] = answer["token"]
        return self._tokens[user]

    async def page(self, launch: Launch, path: str) -> str:
        """What a program of a server shows to whoever is signed in."""
        user, server = launch.user, launch.server
        token = {"Authorization": f"token {await self.access(user)}"}
        address = f"http://{self.hub.server_address(user, server)}/user/{user}/{server}/{path}"
        async with self.session.get(address, headers=token) as response:
            return (await response.text()).strip()

    async def run(
        self,
        user: str,
        code: str,
        server: str = "one",
        seconds: float = SOON,
        kernel: str = "python3",
        *,
        kept: bool = False,
    ) -> Answer:
        """Run code in a new kernel of a person's server.

        Args:
            kept: in one that goes on and has run such code before, if there is one.
        """
        async with self._kernels(user, server) as (session, base):
            id = await self._kept_kernel(session, base) if kept else ""
            if not id:
                async with session.post(f"http://{base}", json={"name": kernel}) as response:
                    id = (await response.json())["id"]
            async with session.ws_connect(f"ws://{base}/{id}/channels", max_msg_size=0) as socket:
                answer = await asyncio.wait_for(_execute(socket, code), seconds)
            if kept:
                self.hub.kept_kernels.add(id)
            else:
                await session.delete(f"http://{base}/{id}")
        return answer

    async def end_kept_kernel(self, user: str) -> None:
        """End what :meth:`run` keeps in a person's server, which takes some of their memory."""
        async with self._kernels(user, "one") as (session, base):
            if id := await self._kept_kernel(session, base):
                await session.delete(f"http://{base}/{id}")

    @asynccontextmanager
    async def _kernels(
        self, user: str, server: str
    ) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
        """A session of a person's, and where their server has its kernels."""
        headers = {"Authorization": f"token {await self.access(user)}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            address = self.hub.server_address(user, server)
            yield session, f"{address}/user/{user}/{server}/api/kernels"

    async def _kept_kernel(self, session: aiohttp.ClientSession, base: str) -> str:
        async with session.get(f"http://{base}") as response:
            there = [str(one["id"]) for one in await response.json()]
        return next((id for id in there if id in self.hub.kept_kernels), "")


async def _execute(socket: aiohttp.ClientWebSocketResponse, code: str) -> Answer:
    header = {"msg_id": uuid4().hex, "msg_type": "execute_request", "username": "", "session": "s"}
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    request = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    await socket.send_json({**request, "channel": "shell", "buffers": []})
    answer = Answer("", "")
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.TEXT:
            break
        told = json.loads(message.data)
        if told["parent_header"].get("msg_id") != header["msg_id"]:
            if told["content"].get("execution_state") in ("restarting", "dead"):
                return Answer(answer.output, "the kernel died")
            continue
        match told["msg_type"]:
            case "stream":
                answer.output += told["content"]["text"]
            case "error":
                answer.error = "\n".join(told["content"]["traceback"])
            case "status" if told["content"]["execution_state"] == "idle":
                return answer
    return Answer(answer.output, answer.error or "the connection ended")
