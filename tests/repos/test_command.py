"""Calls of git end in every case."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from patience import SOON

from binderhub_ext.programs import TimedOut, TooMuch
from binderhub_ext.repos.checkout import initialise
from binderhub_ext.repos.command import Call, run


@pytest.fixture
async def large(tmp_path: Path) -> Call:
    """A call whose output fills every buffer on the way."""
    await initialise(tmp_path, 40)
    store = Call(["hash-object", "-w", "--stdin"], tmp_path, stdin=os.urandom(5_000_000))
    return Call(["cat-file", "blob", (await run(store)).decode().strip()], tmp_path)


@pytest.mark.parametrize("limit", [1, 200_000])
async def test_too_much_output_ends_it(large: Call, limit: int) -> None:
    call = Call(large.arguments, large.directory, output_limit=limit)
    for _ in range(20):
        async with asyncio.timeout(SOON):
            with pytest.raises(TooMuch):
                await run(call)


async def test_time_ends_it(large: Call) -> None:
    call = Call(
        ["hash-object", "--stdin-paths"], large.directory, stdin=b"/dev/zero\n", timeout=0.2
    )
    async with asyncio.timeout(SOON):
        with pytest.raises(TimedOut):
            await run(call)
