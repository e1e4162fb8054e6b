"""Where the browser is sent: a page of this very server, and one that answers.

The address is put together here and nowhere else. Whatever a link says, it is a path below the
server's own URL, as the Hub gave it; a program that does not answer is replaced by JupyterLab.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

import aiohttp

from ...core.errors import LaunchFailed
from ...core.launch import Launch
from ...core.progress import Event, Phase, Tell
from ...core.targets import Target, Targets, is_below, program
from ..hub import HubClient, Person, Server

FALLBACK = "lab"
"""What every environment has."""

_ALWAYS_THERE = ("lab", "notebook")
_NO_ANSWER = (404, 500, 502, 503, 504, 508)
_MOVED = (301, 302, 303, 307, 308)
_REDIRECTS = 5


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

    async def find(self, person: Person, launch: Launch, server: Server, tell: Tell) -> str:
        """The URL to send the browser to.

        Raises:
            LaunchFailed: the launch names a path outside its server.
        """
        url = server.url + launch.target
        if not is_below(server.url, url):
            raise LaunchFailed("The link leads outside the server it starts. It was not opened.")
        target = program(launch.target, self._targets)
        if target is None or await self._answers(person, server, url, target):
            return url
        words = (
            f"{target.title} does not answer: this environment does not have "
            f"{target.needs or 'that program'}, or it does not start. Opening JupyterLab instead."
        )
        tell(Event(Phase.LAUNCHING, words, {"warning": True}))
        return server.url + FALLBACK

    async def _answers(self, person: Person, server: Server, url: str, target: Target) -> bool:
        """Whether the program of a target answers; yes if that cannot be asked."""
        if not self._proxy_url or target.name in _ALWAYS_THERE:
            return True
        # never the person's own token: the server runs a stranger's code
        token = await self._hub.token_for_server(person, server.name, seconds=60)
        if not token:
            return True
        try:
            return await self._status(server, url, token) not in _NO_ANSWER
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def _status(self, server: Server, url: str, token: str) -> int:
        """The status at the end of redirects; a way out of the server is an end too.

        Jupyter sends a path with a slash at its end to the one without, whether there is
        anything or not.
        """
        timeout = aiohttp.ClientTimeout(total=self._patience)
        headers = {"Authorization": f"token {token}"}
        inside = self._proxy_url.rstrip("/")
        if host := urlsplit(server.url).netloc:
            # by the address we know, since our resolver need not know the browser's
            headers["Host"] = host
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            for _ in range(_REDIRECTS):
                async with session.get(inside + _path(url), allow_redirects=False) as response:
                    there = urljoin(url, response.headers.get("Location", url))
                    if response.status not in _MOVED or not is_below(server.url, there):
                        return response.status
                url = there
        return HTTPStatus.LOOP_DETECTED


def _path(url: str) -> str:
    """A URL without its host."""
    return urlsplit(url)._replace(scheme="", netloc="").geturl()
