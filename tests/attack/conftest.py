"""`attack`: a Hub on which `ana` works and `eve` tries everything from inside her server.

The Hub and both servers are real; once the Hub is root, once an ordinary user.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from intruder import MEMORY, Attack
from sandboxhub import SandboxHub

from binderhub_ext.core.launch import Files


@pytest.fixture
def listeners() -> Iterator[dict[str, Any]]:
    name = secrets.token_hex(8)
    with (
        socket.socket() as loopback,
        socket.socket() as everywhere,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        loopback.bind(("127.0.0.1", 0))
        everywhere.bind(("0.0.0.0", 0))
        abstract.bind("\0" + name)
        for each in (loopback, everywhere, abstract):
            each.listen()
        yield {
            "host_port": loopback.getsockname()[1],
            "open_port": everywhere.getsockname()[1],
            "abstract": name,
        }


@pytest.fixture
async def attack(sandbox_hub: SandboxHub, listeners: dict[str, Any]) -> AsyncIterator[Attack]:
    secret = secrets.token_hex(16)
    async with sandbox_hub.client() as client:
        ana = sandbox_hub.launch("ana", files=Files.HOME)
        eve = sandbox_hub.launch("eve", files=Files.HOME, memory=MEMORY, cpu=1)
        await client.start(ana)
        await client.start(eve)
        await client.run("ana", f"open('secret.txt', 'w').write({secret!r})")
        attack = Attack(sandbox_hub, client, secret, **listeners)
        try:
            yield attack
        finally:
            await asyncio.gather(client.stop("ana"), client.stop("eve"))
