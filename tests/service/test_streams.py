"""Event streams as they leave this machine, and how many one account has."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
from patience import SOON
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from binderhub_ext.languages.choice import Offer
from binderhub_ext.service.bans import Bans
from binderhub_ext.service.hub import Person
from binderhub_ext.service.launching.news import News
from binderhub_ext.service.turns import Turns
from binderhub_ext.service.web.handlers.api import WorkEvents
from binderhub_ext.service.web.handlers.base import Handler
from binderhub_ext.service.web.handlers.build import Build
from binderhub_ext.service.web.handlers.streams import EventStream


class Known(Handler):
    """Takes a program's word for who it is."""

    async def find_person(self) -> None:
        self._token_authenticated = True
        self.person = Person(self.request.headers["Name"], token="")


class Work(Known, WorkEvents):
    """`/api/work/events`."""


class Builds(Known, Build):
    """`/build/…`."""


@asynccontextmanager
async def served(application: Application) -> AsyncIterator[str]:
    """The address of an application."""
    server = HTTPServer(application)
    (listening,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(listening)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.stop()
        await server.close_all_connections()


class SaysItsOption(EventStream):
    """Tells whether its connection sends each event at once."""

    def set_default_headers(self) -> None:
        pass

    async def prepare(self) -> None:
        pass

    def get(self) -> None:
        self.open_stream()
        sending: socket.socket = self.request.connection.stream.socket  # type: ignore[attr-defined]
        self.write(f"data: {sending.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)}\n\n")


async def test_an_event_does_not_wait_for_the_one_before_to_be_acknowledged() -> None:
    async with (
        served(Application([("/", SaysItsOption)])) as url,
        aiohttp.ClientSession() as session,
        session.get(url) as response,
    ):
        assert response.content_type == "text/event-stream"
        assert await response.text() == "data: 1\n\n"


async def test_an_account_has_a_bounded_number_of_streams() -> None:
    async def came(person: Person) -> float:
        return person.since

    service = SimpleNamespace(
        servers="",
        origins=(),
        bans=Bans(),
        offer=Offer(),
        heirs=SimpleNamespace(came=came),
        news=News(),
        streams=Turns(2),
    )
    routes = [("/work", Work), (r"/build/([^/]+)/(.+)", Builds)]

    def ask(name: str, path: str = "/work") -> Any:
        headers = {"Name": name, "Accept": "text/event-stream"}
        return session.get(url + path, headers=headers)

    async with (
        served(Application(routes, binder=service)) as url,
        aiohttp.ClientSession() as session,
        AsyncExitStack() as held,
    ):
        first = await held.enter_async_context(ask("ana"))
        second = await held.enter_async_context(ask("ana"))
        assert (first.status, second.status) == (200, 200)
        async with ask("ana") as refused:
            said = await refused.json()
            assert (refused.status, said["code"]) == (429, "too-many")
            assert "Close some" in said["message"]
        async with ask("ana", "/build/gh/o/r/main") as refused:
            event = json.loads((await refused.text()).partition("data: ")[2])
            assert (refused.status, event["phase"], event["status_code"]) == (200, "failed", 429)
        async with ask("bob") as other:
            assert other.status == 200, "somebody else's are no matter"
        first.close()
        async with asyncio.timeout(SOON):
            # it is given back
            while (await held.enter_async_context(ask("ana"))).status != 200:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        service.news.close()
