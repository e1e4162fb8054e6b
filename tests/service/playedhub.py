"""A Hub's port, at which a test gives the answers itself; and our client that asks there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from ports import free_ports

from binderhub_ext.service.hub import HubClient, Person
from binderhub_ext.service.hubapi import HubSettings

ADA = Person("ada", "token")


class Port:
    """Where a Hub listens, or nobody does."""

    def __init__(self) -> None:
        self.number = free_ports(1)
        self.asked: list[str] = []
        self._runner: web.AppRunner | None = None

    @property
    def verbs(self) -> list[str]:
        return [each.split()[0] for each in self.asked]

    async def open(self, *answers: Any) -> None:
        """Listen, with the answers for the next questions in their order."""
        left = list(answers)

        async def answer(request: web.Request) -> web.StreamResponse:
            self.asked.append(f"{request.method} {request.path}")
            found = left.pop(0)
            if callable(found):
                response: web.StreamResponse = await found(request)
                return response
            return web.json_response(found[1], status=found[0])

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.number).start()

    async def shut(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None


@asynccontextmanager
async def a_hub(**settings: Any) -> AsyncIterator[tuple[Port, HubClient]]:
    port = Port()
    client = HubClient(HubSettings(f"http://127.0.0.1:{port.number}/hub/api", **settings))
    try:
        yield port, client
    finally:
        await client.close()
        await port.shut()


async def stream(request: web.Request, *messages: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for message in messages:
        await response.write(f"data: {message}\n\n".encode())
    return response


async def gets_ready(request: web.Request) -> web.StreamResponse:
    return await stream(request, '{"progress": 100, "ready": true, "message": "ready"}')
