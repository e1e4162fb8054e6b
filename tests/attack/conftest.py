"""`attack`: a Hub on which `ana` works and `eve` tries everything from inside her server.

The Hub and both servers are real; once the Hub is root, once an ordinary user.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secret(sandbox_hub: SandboxHub) -> AsyncIterator[str]:
    """What ana, whose server runs, has in a file; at the end both servers are stopped."""
    secret = secrets.token_hex(16)
    async with sandbox_hub.client() as client:
        await client.start(sandbox_hub.launch("ana", files=Files.HOME))
        await client.run("ana", f"open('secret.txt', 'w').write({secret!r})")
        yield secret
        for name in ("ana", "eve"):
            if await client.servers(name):
                await client.stop(name)


@pytest.fixture
async def attack(
    sandbox_hub: SandboxHub, secret: str, listeners: dict[str, Any]
) -> AsyncIterator[Attack]:
    async with sandbox_hub.client() as client:
        await client.user("eve")
        if not await client.servers("eve"):
            eve = sandbox_hub.launch("eve", files=Files.HOME, memory=MEMORY, cpu=1)
            await client.start(eve)
        attack = Attack(sandbox_hub, client, secret, **listeners)
        yield attack
        if attack.spoiled:
            await client.stop("eve")
