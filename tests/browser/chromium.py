"""Fixtures with Debian's Chromium, for every folder whose tests use a browser.

`browser`: one for a module. `context`: a person's, with own cookies. `page`: a page of it.
`artifacts`: where screenshots go.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

# As long as Playwright waits for everything else. What is there sooner costs nothing, and a busy
# machine takes longer than the 5 s that it has for this.
expect.set_options(timeout=30_000)

# Debian's packages. The whole browser now and then never answers when it is to close a context.
PROGRAMS = ("chromium-headless-shell", "chromium")
# What else would call home, and what a sandbox inside a container cannot do.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where screenshots go; never kept in the repository."""
    folder = Path(__file__).parents[2] / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder


# Not for the whole session: Playwright's event loop would stand in the way of tests with their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if executable is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium-headless-shell)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser: own cookies."""
    context = browser.new_context(viewport={"width": 1100, "height": 800}, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
