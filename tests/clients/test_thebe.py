"""Thebe from npm, unmodified, in a page of another site: a kernel of a person's own server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foreignsite import ForeignSite
from gitserver import RepoHandle
from homehub import HomeHub
from patience import START_MS
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def repo(hub: HomeHub) -> RepoHandle:
    return hub.git.create_repo("clients/book", {"requirements.txt": "humanize\n"})


def book(site: ForeignSite, hub: HomeHub, repo: RepoHandle, token: str) -> str:
    """A page of a book as its author writes it; its address."""
    options = {
        "bootstrap": False,
        "requestKernel": True,
        "mountStatusWidget": True,
        "binderOptions": {
            "repo": repo.url,
            "ref": "main",
            "binderUrl": hub.main_page,
            "repoProvider": "git",
            "savedSessionOptions": {"enabled": False},
        },
    }
    head = f"""
        <script src="{hub.main_page}static/js/eventsource.js"></script>
        <script>binderToken({json.dumps(hub.main_page)}, {json.dumps(token)})</script>
        <script type="text/x-thebe-config">{json.dumps(options)}</script>
        <link rel="stylesheet" href="/npm/thebe/lib/thebe.css">
        <script src="/npm/thebe/lib/index.js"></script>
    """
    cell = "import humanize\nprint(humanize.intcomma(1234567))"
    return site.show("/book.html", f'<pre data-executable="true">{cell}</pre>', head)


def test_a_book_runs_code(
    clients: Path,
    hub: HomeHub,
    site: ForeignSite,
    token: str,
    repo: RepoHandle,
    page: Page,
    artifacts: Path,
) -> None:
    page.goto(book(site, hub, repo, token))
    page.wait_for_function("!!window.thebe")
    page.evaluate("() => { thebe.bootstrap({requestKernel: true}) }")
    run = page.get_by_role("button", name="run", exact=True)
    expect(run).to_be_visible(timeout=START_MS)
    page.wait_for_function("window.thebe.session?.kernel?.status === 'idle'", timeout=START_MS)
    run.click()
    expect(page.locator(".thebe-output").first).to_contain_text("1,234,567")
    page.screenshot(path=artifacts / "thebe.png")
