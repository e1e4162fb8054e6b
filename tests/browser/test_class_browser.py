"""A class in a real browser: its code on the wall, who is there, and stopping all."""

from __future__ import annotations

import re
from pathlib import Path

import samples
from chromium import new_context
from harness import Pages, Stream
from homehub import HomeHub
from patience import START_MS
from playwright.sync_api import Browser, Page, expect
from test_accessibility import findings

from binderhub_ext.service.web.classviews import poster

LINK = "v2/shipped/scratch?labpath=notebook.ipynb&environment=plain"
FAILS = """async ([api, link, token]) => {
    const body = JSON.stringify({ link });
    await fetch(api, { method: "POST", body, headers: { "X-XSRFToken": token } });
}"""


def test_the_code_is_as_large_as_the_wall(pages: Pages, browser: Browser, artifacts: Path) -> None:
    """Without a script, in both themes, on a projector and on a phone."""
    address = pages.show("qr", "qr.html", **poster(f"{pages.url}c/abcd2345", title="Tides"))
    for scheme in ("light", "dark"):
        context = new_context(browser, color_scheme=scheme, bypass_csp=True)
        page = context.new_page()
        page.goto(address)
        for width, height in ((1920, 1080), (1024, 768), (360, 640)):
            page.set_viewport_size({"width": width, "height": height})
            size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
            assert page.evaluate(size) == [width, height]
            code = page.get_by_alt_text("QR code of the link").bounding_box()
            assert code and code["width"] >= min(0.9 * width, 0.65 * height)
            text = page.locator("figcaption")
            expect(text).to_have_text(f"{pages.url}c/abcd2345")
            expect(text).to_be_in_viewport(ratio=1)
            page.screenshot(path=artifacts / f"class-wall-{scheme}-{width}.png")
        assert findings(page) == []
        context.close()


def test_what_is_prepared_opens_nothing(pages: Pages, page: Page) -> None:
    stream = pages.streams["8c1f0a"] = Stream()
    stream.say("building", "Installing packages", step="image", progress=35)
    told = "The image is ready. It is on 1 of 2 nodes."
    lacks = "node-2: Its disk is too full for the image."
    stream.say("built", lacks, step="prepull", progress=80, attention=lacks)
    stream.say("ready", told, url="", step="redirect", progress=100)
    page.goto(pages.show("launches/8c1f0a", "launch.html", **samples.launch(prepares=True)))
    expect(page.locator("#prepared")).to_contain_text("Nothing was started.")
    expect(page.locator("#message")).to_have_text(told)
    expect(page.locator("#attention")).to_have_text(lacks)
    expect(page.locator("#steps li")).to_have_count(4)
    expect(page.locator("#steps li").last).to_have_attribute("data-state", "done")
    expect(page).to_have_title("Prepared · tidal-analysis")
    assert stream.connections == [""], "it was not loaded again"


def test_a_class_of_two(home_hub: HomeHub, page: Page, browser: Browser, artifacts: Path) -> None:
    home_hub.sign_in(page, "maria")
    page.get_by_label("Repository").fill(f"{home_hub.main_page}{LINK}")
    page.get_by_text("Share this launch").click()
    page.get_by_role("button", name="For a class…").click()
    page.get_by_label("What the class is called").fill("Übung 1")
    page.get_by_role("button", name="Begin a class").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Übung 1")
    expect(page.locator("#class-counts")).to_have_text(re.compile("Nobody has opened"))
    page.get_by_label("Teacher", exact=True).fill("jonas")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("jonas cannot be named")
    page.get_by_label("Teacher", exact=True).fill("")
    page.get_by_label("or everybody in").select_option("staff")
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    expect(page.get_by_role("button", name="Take back from staff")).to_be_visible()
    given = page.locator("#class-url").inner_text()
    id = given.rpartition("/")[2]

    with home_hub.visitor(browser, "nora") as nora, home_hub.visitor(browser, "jonas") as jonas:
        token = nora.locator("input[name=_xsrf]").first.input_value()
        link = f"{LINK}&volume=nobody-has-it&class={id}"
        nora.evaluate(FAILS, [f"{home_hub.main_page}api/launches", link, token])
        jonas.goto(given)
        note = jonas.get_by_role("note").first
        expect(note).to_contain_text("class Übung 1 of maria")
        expect(note).to_contain_text("can stop it too: everybody in the group staff")
        jonas.get_by_role("button", name="Launch", exact=True).click()
        rows = page.locator("#people li")
        # nothing is pressed: the page hears of it
        expect(rows).to_have_count(2)
        failed = rows.filter(has_text="nora")
        expect(failed).to_contain_text("There is no volume “nobody-has-it”")
        jonas.wait_for_url("**/user/jonas/**", timeout=START_MS)
        expect(rows.filter(has_text="jonas")).to_have_attribute("data-state", "running")
        page.screenshot(path=artifacts / "class.png", full_page=True)
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.screenshot(path=artifacts / "class-360.png", full_page=True)

        page.get_by_text("Stop all…").click()
        page.get_by_role("button", name="Stop all servers of this class").click()
        expect(rows.filter(has_text="jonas")).to_have_attribute("data-state", "stopped")
        jonas.goto(home_hub.main_page)
        work = jonas.locator("#work li").filter(has_text="maria stopped all servers of the class")
        expect(work.get_by_role("button", name="Open")).to_be_visible()
        jonas.screenshot(path=artifacts / "class-stopped.png", full_page=True)
