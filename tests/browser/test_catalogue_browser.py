"""From the form of a launch to the form that publishes it, and searching by keyboard alone."""

from __future__ import annotations

import samples
from harness import Pages
from playwright.sync_api import Page, expect


def test_a_launch_is_published_as_it_stands(pages: Pages, page: Page) -> None:
    pages.answers["api/parse"] = {"provider_name": "GitHub", "name": "x/y", "ref": "main"}
    ways = dict.fromkeys(("url", "anywhere", "markdown", "html", "rst", "qr"), "")
    there = pages.show("catalogue/publish", "catalogue_publish.html", **samples.publishing())
    pages.answers["api/share"] = {**ways, "publish": there, "hubs": [], "commands": {}}
    page.goto(pages.show("", "home.html", **samples.home(work=[])))
    page.get_by_label("Repository").fill("https://github.com/x/y")
    page.get_by_text("Share this launch").click()
    page.get_by_role("link", name="Publish it in the catalogue").click()
    expect(page.get_by_label("Title")).to_have_value("Tides of the North Sea")
    expect(page.get_by_role("alert")).to_contain_text("Give it a title")


def test_searching_by_keyboard(pages: Pages, page: Page) -> None:
    page.goto(pages.show("catalogue", "catalogue.html", **samples.catalogue(q="", tag="")))
    page.get_by_role("searchbox", name="Search").focus()
    page.keyboard.type("north sea")
    page.keyboard.press("Enter")
    page.wait_for_url("**/catalogue?show=popular&q=north+sea")
    bar = page.get_by_role("navigation").get_by_role("link", name="Catalogue")
    expect(bar).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Open Tides of the North Sea").first.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Details Tides of the North Sea").first).to_be_focused()
