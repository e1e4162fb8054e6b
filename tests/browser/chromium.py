"""Fixtures with Debian's Chromium, for every folder whose tests use a browser.

`browser`: one for all modules that follow each other. `context`: a person's, with own cookies;
`new_context` makes others. `page`: a page of it. `artifacts`: where screenshots go.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from patience import SOON_MS, START_MS
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

expect.set_options(timeout=SOON_MS)

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


_running = ExitStack()
_browsers: list[Browser] = []


@pytest.fixture(scope="module")
def browser() -> Browser:
    if not _browsers or not _browsers[-1].is_connected():
        _end_browser()
        _browsers.append(_begin_browser())
    return _browsers[-1]


def _begin_browser() -> Browser:
    executable = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if executable is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium-headless-shell)")
    program = Path(_running.enter_context(TemporaryDirectory(prefix="chromium-")), "chromium")
    begin = shlex.join(
        [sys.executable, str(Path(__file__).with_name("undisturbed.py")), executable]
    )
    program.write_text(f'#!/bin/sh\nexec {begin} "$@"\n')
    program.chmod(0o755)
    playwright = _running.enter_context(sync_playwright())
    browser = playwright.chromium.launch(executable_path=program, args=FLAGS, timeout=START_MS)
    _running.callback(browser.close)
    return browser


def _end_browser() -> None:
    _browsers.clear()
    _running.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Function | None
) -> Generator[None, None, None]:
    """End the browser where a module without one follows.

    Playwright's event loop would stand in the way of tests with their own.
    """
    yield
    if nextitem is None or (nextitem.path != item.path and "browser" not in nextitem.fixturenames):
        _end_browser()


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Another person's browser, or one with other options (Playwright's), as patient as any."""
    context = browser.new_context(**options)
    context.set_default_timeout(SOON_MS)
    return context


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser: own cookies."""
    context = new_context(browser, viewport={"width": 1100, "height": 800}, reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
