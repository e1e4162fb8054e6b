"""Nobody is sent to a program that does not answer: what listens at a port of a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from patience import SOON

from binderhub_ext.core.errors import TargetMissing
from binderhub_ext.core.launch import Launch
from binderhub_ext.core.targets import TARGETS, Target, table
from binderhub_ext.service.hub import Person, Server, ServerToken, State
from binderhub_ext.service.launching.landing import Landing

ANA = Person("ana", "token-of-ana")
SERVER = Server("one", State.RUNNING, "/user/ana/one/")


class Tokens:
    """As much of the Hub as landing asks."""

    asked = 0

    async def token_for_server(self, person: Person, server: str, *, seconds: int) -> ServerToken:
        self.asked += 1
        return ServerToken("a1", "of-the-server")


@asynccontextmanager
async def proxy(*statuses: int) -> AsyncIterator[tuple[str, list[str]]]:
    """The Hub's proxy, at which a port answers with these; the last one stays. JupyterLab does."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        if "/proxy/" not in request.path:
            return web.Response()
        asked.append(request.path)
        return web.Response(status=statuses[min(len(asked), len(statuses)) - 1])

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def land(
    url: str, path: str, *more: Target, patience: float = SOON
) -> tuple[str, list[str], Tokens]:
    hub, told = Tokens(), []
    known = table(*TARGETS.values(), *more)
    landing = Landing(hub, known, proxy_url=url, patience=patience)  # type: ignore[arg-type]
    launch = Launch("ana", "one", None, "", "image", target=path)
    found = await landing.find(ANA, launch, SERVER, lambda event: told.append(event.message))
    return found, told, hub


async def test_a_program_at_a_port_is_waited_for() -> None:
    async with proxy(500, 500, 200) as (url, asked):
        found, told, hub = await land(url, "proxy/3333/projects?x=1")
    assert found == "/user/ana/one/proxy/3333/projects?x=1"
    assert told == ["Waiting for Port 3333."]
    assert asked == ["/user/ana/one/proxy/3333/projects"] * 3
    assert hub.asked == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (500, "Port 3333 does not answer. The server runs"),
        (404, "Port 3333 is not in this environment (it needs the package jupyter-server-proxy)"),
    ],
)
async def test_one_that_is_not_there_is_told(status: int, words: str) -> None:
    async with proxy(status) as (url, _):
        with pytest.raises(TargetMissing) as caught:
            await land(url, "proxy/3333/", patience=1 if status == 500 else SOON)
    assert caught.value.message.startswith(words)


async def test_the_administrators_name_for_it() -> None:
    refine = Target("openrefine", "OpenRefine", "proxy/3333/", heads=("proxy",))
    async with proxy(500, 200) as (url, _):
        found, told, _ = await land(url, "proxy/3333/", refine)
    assert (found, told) == ("/user/ana/one/proxy/3333/", ["Waiting for OpenRefine."])
