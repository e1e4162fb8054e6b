"""English with accents and two fifths longer, on a phone: what has no room, or no translation."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from chromium import new_context
from harness import Pages
from playwright.sync_api import Browser, Page, expect
from test_accessibility import STATES, serve

from binderhub_ext.languages.language import find

WIDTH = 360

CLIPPED = """() => [...document.querySelectorAll("body *")].filter((element) => {
    const unseen = element.closest(".visually-hidden, pre, svg") || !element.checkVisibility();
    if (unseen || element.clientWidth <= 1) return false;
    const hides = ["hidden", "clip"].includes(getComputedStyle(element).overflowX);
    const cut = hides || ["SELECT", "BUTTON"].includes(element.tagName);
    return cut && element.scrollWidth > element.clientWidth + 1;
}).map((element) => element.outerHTML.slice(0, 200))"""
"""What has more in it than is seen."""

ACCENTS = re.compile("[äçéîñöüýÄÇÉÎÑÖÜÝ]")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    size = {"width": WIDTH, "height": 800}
    context = new_context(browser, viewport=size, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def spoken(pages: Pages, page: Page, state: str, tag: str) -> None:
    address = serve(pages, state)
    template, context = pages.pages[state]
    pages.pages[state] = (template, {**context, "language": find(tag)})
    page.goto(address, wait_until="load")


@pytest.mark.parametrize("state", STATES)
def test_longer_words_have_room_on_a_phone(pages: Pages, page: Page, state: str) -> None:
    spoken(pages, page, state, "xx")
    expect(page.locator("html")).to_have_attribute("lang", "xx")
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    assert page.evaluate("document.documentElement.scrollWidth") == WIDTH
    assert page.evaluate(CLIPPED) == []
    assert ACCENTS.search(page.locator("main").inner_text())


def test_a_launch_is_watched_in_german(pages: Pages, page: Page) -> None:
    spoken(pages, page, "failed", "de")
    expect(page.locator("#failure-title")).to_have_text("Dieser Start ist fehlgeschlagen")
    expect(page).to_have_title(re.compile("^Fehlgeschlagen · "))
    expect(page.locator("#log-count")).to_have_text("1 Zeile")
    expect(page.get_by_role("link", name="Zurück zum Formular")).to_be_visible()
    french = page.get_by_role("navigation", name="Sprache").get_by_role("link", name="Français")
    expect(french).to_have_attribute("lang", "fr")


def test_the_form_complains_in_french(pages: Pages, page: Page) -> None:
    spoken(pages, page, "home", "fr")
    page.locator("#repo").fill("")
    page.get_by_role("button", name="Lancer", exact=True).click()
    expect(page.locator("#understood")).to_have_text("Collez d'abord l'adresse d'un dépôt.")
