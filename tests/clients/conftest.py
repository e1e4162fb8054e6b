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
from playwright.sync_api import Browser, expect

HERE = Path(__file__).parent
# What a person does in a browser is written down once, in the browser tests' folder.
sys.path[:0] = [str(HERE.parent / "browser"), str(HERE.parent / "service")]

from chromium import artifacts, browser, context, new_context, page, pytest_runtest_teardown  # noqa: E402
from homehub import HomeHub  # noqa: E402

__all__ = ["artifacts", "browser", "context", "page", "pytest_runtest_teardown"]

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
    with ForeignSite().serving() as site:
        yield site


@pytest.fixture(scope="session")
def hub(site: ForeignSite) -> Iterator[HomeHub]:
    """`binder-at-home up` with the local engine, which lists the other site."""
    lacking = [name for name in ("bwrap", "pasta") if shutil.which(name) is None]
    if problem := missing() or ", ".join(f"{name} is not installed" for name in lacking):
        pytest.skip(problem)
    with HomeHub.running(_CONFIG.format(origin=site.url)) as hub:
        yield hub


@pytest.fixture(scope="module")
def token(hub: HomeHub, browser: Browser) -> str:
    """A token of maria's, as she makes it on the Hub's token page."""
    context = new_context(browser)
    page = context.new_page()
    hub.sign_in(page, "maria")
    # its script has to be there before the button is pressed
    page.goto(f"{hub.url}/hub/token", wait_until="networkidle")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("#token-result")).not_to_be_empty()
    made = page.locator("#token-result").inner_text()
    context.close()
    return made
