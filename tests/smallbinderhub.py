"""A small BinderHub, which says of every build what a test gives it to say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from binderhub_ext.engines.containers.binderhub import BinderHub

READY = {"phase": "ready", "message": "Done\n", "imageName": "registry.example.org/x:1"}
Answers = list[list[dict[str, Any]]]


@asynccontextmanager
async def answering(answers: Answers) -> AsyncIterator[tuple[BinderHub, list[web.BaseRequest]]]:
    """A BinderHub whose streams are these, one after the other."""
    asked: list[web.BaseRequest] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in answers[min(len(asked), len(answers)) - 1]:
            await response.write(f":keepalive\n\ndata: {json.dumps(event)}\n\n".encode())
        return response

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        yield BinderHub(f"http://127.0.0.1:{port}/services/binder"), asked
    finally:
        await runner.cleanup()
