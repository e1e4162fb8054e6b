"""A real JupyterHub in a process of its own, with our service as it manages it.

What is not real: there is no proxy (the client below goes to the Hub's and the service's own
ports by the path), images are made by the engine in `memory_engine.py`, and what the Hub starts
as a single-user server is `tiny_server.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import noproxy
from patience import SOON, START
from ports import free_ports

from binderhub_ext.core.sse import Parser

HERE = Path(__file__).parent
PREFIX = "/services/binder/"
BUILDS = "all builds"
"""Can be held as a person's servers can be (`RealHub.holds`)."""

_CONFIG = """
import sys
from binderhub_ext.hub import configure

c = get_config()
c.BinderApp.log_level = "DEBUG"
c.MemoryBuilder.held = {held_builds!r}
c.AddressPolicy.allowed_networks = ["127.0.0.0/8"]
{extra}

configure(c, data_dir={data_dir!r}, engine="memory", service_port={service_port},
          config_file={config_file!r})
c.JupyterHub.services[-1]["environment"]["PYTHONPATH"] = {pythonpath!r}
c.JupyterHub.hub_port = {hub_port}
c.JupyterHub.port = {public_port}
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.Spawner.cmd = [sys.executable, {tiny_server!r}]
c.Spawner.start_timeout = {start}
c.Spawner.http_timeout = {start}
c.Spawner.environment = {{"HELD": {held!r}}}
"""


class RealHub:
    """The Hub's process; a context manager.

    Args:
        root: an empty folder.
        extra: lines added to the configuration both processes read.
    """

    def __init__(self, root: Path, extra: str = "") -> None:
        self.root = root
        self.extra = extra
        self.config = root / "jupyterhub_config.py"
        self.log = root / "hub.log"
        self.held = root / "held"
        self.held.mkdir()
        _announce_engine(root / "plugins")
        self._choose_ports()

    def _choose_ports(self) -> None:
        first = free_ports(3)
        self.ports = [first, first + 1, first + 2]
        self.hub, self.service = (f"http://127.0.0.1:{port}" for port in self.ports[:2])
        self.config.write_text(self._config(self.extra))

    def _config(self, extra: str) -> str:
        hub, service, public = self.ports
        return _CONFIG.format(
            data_dir=str(self.root / "data"),
            config_file=str(self.config),
            pythonpath=self._path,
            hub_port=hub,
            service_port=service,
            public_port=public,
            tiny_server=str(HERE / "tiny_server.py"),
            start=int(START),
            held=str(self.held),
            held_builds=str(self.held / BUILDS),
            extra=f"{noproxy.CONFIG}\n{extra}",
        )

    @property
    def _path(self) -> str:
        return os.pathsep.join([str(HERE), str(self.root / "plugins")])

    def __enter__(self) -> RealHub:
        for _ in range(2):
            try:
                return self._start()
            except RuntimeError:
                # between choosing a port and using it, somebody else may take it
                if "already in use" not in self.log.read_text():
                    raise
                self._choose_ports()
        return self._start()

    def _start(self) -> RealHub:
        command = [sys.executable, "-m", "jupyterhub", "-f", str(self.config)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.root,
                env={**os.environ, "PYTHONPATH": self._path},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self) -> None:
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if "JupyterHub is now running" in self.log.read_text():
                return
            time.sleep(0.1)
        raise RuntimeError(f"the hub did not start:\n{self.log.read_text()[-4000:]}")

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(SOON)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @contextmanager
    def holds(self, *users: str) -> Iterator[None]:
        """Servers of people that are started meanwhile are not ready before its end; nor are
        `BUILDS`."""
        places = [self.held / user for user in users]
        for place in places:
            place.touch()
        try:
            yield
        finally:
            for place in places:
                place.unlink()

    def starting(self, *users: str) -> int:
        """How many servers of these people the Hub has begun to start."""
        with sqlite3.connect(f"file:{self.root}/data/hub.sqlite?mode=ro", uri=True) as database:
            asked = "select users.name from users join spawners on user_id = users.id where started"
            return sum(name in users for (name,) in database.execute(asked))

    @asynccontextmanager
    async def browser(self, user: str = "") -> AsyncIterator[Browser]:
        """A browser with its own cookies; signed in if a name is given."""
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            browser = Browser(self, session)
            if user:
                await browser.sign_in(user)
            yield browser

    async def token(self, user: str, scopes: list[str] | None = None) -> str:
        """An API token of a person, as they make it on the Hub's token page."""
        async with self.browser(user) as browser:
            await browser.get("/hub/token")
            xsrf = browser.xsrf("/hub/")
            reply = await browser.send(
                "POST",
                f"/hub/api/users/{user}/tokens",
                json={"scopes": scopes} if scopes else {},
                headers={"X-XSRFToken": xsrf},
            )
            return str(json.loads(reply.text)["token"])


class Reply:
    """An answer, read whole."""

    def __init__(self, response: aiohttp.ClientResponse, body: bytes, path: str) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = body.decode("utf-8", "replace")
        self.path = path

    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def launch(self) -> str:
        """The launch whose page this leads to."""
        assert self.status == 303, self.text
        return self.headers["Location"].rpartition("/")[2]


class Browser:
    """Cookies, redirects and forms, as a browser does them."""

    def __init__(self, hub: RealHub, session: aiohttp.ClientSession) -> None:
        self._hub = hub
        self.session = session

    def url(self, path: str) -> str:
        """Where the proxy would send this path."""
        return (self._hub.service if path.startswith(PREFIX) else self._hub.hub) + path

    async def send(self, method: str, path: str, **options: Any) -> Reply:
        options.setdefault("allow_redirects", False)
        async with self.session.request(method, self.url(path), **options) as response:
            return Reply(response, await response.read(), path)

    async def get(self, path: str, **options: Any) -> Reply:
        """A page, following redirects from port to port as the proxy would."""
        for _ in range(10):
            reply = await self.send("GET", path, **options)
            if reply.status not in (301, 302, 303, 307):
                return reply
            there = urlsplit(urljoin(path, reply.headers["Location"]))
            path = there.path + (f"?{there.query}" if there.query else "")
            if path.startswith("/user/"):
                return reply
        raise RuntimeError("redirected for ever")

    def xsrf(self, path: str = PREFIX) -> str:
        cookies = [c for c in self.session.cookie_jar if c.key == "_xsrf" and c["path"] == path]
        return cookies[-1].value if cookies else ""

    async def sign_in(self, user: str) -> None:
        await self.get("/hub/login")
        form = {"username": user, "password": "x", "_xsrf": self.xsrf("/hub/")}
        await self.send("POST", "/hub/login", data=form)

    async def api(self, method: str, path: str, **options: Any) -> Reply:
        """A request of a page's script."""
        headers = {
            "X-XSRFToken": self.xsrf(),
            "Sec-Fetch-Mode": "cors",
            **options.pop("headers", {}),
        }
        return await self.send(method, PREFIX + path, headers=headers, **options)

    async def form(self, path: str, **fields: str) -> Reply:
        """Submit a form of a page."""
        return await self.send("POST", PREFIX + path, data={"_xsrf": self.xsrf(), **fields})

    async def launch(self, **fields: str) -> str:
        """Submit the form of a launch; the launch's id."""
        return (await self.form("launch", **fields)).launch

    async def view(self, launch: str) -> dict[str, Any]:
        """What the service says of a launch."""
        return dict((await self.api("GET", f"api/launches/{launch}")).json())

    async def told(self, launch: str, **options: Any) -> list[dict[str, Any]]:
        """What is told of a launch; the options are those of :meth:`events`."""
        return await self.events(f"{PREFIX}api/launches/{launch}/events", **options)

    async def events(
        self, path: str, *, until: str = "", headers: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """The events of a stream to its end, or to the first whose message has `until`."""
        parser, found = Parser(), []
        headers = {"X-XSRFToken": self.xsrf(), "Sec-Fetch-Mode": "cors", **(headers or {})}
        async with (
            asyncio.timeout(SOON),
            self.session.get(self.url(path), headers=headers) as response,
        ):
            if response.status != 200:
                raise RuntimeError(f"{response.status}: {await response.text()}")
            async for chunk in response.content.iter_any():
                for event in parser.feed(chunk):
                    found.append(event)
                    if until and until in event["message"]:
                        return found
        return found


def _announce_engine(folder: Path) -> None:
    """Make the memory engine look installed to processes that have this folder on their path."""
    info = folder / "memory_engine-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: memory-engine\nVersion: 0\n")
    (info / "entry_points.txt").write_text(
        "[binderhub_ext.engines]\nmemory = memory_engine:ENGINE\n"
    )
