"""The static page that opens a link on the hub of the reader's choice, beside a hub of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import samples
from harness import Pages
from httpserver import HOST, serving_files
from playwright.sync_api import Page, expect

DOCS = Path(__file__).parents[2] / "docs"
LINK = "v2/gh/ana/tides/main?urlpath=lab"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """Where somebody has put the page."""
    with serving_files(DOCS) as url:
        yield f"{url.replace(HOST, 'localhost')}/open.html"


@pytest.fixture
def hub(pages: Pages) -> str:
    """Address of a hub whose service has the launch, as people know it."""
    pages.answers["versions"] = {"binderhub": "1", "name": "binder-at-home"}
    pages.show(LINK.partition("?")[0], "confirm.html", **samples.confirm())
    return pages.url.removeprefix("http://").removesuffix("/services/binder/")


def choose(page: Page, hub: str) -> None:
    page.get_by_label("Address of another hub").fill(hub)
    page.get_by_role("button", name="Open", exact=True).click()


def test_it_asks_once_and_opens_the_same_link_there(site: str, hub: str, page: Page) -> None:
    page.goto(f"{site}#{LINK}")
    expect(page.get_by_role("heading")).to_have_text("Open ana/tides/main")
    expect(page.get_by_label("mybinder.org")).to_be_checked()
    choose(page, hub)
    page.wait_for_url(f"http://{hub}/services/binder/{LINK}")

    page.goto(f"{site}#https://mybinder.org/{LINK}")
    expect(page.get_by_label(hub)).to_be_checked()
    page.get_by_label("Always open links there").check()
    page.get_by_role("button", name="Open", exact=True).click()
    page.wait_for_url(f"http://{hub}/services/binder/{LINK}")

    page.goto(f"{site}#{LINK}")
    page.wait_for_url(f"http://{hub}/services/binder/{LINK}")
    page.goto(f"{site}#{LINK}")
    page.get_by_role("button", name="Choose another hub").click()
    page.wait_for_timeout(3000)
    assert page.url == f"{site}#{LINK}"
    expect(page.get_by_label("Always open links there")).to_be_checked()


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("localhost:9/hub/home", ""),
        ("localhost:9/jupyterhub/hub/home", "jupyterhub/"),
        ("localhost:9/jupyterhub/", "jupyterhub/"),
    ],
)
def test_where_no_binder_answers_it_says_so_and_leaves_the_way_open(
    address: str, base: str, site: str, page: Page
) -> None:
    page.goto(f"{site}#{LINK}")
    choose(page, address)
    hub = f"http://localhost:9/{base}"
    expect(page.get_by_role("status")).to_contain_text(f"No Binder answered at {hub}:")
    way = page.get_by_role("link", name="Open it anyway")
    expect(way).to_have_attribute("href", hub + LINK)


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "ana:secret@example.org", "a b", ""]
)
def test_what_is_no_address_of_a_hub_is_refused(address: str, site: str, page: Page) -> None:
    page.goto(f"{site}#{LINK}")
    page.get_by_label("Another one:").check()
    choose(page, address)
    expect(page.get_by_role("status")).to_contain_text("not the address of a hub")
    assert page.evaluate("localStorage.length") == 0


@pytest.mark.parametrize(
    "fragment",
    ["", "v2/", "hub/logout", "v2/gh/../../../hub/logout", "v2/gh/%2e%2E/x", "javascript:v2/gh"],
)
def test_what_is_no_launch_is_not_opened(fragment: str, site: str, page: Page) -> None:
    page.goto(f"{site}#{fragment}")
    expect(page.get_by_role("status")).to_contain_text("names nothing to open")
    expect(page.get_by_role("button", name="Open", exact=True)).to_be_hidden()


def test_nothing_of_a_link_is_markup_and_a_phone_shows_all(site: str, page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    page.goto(f"{site}#v2/gh/%3Cimg%20src=x%20onerror=alert(1)%3E/{'x' * 200}/main?a=%3Cb%3E")
    expect(page.get_by_role("heading")).to_contain_text(re.compile("<img src=x"))
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
