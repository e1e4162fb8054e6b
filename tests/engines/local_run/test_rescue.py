"""A disk without a byte left, a home over its limit: servers start, and files can be deleted."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import PurePosixPath

import pytest
from patience import START
from sandboxhub import Client, SandboxHub, running_hub
from smalldisk import FILL, leave_free, small_disk

from binderhub_ext.core.launch import Files
from binderhub_ext.storage.usage import forget_usage, usage

MIB = 1 << 20
EXTRA = """
from binderhub_ext.hub import use_write_ahead_log
use_write_ahead_log()
c.Space.home_limit = "64M"
"""


@pytest.fixture(scope="module")
def hub() -> Iterator[SandboxHub]:
    """A Hub whose data directory is a small disk of its own."""
    with running_hub("root", EXTRA, small_disk) as hub:
        yield hub


@pytest.fixture
async def client(hub: SandboxHub) -> AsyncIterator[Client]:
    async with hub.client() as client:
        yield client


async def run(client: Client, user: str, code: str, server: str = "one") -> str:
    """What code in a kernel printed; if there was no kernel, why."""
    told = await client.run(user, code, server, seconds=START)
    logs = (client.hub.layout.run / "servers").glob("*/server.log")
    assert not told.error, (told, *(log.read_text(errors="replace")[-3000:] for log in logs))
    return told.output.strip()


async def test_a_full_disk(hub: SandboxHub, client: Client) -> None:
    commit, project = hub.repository({"index.txt": "hello"}, "o/full")
    new, elsewhere = hub.repository({"index.txt": "new"}, "o/new")
    launch = hub.launch("ann", commit=commit, project=project)
    await client.start(launch)
    # a little more than what is left of the Hub's own journal
    leave_free(hub.data, 2 * MIB)
    assert await run(client, "ann", FILL) == "No space left on device"
    await client.stop("ann")

    events = await client.start(launch)
    assert any("The disk of this hub is full" in event["message"] for event in events), events
    assert await run(client, "ann", "print(open('index.txt').read())") == "hello"
    await client.stop("ann")

    # A project that is not there yet: the server has an empty folder, and the next start fills it.
    fresh = hub.launch("ann", "two", commit=new, project=elsewhere, files=Files.HOME)
    await client.start(fresh)
    assert list((hub.layout.home("ann") / elsewhere).iterdir()) == []
    assert await run(client, "ann", f"import os; print(os.listdir({elsewhere!r}))", "two") == "[]"
    await client.stop("ann", "two")

    await client.start(launch)
    status = await delete_in_the_file_browser(client, "junk")
    assert status == 204
    await client.stop("ann")
    leave_free(hub.data, 1 << 30)
    await client.start(fresh)
    read = f"print(open({elsewhere!r} + '/index.txt').read())"
    assert await run(client, "ann", read, "two") == "new"
    await client.stop("ann", "two")
    assert hub.alive


async def delete_in_the_file_browser(client: Client, path: str) -> int:
    port = client.hub.server_port("ann", "one")
    url = f"http://127.0.0.1:{port}/user/ann/one/api/contents/{path}"
    headers = {"Authorization": f"token {await client.access('ann')}"}
    async with client.session.delete(url, headers=headers) as reply:
        return reply.status


async def test_a_home_over_its_limit(hub: SandboxHub, client: Client) -> None:
    """By what was measured; only for whom it is, and only until there is room again."""
    leave_free(hub.data, 1 << 30)
    commit, project = hub.repository({"index.txt": "hello"}, "o/limit")
    launch = hub.launch("bob", commit=commit, project=project)
    big = hub.launch("bob", "big")
    await client.start(big)
    await run(client, "bob", "open('big', 'wb').write(b'x' * (65 << 20))", "big")
    home, layout = PurePosixPath(hub.layout.home("bob").name), hub.layout
    for root in (layout.homes, layout.states):
        usage(layout, root, home, now=time.time(), max_age=0)
    events = await client.start(launch)
    words = [event["message"] for event in events]
    assert any("So nothing new is put into them" in text for text in words), words
    assert await run(client, "bob", "import os; print(os.listdir())") == "[]"
    await client.stop("bob")
    await run(client, "bob", "import os; os.unlink('big')", "big")
    for root in (layout.homes, layout.states):
        forget_usage(layout, root, home)
    await client.start(launch)
    assert "index.txt" in await run(client, "bob", "import os; print(os.listdir())")
    await client.stop("bob")
    await client.stop("bob", "big")
