"""Talking to the Hub in a person's name, never in our own.

Every call carries the person's own token, so the service can do nothing they may not do
themselves. Measured facts this rests on (JupyterHub 6.1): a start answers 201 although it is
pending or has failed, so only the progress stream is believed; a start that was refused still
stores its options, so full options are sent every time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import quote

import aiohttp
from tornado.log import app_log

from ..core.errors import HubUnavailable, LaunchFailed, NotAllowed
from ..core.launch import TICKET
from ..core.sse import Parser
from .hubapi import HubApi, HubSettings
from .hubrefusals import check, failure, unknown
from .members import Member

_INTERRUPTED = (1.0, 3.0, 9.0)
"""Seconds after which the Hub is told once more to stop what it failed to: a start that it
interrupts has one second to clean up, and else it takes the server for one that is there."""


class StartLost(LaunchFailed):
    """The Hub was restarted in the middle of a start, and knows nothing of it any more."""


@dataclass(frozen=True)
class Person:
    """Who asks.

    Attributes:
        name: as the Hub knows them.
        token: theirs, limited to what they allowed this service.
        groups: of the Hub.
        admin: whether the Hub says so.
        since: when they became known, as of :class:`Member`.
    """

    name: str
    token: str = field(repr=False)
    groups: tuple[str, ...] = ()
    admin: bool = False
    since: float = 0.0


class State(StrEnum):
    """What a server is doing, in words people see."""

    RUNNING = "running"
    STARTING = "starting"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Server:
    """One of a person's servers, as the Hub knows it.

    Attributes:
        name: empty for the default one.
        state: what it is doing.
        url: its path on this hub (or full URL where people have subdomains); ends in "/".
        ticket: what it was last started with; empty if not by us.
        last_activity: ISO time, or empty.
    """

    name: str
    state: State
    url: str
    ticket: str = ""
    last_activity: str = ""

    @classmethod
    def from_model(cls, model: dict[str, Any]) -> Server:
        options = model.get("user_options") or {}
        return cls(
            name=model["name"],
            state=_state(model),
            url=model["url"],
            ticket=str(options.get(TICKET) or ""),
            last_activity=model.get("last_activity") or "",
        )


def _state(model: dict[str, Any]) -> State:
    # After a restart the Hub checks what it finds in its database: that starts, or is gone.
    if model.get("pending") in ("spawn", "check"):
        return State.STARTING
    if model.get("pending") == "stop":
        return State.STOPPING
    return State.RUNNING if model.get("ready") else State.STOPPED


@dataclass(frozen=True)
class ServerToken:
    """A token that does one thing with one server.

    Attributes:
        id: by which the Hub lists it.
    """

    id: str
    token: str = field(repr=False)


class HubClient:
    """The part of the Hub's REST API that launches need.

    Made where an event loop runs, closed with the service.
    """

    def __init__(self, settings: HubSettings) -> None:
        self._settings = settings
        self._api = HubApi(settings.api_url, settings.timeout, settings.restart)

    async def close(self) -> None:
        await self._api.close()

    # ---- verbs

    async def health(self) -> bool:
        """Whether the Hub answers at all."""
        return await self._api.health()

    async def servers(self, person: Person) -> list[Server]:
        """A person's servers, stopped ones too, in the order they were made.

        The default server, which everybody has, is left out until it runs.
        """
        return (await self.member_and_servers(person))[1]

    async def member_and_servers(self, person: Person) -> tuple[Member, list[Server]]:
        """What :meth:`member` and :meth:`servers` give, by one question."""
        model = await self._model(person, params={"include_stopped_servers": "1"})
        servers = map(Server.from_model, (model.get("servers") or {}).values())
        shown = [s for s in servers if s.name or s.state is not State.STOPPED]
        return Member.from_model(model, person.groups), shown

    async def server(self, person: Person, name: str) -> Server | None:
        """One server, or none of that name."""
        async with self._request("GET", person, _path(name)) as response:
            if response.status == 404:
                return None
            await check(response)
            return Server.from_model(await response.json())

    async def start(self, person: Person, name: str, ticket: str) -> None:
        """Ask for a start. That it was accepted means nothing: read :meth:`progress`.

        Raises:
            HubBusy: too many servers start at this moment.
            TooMany: too many run.
            Conflict: the name or the number of servers does not allow it.
        """
        body = {"user_options": {TICKET: ticket}}
        # A second question about a start that goes on changes nothing.
        options = {"json": body, "repeatable": True}
        async with self._request("POST", person, _path(name), **options) as response:
            await check(response)

    async def stop(self, person: Person, name: str, *, remove: bool = False, of: str = "") -> None:
        """Stop a server, and remove it from the list; its files stay. Safe to repeat.

        Args:
            of: whose it is; empty for the person's own.

        Raises:
            NotAllowed: the person may not stop it.
        """
        body, user = {"remove": True} if remove else None, of or person.name
        path = f"users/{quote(user, safe='')}/{_path(name)}"
        if await self._told_to_stop(person, path, body):
            return
        # of what somebody may not stop, the Hub says what it says of what is not there
        if not (await self._may_stop(person, user, name) or await self._gone(person, user, name)):
            raise NotAllowed(
                "The Hub does not let you stop {server} of {person}. That takes a role with the "
                "scope “delete:servers” for them.",
                server=name,
                person=user,
            )

    async def stopped(self, person: Person, name: str) -> None:
        """Wait until a server that was told to stop has done so.

        Raises:
            LaunchFailed: it does not stop.
        """
        try:
            async with asyncio.timeout(self._settings.stop_timeout):
                # the Hub streams starts, not stops
                while await self._running(person, name):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise LaunchFailed(
                "The server that runs now does not stop. Stop it on the Hub's own page, or ask "
                "the administrator."
            ) from None

    async def progress(self, person: Person, name: str) -> AsyncIterator[dict[str, Any]]:
        """What the Hub tells about a start, until it is ready.

        Yields:
            The Hub's own messages: `progress` (0-100), `message`, and `ready` in the last.

        Raises:
            LaunchFailed: the start failed; in the spawner's own words.
            StartLost: the Hub was restarted meanwhile.
        """
        for attempt in range(self._settings.reconnects + 1):
            try:
                async with aclosing(self._stream(person, name)) as messages:
                    async for message in messages:
                        if message.get("failed"):
                            page = message.get("html_message", "")
                            raise failure(message.get("message", ""), page)
                        yield message
                        if message.get("ready"):
                            return
            except HubUnavailable:
                app_log.warning("Progress of %s/%s broke off", person.name, name)
            except StartLost:
                # The Hub says the same while it removes what a failed start left; then it says why.
                server = await self._settled(person, name)
                if server is None or (attempt and server.state is State.STOPPED):
                    raise
            await asyncio.sleep(0.2 * 2**attempt)
        raise LaunchFailed(
            "Lost contact with the Hub while the server was starting. Look at it on the main page."
        )

    async def token_for_server(
        self, person: Person, name: str, *, seconds: int, scope: str = "access:servers"
    ) -> ServerToken | None:
        """A token that has one scope on one server for some seconds and does nothing else.

        None if the person's own token may not make tokens.
        """
        body = {
            "expires_in": seconds,
            "note": f"Binder@home, for the server {name}",
            "scopes": [f"{scope}!server={person.name}/{name}"],
        }
        async with self._request("POST", person, "tokens", json=body) as response:
            if response.status not in (200, 201):
                return None
            made = await response.json()
            return ServerToken(str(made["id"]), str(made["token"]))

    async def revoke(self, person: Person, id: str) -> bool:
        """Take back a token of a person; whether there is none such now."""
        path = f"tokens/{quote(id, safe='')}"
        async with self._request("DELETE", person, path) as response:
            return response.status in (204, 404)

    def people(self, admin: Person) -> AsyncIterator[dict[str, Any]]:
        """The models of all people, with their servers, as far as an administrator may see them."""
        return self.items(admin, "users", include_stopped_servers="1")

    async def items(
        self, person: Person, path: str, **params: str
    ) -> AsyncIterator[dict[str, Any]]:
        """The items of a list of the Hub, which it gives page by page.

        Raises:
            NotAllowed: the person's token may not ask.
        """
        offset, headers = 0, {"Accept": "application/jupyterhub-pagination+json"}
        while True:
            asked = {**params, "offset": str(offset)}
            async with self.call("GET", person, path, params=asked, headers=headers) as response:
                await check(response)
                page = await response.json(content_type=None)
            for item in page["items"]:
                yield item
            following = page["_pagination"]["next"]
            if not following:
                return
            offset = following["offset"]

    async def groups(self, person: Person) -> tuple[str, ...]:
        """The groups a person is in now; as known at sign-in if their token may not ask."""
        return (await self.member(person)).groups

    async def member(self, person: Person) -> Member:
        """What the Hub knows of a person now, as far as their token may ask."""
        return Member.from_model(await self._model(person), person.groups)

    async def check_known(self, person: Person, what: str, name: str) -> None:
        """Refuse a `person` or `group` of whom this hub does not know.

        Raises:
            NotFound: nobody is called that here.
            NotAllowed: the person's token may not ask.
        """
        kind = {"person": "users", "group": "groups"}[what]
        async with self.call("GET", person, f"{kind}/{quote(name, safe='')}") as response:
            if response.status == 404:
                raise unknown(what, name)
            await check(response)

    # ---- requests

    def call(
        self, method: str, person: Person, path: str, **options: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """A request to the Hub's API in a person's name; the answer is for :func:`check`.

        Raises:
            HubUnavailable: it does not answer, and was not back in time.
        """
        return self._api.call(method, person.token, path, **options)

    async def _may_stop(self, person: Person, user: str, name: str) -> bool:
        """Whether a person's token may stop a server, whether or not there is one."""
        async with self.call("GET", person, "user") as response:
            await check(response)
            scopes = (await response.json()).get("scopes") or ()
        everybody = "delete:servers"
        may = {everybody, f"{everybody}!user={user}", f"{everybody}!server={user}/{name}"}
        return not may.isdisjoint(scopes)

    async def _gone(self, person: Person, user: str, name: str) -> bool:
        """Whether a person sees all of somebody's servers, and none of that name."""
        path, asked = f"users/{quote(user, safe='')}", {"include_stopped_servers": "1"}
        async with self.call("GET", person, path, params=asked) as response:
            servers = (await response.json()).get("servers") if response.status == 200 else None
        return servers is not None and name not in servers

    async def _told_to_stop(self, person: Person, path: str, body: Any) -> bool:
        """Tell a server to stop; False if there is none, or not for this person."""
        pauses = iter(_INTERRUPTED)
        while True:
            async with self.call("DELETE", person, path, json=body) as response:
                if response.status == 404:
                    return False
                pause = next(pauses, None)
                if response.status < 500 or pause is None:
                    await check(response)
                    return True
            await asyncio.sleep(pause)

    async def _running(self, person: Person, name: str) -> bool:
        server = await self.server(person, name)
        return server is not None and server.state is not State.STOPPED

    async def _settled(self, person: Person, name: str) -> Server | None:
        """A server, once the Hub has looked for it after a restart, or is done with stopping it."""
        while True:
            server = await self.server(person, name)
            if server is None or server.state in (State.RUNNING, State.STOPPED):
                return server
            await asyncio.sleep(0.5)

    async def _stream(self, person: Person, name: str) -> AsyncGenerator[dict[str, Any]]:
        parser = Parser()
        # the Hub says something at least every 8 s
        timeout = aiohttp.ClientTimeout(total=None, sock_read=30)
        path = f"{_path(name)}/progress"
        options = {"timeout": timeout, "stream": True}
        async with self._request("GET", person, path, **options) as response:
            if response.status in (400, 404):
                raise StartLost("The Hub was restarted while your server started. Launch it again.")
            await check(response)
            async for chunk in response.content.iter_any():
                for message in parser.feed(chunk):
                    yield message

    async def _model(self, person: Person, **options: Any) -> Any:
        async with self._request("GET", person, "", **options) as response:
            await check(response)
            return await response.json()

    def _request(
        self, method: str, person: Person, path: str, **options: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        user = f"users/{quote(person.name, safe='')}"
        return self.call(method, person, f"{user}/{path}" if path else user, **options)


def _path(name: str) -> str:
    return f"servers/{quote(name, safe='')}"
