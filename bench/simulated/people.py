"""People who all want a server at once, through a Hub's proxy, as programs with a token each do."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urljoin

import aiohttp

from binderhub_ext.core.sse import Parser

_SERVICE = "services/binder/"
_AT_ONCE = 20
"""People who are made known at the same time, before anything is measured."""


@dataclass
class Outcome:
    """What became of one person's click.

    Attributes:
        seconds: until their server was ready; none if it never was.
        refused: what they were told when they were turned away, each time.
        told: how many events they saw.
        error: why there is no server.
        answers: whether it answered them through the proxy.
    """

    seconds: float | None = None
    refused: list[str] = field(default_factory=list)
    told: int = 0
    error: str = ""
    answers: bool = False


class People:
    """Those who click.

    Args:
        public: address of the Hub's proxy, with a slash at its end.
        admin: a token that may make people known.
    """

    def __init__(self, public: str, admin: str, session: aiohttp.ClientSession) -> None:
        self._public, self._admin, self._session = public, admin, session
        self._tokens: dict[str, str] = {}

    async def come(self, names: list[str]) -> None:
        """Make people known to the Hub, with a token each."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def come(name: str) -> None:
            async with turns:
                await self._hub("POST", f"users/{name}")
                told = await self._hub("POST", f"users/{name}/tokens")
                self._tokens[name] = json.loads(told)["token"]

        await asyncio.gather(*map(come, names))

    async def all_click(self, click: Callable[[str], Awaitable[Outcome]]) -> list[Outcome]:
        return await asyncio.gather(*map(click, self._tokens))

    async def launch(self, name: str, link: str) -> Outcome:
        """Launch a link at our service, and wait for the server."""
        outcome, began = Outcome(), time.monotonic()
        try:
            url = urljoin(self._public, f"{_SERVICE}api/launches")
            async with self._asked(name, "POST", url, json={"repo": link}) as response:
                if response.status >= 400:
                    outcome.refused.append(f"{response.status} {await response.text()}")
                    return outcome
                events = urljoin(self._public, (await response.json())["events"])
            event = await self._last_event(name, events, outcome)
            if event.get("phase") == "ready":
                outcome.seconds = time.monotonic() - began
                await self._look(name, event["url"], outcome)
            else:
                outcome.error = str(event.get("message"))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            outcome.error = repr(error)
        return outcome

    async def start(self, name: str, server: str) -> Outcome:
        """Start a server at a Hub; whoever is turned away comes back when they are told to."""
        outcome, began = Outcome(), time.monotonic()
        path = urljoin(self._public, f"hub/api/users/{name}/servers/{server}")
        try:
            while await self._refused(name, path, outcome):
                pass
            event = await self._last_event(name, f"{path}/progress", outcome)
            if event.get("ready"):
                outcome.seconds = time.monotonic() - began
                await self._look(name, event["url"], outcome)
            else:
                outcome.error = str(event.get("message"))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            outcome.error = repr(error)
        return outcome

    # --- one question ---------------------------------------------------------------------

    async def _refused(self, name: str, path: str, outcome: Outcome) -> bool:
        """Ask for a server once, and wait if told to; whether to ask again."""
        async with self._asked(name, "POST", path, json={}) as response:
            if response.status < 400:
                return False
            outcome.refused.append(f"{response.status} {await response.text()}")
            if response.status != 429:
                raise ValueError(outcome.refused[-1])
            pause = float(response.headers.get("Retry-After", 60))
        await asyncio.sleep(pause)
        return True

    async def _last_event(self, name: str, url: str, outcome: Outcome) -> dict[str, object]:
        """Read a stream of events to its end."""
        parser, last = Parser(), dict[str, object]()
        async with self._asked(name, "GET", url) as response:
            if response.status != 200:
                raise ValueError(f"{response.status} {await response.text()}")
            async for chunk in response.content.iter_any():
                for event in parser.feed(chunk):
                    outcome.told, last = outcome.told + 1, event
        return last

    async def _look(self, name: str, url: object, outcome: Outcome) -> None:
        """See whether a server answers its person."""
        server = urljoin(self._public, str(url)).partition("?")[0]
        async with self._asked(name, "GET", server) as response:
            outcome.answers = response.status == 200 and "/user/" in await response.text()

    @asynccontextmanager
    async def _asked(
        self, name: str, method: str, url: str, **options: object
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Authorization": f"token {self._tokens[name]}"}
        async with self._session.request(method, url, headers=headers, **options) as response:
            yield response

    async def _hub(self, method: str, path: str) -> str:
        headers = {"Authorization": f"token {self._admin}"}
        url = urljoin(self._public, f"hub/api/{path}")
        async with self._session.request(method, url, headers=headers, json={}) as response:
            response.raise_for_status()
            return await response.text()
