"""A base of packages of the system for all tests that build on one, and Chromium."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from basesystem import PACKAGES, Machine
from datadirs import temporary_data

# What a person does in a browser is written down once, in the browser tests' folder.
sys.path[:0] = [str(Path(__file__).parents[2] / "browser")]

from chromium import artifacts, browser, context, page, pytest_runtest_teardown  # noqa: E402

__all__ = ["artifacts", "browser", "context", "page", "pytest_runtest_teardown"]


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """The base, and a layer, which two asked for at once."""
    with temporary_data() as data:
        machine = Machine(data)

        async def twice() -> list[Path]:
            asked = (PACKAGES, ("figlet",))
            return await asyncio.gather(*(machine.layer(*packages) for packages in asked))

        asyncio.run(twice())
        yield machine
