"""Requests to the Hub's API, which may be restarting, as on a cluster its pod is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from tornado.log import app_log

from ..core.errors import HubUnavailable

_PAUSE = 0.5
_AT_ONCE = 20
"""Questions that the Hub has before it: it computes one answer at a time, and starts share that."""

_REPEATABLE = ("GET", "DELETE")


@dataclass(frozen=True)
class HubSettings:
    """Where the Hub is, and how long to wait for it.

    Attributes:
        api_url: of its API.
        timeout: seconds to wait for one answer.
        stop_timeout: seconds a server may take to stop.
        reconnects: how often a dropped progress stream is taken up again.
        restart: seconds a Hub that does not answer has to be back.
    """

    api_url: str
    timeout: float = 30
    stop_timeout: float = 60
    reconnects: int = 5
    restart: float = 30


class HubApi:
    """Asks in whosever name it is told.

    Made where an event loop runs.

    Args:
        url: of the API.
        timeout: seconds to wait for one answer.
        restart: seconds a Hub that does not answer has to be back.
    """

    def __init__(self, url: str, timeout: float, restart: float) -> None:
        self._url, self._restart = url.rstrip("/"), restart
        # of each question apart: how long others are answered before says nothing of the Hub
        patience = aiohttp.ClientTimeout(total=None, sock_connect=timeout, sock_read=timeout)
        few = aiohttp.TCPConnector(limit=_AT_ONCE)
        self._questions = aiohttp.ClientSession(timeout=patience, connector=few)
        # each may last as long as a server takes to start or to stop, and keeps nobody from asking
        many = aiohttp.TCPConnector(limit=0)
        self._lasting = aiohttp.ClientSession(timeout=patience, connector=many)

    async def close(self) -> None:
        await self._questions.close()
        await self._lasting.close()

    async def health(self) -> bool:
        """Whether the Hub answers at all."""
        try:
            async with self._questions.get(f"{self._url}/") as response:
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    @asynccontextmanager
    async def call(
        self, method: str, token: str, path: str, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A request, with the answer as it is.

        Args:
            options: aiohttp's; `repeatable` of a request that can be asked once more though it
                may have arrived; `stream` of one whose answer goes on and on.

        Raises:
            HubUnavailable: it does not answer, and was not back in time.
        """
        headers = {"Authorization": f"token {token}", **options.pop("headers", {})}
        url = f"{self._url}/{path}"
        try:
            async with await self._answer(method, url, headers=headers, **options) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError) as error:
            app_log.warning("The Hub does not answer: %s", str(error) or type(error).__name__)
            raise HubUnavailable from error

    async def _answer(
        self,
        method: str,
        url: str,
        *,
        repeatable: bool = False,
        stream: bool = False,
        **options: Any,
    ) -> aiohttp.ClientResponse:
        """What the Hub answers, once it does."""
        session = self._questions if method == "GET" and not stream else self._lasting
        loop = asyncio.get_running_loop()
        until = loop.time() + self._restart
        while True:
            try:
                return await session.request(method, url, **options)
            except aiohttp.ClientConnectionError as error:
                arrived = not isinstance(error, aiohttp.ClientConnectorError)
                if arrived and not (repeatable or method in _REPEATABLE):
                    raise
                if loop.time() > until:
                    raise
            await asyncio.sleep(_PAUSE)
