"""The service as the Hub knows it where secrets are concerned: it answers what a ticket names."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from sandboxhub import SandboxHub

from binderhub_ext.core.handover import Handover
from binderhub_ext.core.launch import read_ticket
from binderhub_ext.core.secretnames import Secret


@asynccontextmanager
async def keeping(hub: SandboxHub, kept: Mapping[str, Secret]) -> AsyncIterator[None]:
    """Be a Hub's service that keeps these secrets of everybody."""
    handover = Handover(hub.secret)

    async def answer(request: web.Request) -> web.Response:
        question = handover.read_question((await request.json())["question"])
        whose = {"user": question.user, "server": question.server}
        launch = read_ticket(question.ticket, hub.secret, **whose)
        given = [kept[name] for name in launch.secrets if name in kept]
        return web.json_response({"answer": handover.answer(question, given)})

    application = web.Application()
    application.router.add_post("/services/binder/api/handover", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", hub.service).start()
        yield
    finally:
        await runner.cleanup()
