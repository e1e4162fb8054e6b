"""A disk without a byte left: containers start, and files can be deleted in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dockerhub import DockerHub, running_docker_hub
from smalldisk import FILL, leave_free, small_disk

from binderhub_ext.core.launch import Files

MIB = 1 << 20
EXTRA = """
from binderhub_ext.hub import use_write_ahead_log
use_write_ahead_log()
"""


@pytest.fixture
def hub(plain_image: str) -> Iterator[DockerHub]:
    """A Hub whose data directory is a small disk of its own."""
    with running_docker_hub(plain_image, EXTRA, small_disk) as hub:
        yield hub


async def test_a_full_disk(hub: DockerHub) -> None:
    commit, project = hub.repository({"index.txt": "hello"}, "o/full")
    new, elsewhere = hub.repository({"index.txt": "new"}, "o/new")
    launch = hub.launch("ann", commit=commit, project=project)
    fresh = hub.launch("ann", "two", commit=new, project=elsewhere, files=Files.HOME)
    read = f"print(open({elsewhere!r} + '/index.txt').read())"
    async with hub.client() as client:
        await client.start(launch)
        # a little more than what is left of the Hub's own journal
        leave_free(hub.data, 2 * MIB)
        told = await client.run("ann", FILL)
        assert told.output.strip() == "No space left on device", told
        await client.stop("ann")

        for wanted in (launch, fresh):
            events = await client.start(wanted)
            words = [event["message"] for event in events]
            assert any("The disk of this hub is full" in text for text in words), words
        told = await client.run("ann", read, "two")
        assert "FileNotFoundError" in told.error, told
        told = await client.run(
            "ann", "import os; print(open('index.txt').read()); os.unlink('junk')"
        )
        assert (told.output.strip(), told.error) == ("hello", "")
        for server in ("one", "two"):
            await client.stop("ann", server)

        leave_free(hub.data, 1 << 30)
        await client.start(fresh)
        told = await client.run("ann", read, "two")
        assert told.output.strip() == "new", told
        await client.stop("ann", "two")
    assert hub.alive
