"""A hub as `binder-at-home up` starts it, another site that uses it, and Chromium."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import npm
import pytest
from foreignsite import ForeignSite
from gitserver import missing
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

HERE = Path(__file__).parent
# What a person does in a browser is written down once, in the browser tests' folder.
sys.path[:0] = [str(HERE.parent / "browser"), str(HERE.parent / "service")]

from homehub import HomeHub  # noqa: E402

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

_CONFIG = """
c.Access.origins = [{origin!r}]
c.LaunchPolicy.extra_targets = {{
    "paper": {{"title": "One document", "path": "doc", "file": "doc/tree/{{path}}"}},
    "pluto": {{"title": "Pluto", "path": "pluto/", "needs": "the package pluto"}},
}}
"""


@pytest.fixture(scope="session")
def clients() -> Path:
    """The folder with the clients from npm."""
    if problem := npm.missing():
        pytest.skip(problem)
    return npm.MODULES


@pytest.fixture(scope="session")
def site() -> Iterator[ForeignSite]:
    with ForeignSite() as site:
        yield site


@pytest.fixture(scope="session")
def hub(site: ForeignSite) -> Iterator[HomeHub]:
    """`binder-at-home up` with the local engine, which lists the other site."""
    lacking = [name for name in ("bwrap", "pasta") if shutil.which(name) is None]
    if problem := missing() or ", ".join(f"{name} is not installed" for name in lacking):
        pytest.skip(problem)
    with HomeHub.running(_CONFIG.format(origin=site.url)) as hub:
        yield hub


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where screenshots go; never kept in the repository."""
    folder = HERE.parents[1] / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A person's browser: own cookies, small waits."""
    context = browser.new_context(viewport={"width": 1100, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(scope="module")
def token(hub: HomeHub, browser: Browser) -> str:
    """A token of maria's, as she makes it on the Hub's token page."""
    context = browser.new_context()
    page = context.new_page()
    hub.sign_in(page, "maria")
    # its script has to be there before the button is pressed
    page.goto(f"{hub.url}/hub/token", wait_until="networkidle")
    page.get_by_role("button", name="Request new API token").click()
    expect(page.locator("#token-result")).not_to_be_empty(timeout=20_000)
    made = page.locator("#token-result").inner_text()
    context.close()
    return made
