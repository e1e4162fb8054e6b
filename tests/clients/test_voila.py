"""Voilà from a repository's `requirements.txt`, and targets that are not there, in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from chromium import new_context
from gitserver import RepoHandle
from homehub import HomeHub
from lab import notebook
from patience import START_MS
from playwright.sync_api import Browser, Page, expect


@pytest.fixture(scope="module")
def repo(hub: HomeHub) -> RepoHandle:
    files = {
        "requirements.txt": "voila\nipykernel\n",
        "app/dash board.ipynb": notebook("print('The sum is', 40 + 2)"),
    }
    return hub.git.create_repo("clients/dashboard", files)


@pytest.fixture(scope="module")
def plain(hub: HomeHub) -> RepoHandle:
    return hub.git.create_repo("clients/plain", {"requirements.txt": "", "a b.md": "Twice a day"})


@pytest.fixture
def jonas(hub: HomeHub, browser: Browser) -> Iterator[Page]:
    context = new_context(browser, reduced_motion="reduce")
    page = context.new_page()
    hub.sign_in(page, "jonas")
    yield page
    context.close()


def follow(hub: HomeHub, repo: RepoHandle, page: Page, options: str) -> None:
    """Follow a link to the repository and say yes."""
    page.goto(f"{hub.main_page}v2/git/{quote(repo.url, safe='')}/main?{options}")
    page.get_by_role("button", name="Launch", exact=True).click()


@pytest.mark.parametrize(
    "options",
    [
        "urlpath=voila%2Frender%2Fapp%2Fdash%2520board.ipynb",
        "target=voila&filepath=app/dash%20board.ipynb&files=home&server=at-home",
    ],
)
def test_a_notebook_as_an_application(
    hub: HomeHub, repo: RepoHandle, jonas: Page, artifacts: Path, options: str
) -> None:
    follow(hub, repo, jonas, options)
    jonas.wait_for_url(
        "**/voila/render/**/app/dash%20board.ipynb*"
        if "home" in options
        else "**/voila/render/app/dash%20board.ipynb*",
        timeout=START_MS,
    )
    expect(jonas.locator("body")).to_contain_text("The sum is 42")
    expect(jonas.locator("body")).not_to_contain_text("40 + 2")
    jonas.screenshot(path=artifacts / "voila.png")


def test_the_list_of_applications(hub: HomeHub, repo: RepoHandle, jonas: Page) -> None:
    follow(hub, repo, jonas, "target=voila")
    jonas.wait_for_url(re.compile(r"/user/jonas/dashboard-\w+/voila"), timeout=START_MS)
    expect(jonas.locator("body")).to_contain_text("app")


def test_a_target_of_the_administrator(hub: HomeHub, plain: RepoHandle, jonas: Page) -> None:
    follow(hub, plain, jonas, "target=paper&filepath=a%20b.md")
    jonas.wait_for_url("**/user/jonas/plain-*/doc/tree/a%20b.md", timeout=START_MS)
    expect(jonas.locator("body")).to_contain_text("Twice a day")


def test_a_target_that_does_not_answer(hub: HomeHub, plain: RepoHandle, jonas: Page) -> None:
    follow(hub, plain, jonas, "target=pluto&server=no-pluto")
    words = "Pluto is not in this environment (it needs the package pluto)."
    expect(jonas.locator("#failure-words")).to_contain_text(words, timeout=START_MS)
    expect(jonas.get_by_role("link", name="Change")).to_be_visible()
    jonas.get_by_role("button", name="Open JupyterLab").click()
    jonas.wait_for_url(re.compile("/user/jonas/no-pluto/lab"), timeout=START_MS)


def test_a_target_nobody_offers(hub: HomeHub, repo: RepoHandle, jonas: Page) -> None:
    jonas.goto(f"{hub.main_page}v2/git/{quote(repo.url, safe='')}/main?target=nonsense")
    expect(jonas.locator("main")).to_contain_text("There is no target")
    expect(jonas.locator("main")).to_contain_text("pluto")
