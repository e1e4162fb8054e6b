"""Where the browser is sent: a page of this very server, and one that answers.

The address is put together here and nowhere else. Whatever a link says, it is a path below the
server's own URL, as the Hub gave it; nobody is sent to a program that does not answer.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from dataclasses import replace
from http import HTTPStatus
from time import monotonic
from urllib.parse import quote, urljoin, urlsplit

import aiohttp

from ...core.errors import LaunchFailed, TargetMissing
from ...core.launch import Files, Launch
from ...core.notebooks import Notebook
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...core.targets import Targets, at_port, is_below, program
from ..hub import HubClient, Person, Server, State

FALLBACK = "lab"
"""What every environment has."""

_ALWAYS_THERE = ("lab", "notebook")
_NO_ANSWER = (404, 500, 502, 503, 504, 508)
_MOVED = (301, 302, 303, 307, 308)
_REDIRECTS = 5

_NOBODY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE)
"""What a proxy answers where nobody is at a server's address."""

_LOOKS = (0, 0.5)
"""Seconds before each of the looks that all have to find nobody."""

_LOOK_TIMEOUT = 5

_PUT_TIMEOUT = 30
_NOT_PUT = (
    "The server runs, and does not take the notebook. Open it from the main page, and upload the"
    " file in its file browser."
)

_NOBODY_YET = (HTTPStatus.INTERNAL_SERVER_ERROR, *_NOBODY)
"""What jupyter-server-proxy answers where nobody listens at a port, and other proxies."""

_LOOK_AGAIN = 0.25


class Landing:
    """Finds the final URL of a launch.

    Args:
        hub: makes tokens.
        targets: the interfaces on offer.
        proxy_url: where the service itself reaches people's servers; empty for nowhere.
        patience: seconds a program may take for its first answer.
    """

    def __init__(
        self, hub: HubClient, targets: Targets, *, proxy_url: str, patience: float
    ) -> None:
        self._hub, self._targets = hub, targets
        self._proxy_url, self._patience = proxy_url, patience

    async def find(
        self,
        person: Person,
        launch: Launch,
        server: Server,
        tell: Tell,
        notebook: Notebook | None = None,
    ) -> str:
        """The URL to send the browser to.

        Args:
            notebook: a file to put there first, and to open instead.

        Raises:
            TargetMissing: what should be opened does not answer; JupyterLab does.
            LaunchFailed: JupyterLab does not either, or the launch names a path outside its server.
        """
        if notebook:
            title = notebook.title
            tell(Event(Phase.LAUNCHING, Sentence("Putting {title} into the project.", title=title)))
            path = await self._put(person, launch, server, notebook)
            launch = replace(launch, target=path)
        url = server.url + launch.target
        if not is_below(server.url, url):
            raise LaunchFailed("The link leads outside the server it starts. It was not opened.")
        port = at_port(launch.target)
        target = program(launch.target, self._targets) or port
        if target is None or target.name in _ALWAYS_THERE:
            return url
        tell(Event(Phase.LAUNCHING, Sentence("Waiting for {target}.", target=target.title)))
        status = await self._answer(person, server, url, wait=port is not None)
        if status not in _NO_ANSWER:
            return url
        if await self._answer(person, server, server.url + FALLBACK) in _NO_ANSWER:
            raise LaunchFailed(
                "Neither {target} nor JupyterLab answers. Stop the server on the main page and "
                "launch again.",
                target=target.title,
            )
        if status == HTTPStatus.NOT_FOUND:
            raise TargetMissing(
                "{target} is not in this environment (it needs {needs}). The server runs: open "
                "JupyterLab, or change the launch.",
                target=target.title,
                needs=target.needs or Sentence("a program of that name"),
            )
        raise TargetMissing(
            "{target} does not answer. The server runs: open JupyterLab, or change the launch.",
            target=target.title,
        )

    async def _put(self, person: Person, launch: Launch, server: Server, notebook: Notebook) -> str:
        """Put a notebook into the project under a name that is free, as its person.

        Returns:
            The path of the server that opens it.

        Raises:
            LaunchFailed: the server does not take it.
        """
        folder = f"{launch.project}/" if launch.files is Files.HOME else ""
        made = await self._hub.token_for_server(person, server.name, seconds=60)
        if made is None or not self._proxy_url:
            raise LaunchFailed(_NOT_PUT)
        # Not as a notebook: of one that says so itself, Jupyter would believe that it is trusted.
        content = b64encode(notebook.content).decode()
        body = {"type": "file", "format": "base64", "content": content}
        try:
            async with self._session(server, _PUT_TIMEOUT, made.token) as session:
                for name in notebook.names:
                    path = quote(folder + name)
                    url = self._inside(f"{server.url}api/contents/{path}")
                    async with session.get(url, params={"content": "0"}) as there:
                        free = there.status == HTTPStatus.NOT_FOUND
                    if not free:
                        continue
                    async with session.put(url, json=body) as answer:
                        answer.raise_for_status()
                    return f"lab/tree/{path}"
        except (aiohttp.ClientError, TimeoutError) as error:
            raise LaunchFailed(_NOT_PUT, detail=str(error)) from error
        raise LaunchFailed(_NOT_PUT)

    async def gone(self, server: Server) -> bool:
        """Whether a server that the Hub has for running answers no more; no if unknown.

        It ends before its process or container does, which is all that the Hub can look at. A
        server that is busy and says nothing is there.
        """
        if not self._proxy_url or server.state is not State.RUNNING:
            return False
        for pause in _LOOKS:
            await asyncio.sleep(pause)
            if not await self._nobody_at(server):
                return False
        return True

    async def _nobody_at(self, server: Server) -> bool:
        try:
            async with (
                self._session(server, _LOOK_TIMEOUT) as session,
                session.get(self._inside(f"{server.url}api"), allow_redirects=False) as response,
            ):
                return response.status in _NOBODY
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _answer(self, person: Person, server: Server, url: str, *, wait: bool = False) -> int:
        """The status with which a page of a server answers; 200 if that cannot be asked.

        Args:
            wait: ask until it is none of a proxy that finds nobody; the proxy itself does not wait.
        """
        if not self._proxy_url:
            return HTTPStatus.OK
        # never the person's own token: the server runs a stranger's code
        made = await self._hub.token_for_server(person, server.name, seconds=60)
        if made is None:
            return HTTPStatus.OK
        deadline = monotonic() + self._patience
        try:
            while (status := await self._status(server, url, made.token)) in _NOBODY_YET:
                if not wait or monotonic() > deadline:
                    break
                await asyncio.sleep(_LOOK_AGAIN)
            return status
        except aiohttp.ClientConnectorError:
            # it is the proxy that is not where we were told
            return HTTPStatus.OK
        except (aiohttp.ClientError, TimeoutError):
            return HTTPStatus.GATEWAY_TIMEOUT

    async def _status(self, server: Server, url: str, token: str) -> int:
        """The status at the end of redirects; a way out of the server is an end too.

        Jupyter sends a path with a slash at its end to the one without, whether there is
        anything or not.
        """
        async with self._session(server, self._patience, token) as session:
            for _ in range(_REDIRECTS):
                async with session.get(self._inside(url), allow_redirects=False) as response:
                    there = urljoin(url, response.headers.get("Location", url))
                    if response.status not in _MOVED or not is_below(server.url, there):
                        return response.status
                url = there
        return HTTPStatus.LOOP_DETECTED

    def _session(self, server: Server, seconds: float, token: str = "") -> aiohttp.ClientSession:
        """What asks a server through the proxy."""
        headers = {"Authorization": f"token {token}"} if token else {}
        if host := urlsplit(server.url).netloc:
            # by the address we know, since our resolver need not know the browser's
            headers["Host"] = host
        timeout = aiohttp.ClientTimeout(total=seconds)
        return aiohttp.ClientSession(timeout=timeout, headers=headers)

    def _inside(self, url: str) -> str:
        """Where we reach what a browser finds at a URL."""
        path = urlsplit(url)._replace(scheme="", netloc="").geturl()
        return self._proxy_url.rstrip("/") + path
