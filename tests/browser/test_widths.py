"""Phones, small windows and large letters: every page begins alike, and its bar holds together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from chromium import new_context
from harness import Pages
from playwright.sync_api import Browser, Page, expect
from test_accessibility import serve

WIDTHS = [320, 360, 640, 680, 800, 960, 1100]
"""In CSS pixels; 640 is also a window of 1280 at 200 % zoom."""

PLACES = """() => {
    const box = (element) => element.getBoundingClientRect().toJSON();
    const main = document.querySelector("main");
    const inside = parseFloat(getComputedStyle(main).paddingLeft);
    const shown = [...document.querySelectorAll(".navbar :is(a, button)")].filter(
        (element) => element.checkVisibility() && element.getBoundingClientRect().width);
    const heading = document.querySelector("h1");
    const blocks = [...main.querySelectorAll(":scope > *, :scope > * > *")].filter(
        (one) => one.checkVisibility() && getComputedStyle(one).position !== "absolute");
    return {
        wide: document.documentElement.scrollWidth,
        edge: box(main).left + inside,
        heading: { ...box(heading), size: getComputedStyle(heading).fontSize },
        bar: shown.map(box),
        left: Math.min(...blocks.map((element) => box(element).left)),
    };
}"""


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    size = {"width": request.param, "height": 800}
    context = new_context(browser, viewport=size, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def overlap(one: dict[str, float], other: dict[str, float]) -> bool:
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return across > 1 and down > 1


def test_every_page_begins_alike(pages: Pages, page: Page) -> None:
    width = page.viewport_size["width"]  # type: ignore[index]
    seen: dict[str, Any] = {}
    for state in ("home", "confirm", "launch", "failed", "error", "settings", "files", "volumes"):
        page.goto(serve(pages, state), wait_until="load")
        places = seen[state] = page.evaluate(PLACES)
        assert places["wide"] == width, state
        assert places["left"] == places["edge"] == places["heading"]["left"], (state, places)
    begins = {(p["edge"], p["heading"]["top"], p["heading"]["size"]) for p in seen.values()}
    assert len(begins) == 1, {state: places["heading"] for state, places in seen.items()}


def test_the_bar_holds_together(pages: Pages, page: Page) -> None:
    width = page.viewport_size["width"]  # type: ignore[index]
    page.goto(serve(pages, "home"), wait_until="load")
    if width < 576:
        page.get_by_role("button", name="Toggle navigation").click()
        expect(page.locator("#thenavbar.show")).to_be_visible()
    page.wait_for_timeout(400)
    bar = page.evaluate(PLACES)["bar"]
    assert len(bar) >= 7
    assert all(each["left"] >= 0 and each["right"] <= width for each in bar)
    pairs = ((one, other) for at, one in enumerate(bar) for other in bar[:at])
    assert not [pair for pair in pairs if overlap(*pair)]
    lines = Counter(
        page.locator("#thenavbar .me-auto a").evaluate_all(
            "links => links.map((link) => Math.round(link.getBoundingClientRect().top))"
        )
    )
    assert width < 576 or len(lines) == 1 or min(lines.values()) > 1, lines
    logout, name = page.locator("#logout").bounding_box(), page.locator("#login_widget")
    assert logout is not None and logout["height"] < 45
    box = name.bounding_box()
    assert box is not None and box["height"] < 45


@pytest.mark.parametrize("state", ["confirm", "confirm-less"])
def test_the_answer_is_in_reach(pages: Pages, page: Page, state: str) -> None:
    page.goto(serve(pages, state), wait_until="load")
    for name in (re.compile("^Launch"), "Change", "Cancel"):
        button = page.locator(".binder-confirm .binder-actions").get_by_text(name, exact=True)
        expect(button).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("state", ["settings", "catalogue-publish"])
def test_what_somebody_writes_in_shows_that_it_has_the_focus(
    pages: Pages, page: Page, state: str
) -> None:
    page.goto(serve(pages, state), wait_until="load")
    field = page.locator("textarea").first
    field.focus()
    assert field.evaluate("field => getComputedStyle(field).outlineStyle") == "solid"


ALIKE = """(row) => {
    const shown = [...row.querySelectorAll(".binder-row-actions .btn-sm")].filter(
        (one) => one.checkVisibility() && !one.closest(".binder-menu-list"));
    const items = [...row.querySelectorAll(".binder-menu-item:not(.binder-menu-bad)")].filter(
        (one) => one.checkVisibility());
    return {
        heights: shown.map((one) => Math.round(one.getBoundingClientRect().height)),
        looks: items.map((one) => getComputedStyle(one).color),
    };
}"""


def test_what_can_be_done_with_a_row_looks_alike(pages: Pages, page: Page) -> None:
    page.goto(serve(pages, "home"), wait_until="load")
    row = page.locator("#work li").first
    row.locator(".binder-menu > summary").click()
    look = row.evaluate(ALIKE)
    assert len(look["heights"]) == 2 and len(set(look["heights"])) == 1
    assert len(look["looks"]) > 5 and len(set(look["looks"])) == 1
