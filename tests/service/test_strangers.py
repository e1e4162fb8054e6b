"""What is left of people who are not signed in."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from weakref import WeakSet

import aiohttp
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from binderhub_ext.languages.choice import Offer
from binderhub_ext.service.bans import Bans
from binderhub_ext.service.web.handlers.base import Api

ASKED: WeakSet[Api] = WeakSet()


class Asks(Api):
    """Something that only people who are signed in may do."""

    def initialize(self) -> None:
        ASKED.add(self)

    async def find_person(self) -> None:
        pass


class Hears(Api):
    """Something that anybody may say."""

    public = True

    def post(self) -> None:
        self.json_body()


@asynccontextmanager
async def served(handler: type[Api]) -> AsyncIterator[str]:
    """The address at which strangers ask."""
    service = SimpleNamespace(servers="", origins=(), bans=Bans(), offer=Offer())
    server = HTTPServer(Application([("/", handler)], binder=service))
    (listening,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(listening)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.stop()
        await server.close_all_connections()


async def test_nothing_is_kept_of_a_request_that_was_refused() -> None:
    """Every error has the frames it came through, and they have the request with all it sent."""
    async with served(Asks) as url, aiohttp.ClientSession() as session:
        for _ in range(5):
            async with session.post(url, data=b"x" * (1 << 20)) as response:
                assert response.status == 403
                assert "Sign in first" in (await response.json())["message"]
    gc.collect()
    assert not ASKED


async def test_what_is_too_large_is_not_read() -> None:
    async with served(Hears) as url, aiohttp.ClientSession() as session:
        for body, words in ((b"[" * 100, "not JSON"), (b"[" * (1 << 20), "at most 64 kB")):
            async with session.post(url, data=body) as response:
                assert response.status == 400
                assert words in (await response.json())["message"]
