"""A newcomer's first minute: whose hub this is, what it is for, and a notebook in two clicks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from chromium import new_context
from homehub import PASSWORD, HomeHub
from lab import DROP, output, run_cells, wait_for_kernel, wait_for_lab
from patience import START_MS
from playwright.sync_api import Browser, FilePayload, Locator, Page, expect

NAME = "Binder@home"


@pytest.fixture
def newcomer(browser: Browser) -> Iterator[Page]:
    """Somebody who is not signed in, at a window of usual size."""
    context = new_context(browser, viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def fill_in(page: Page, user: str) -> None:
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password:", exact=True).fill(PASSWORD)


def pictures(page: Page, artifacts: Path, name: str) -> None:
    """The page as it is on a desk and on a phone."""
    for width, height in ((1280, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=artifacts / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_two_clicks_to_a_notebook(home_hub: HomeHub, newcomer: Page, artifacts: Path) -> None:
    """The first is the sign-in's, the second opens the notebook; nothing was there before."""
    page = newcomer
    page.goto(home_hub.url)
    expect(page.locator(".binder-welcome")).to_contain_text(NAME)
    pictures(page, artifacts, "sign-in")
    fill_in(page, "nora")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(home_hub.main_page)
    pictures(page, artifacts, "first-page")
    page.get_by_role("button", name="Open an empty notebook").click()
    page.wait_for_url("**/user/nora/scratch-*/lab/tree/**/notebook.ipynb", timeout=START_MS)
    wait_for_lab(page)
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.type("print(6 * 7)")
    run_cells(page, [0])
    expect(output(page, 0)).to_have_text("42")


SHOWS_FOCUS = """() => {
  const one = document.activeElement;
  const look = getComputedStyle(one);
  const drawn = look.outlineStyle !== "none" || look.boxShadow !== "none";
  return drawn && one.matches(":focus-visible") && one.checkVisibility();
}"""
"""Whether somebody sees where on the page they are."""


def tab_to(page: Page, there: Locator) -> None:
    """Go on by Tab until it is there, and be seen at each step."""
    there.wait_for()
    if page.evaluate("document.activeElement === document.body"):
        # Nobody is anywhere on a page that has just come.
        page.keyboard.press("Tab")
    for _ in range(60):
        one = page.evaluate("document.activeElement.outerHTML.slice(0, 300)")
        assert page.evaluate(SHOWS_FOCUS), one
        if there.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {there}")


def test_from_the_sign_in_to_an_answer_by_keyboard_alone(home_hub: HomeHub, newcomer: Page) -> None:
    page, keys = newcomer, newcomer.keyboard
    page.goto(home_hub.url)
    tab_to(page, page.get_by_label("Username"))
    keys.type("nora")
    tab_to(page, page.get_by_label("Password:", exact=True))
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_url(home_hub.main_page)
    tab_to(page, page.get_by_role("button", name="Open an empty notebook"))
    keys.press("Enter")
    page.wait_for_url("**/user/nora/scratch-*/lab/tree/**/notebook.ipynb", timeout=START_MS)
    wait_for_lab(page)
    wait_for_kernel(page)
    keys.press("Escape")
    keys.press("Enter")
    expect(page.locator(".jp-Notebook.jp-mod-editMode .cm-focused")).to_be_visible()
    keys.press("Control+a")
    keys.type("print(6 * 7 + 100)")
    keys.press("Control+Enter")
    expect(output(page, 0)).to_have_text("142", timeout=START_MS)


PASTE = """(content) => {
  const copied = new DataTransfer();
  copied.setData("text/plain", content);
  const fields = { bubbles: true, cancelable: true, clipboardData: copied };
  document.getElementById("repo").dispatchEvent(new ClipboardEvent("paste", fields));
}"""


def test_a_notebook_file_is_put_beside_what_is_there(home_hub: HomeHub, page: Page) -> None:
    """Chosen, dropped or pasted; nothing is overwritten, and nothing in it is believed."""
    image = {"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>"}
    ran = {"output_type": "display_data", "data": image, "metadata": {}}
    said = {"output_type": "stream", "name": "stdout", "text": "it ran"}
    cell = {"cell_type": "code", "source": "1 + 1", "execution_count": 1, "outputs": [ran, said]}
    cell["metadata"] = {"trusted": True}
    content = json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    file = FilePayload(name="mine.ipynb", mimeType="text/plain", buffer=content.encode())

    def come(begin: Callable[[], None], name: str) -> None:
        page.goto(home_hub.main_page)
        begin()
        page.wait_for_url(f"**/user/nora/scratch-*/lab/tree/{name}", timeout=START_MS)

    def choose() -> None:
        page.get_by_label("Notebook file").set_input_files(file)
        page.get_by_role("button", name="Open the notebook").click()

    home_hub.sign_in(page, "nora")
    come(choose, "mine.ipynb")
    wait_for_lab(page)
    expect(page.locator(".jp-Notebook:visible .jp-CodeCell")).to_have_count(1)
    expect(page.locator(".jp-Notebook:visible")).to_contain_text("it ran")
    expect(page.locator(".jp-Notebook:visible img")).to_have_count(0)
    come(lambda: page.evaluate(DROP, content), "mine%20*2*.ipynb")
    come(lambda: page.evaluate(PASTE, content), "pasted.ipynb")
    (scratch,) = home_hub.root.glob("homes/nora/projects/*/*/scratch")
    for name in ("mine.ipynb", "mine (2).ipynb", "pasted.ipynb"):
        assert json.loads((scratch / name).read_text())["cells"][0]["source"] in (
            "1 + 1",
            ["1 + 1"],
        )
    page.goto(home_hub.main_page)
    page.evaluate(DROP, "<p>no notebook</p>")
    expect(page.get_by_role("alert")).to_contain_text("is not a notebook")


def test_the_example_has_a_picture_and_a_file_that_stays(
    home_hub: HomeHub, page: Page, artifacts: Path
) -> None:
    home_hub.sign_in(page, "nora")
    begin = page.get_by_role("button", name="Open the example")
    begin.click()
    page.wait_for_url("**/user/nora/tides-*/lab/tree/**/index.ipynb", timeout=START_MS)
    wait_for_lab(page)
    run_cells(page, [0, 1, 2])
    expect(output(page, 0)).to_contain_text("in 15 days")
    expect(output(page, 1).locator("img[src^='data:image/svg']")).to_be_visible()
    page.screenshot(path=artifacts / "example.png")
    home_hub.stop_server(page, "tides")
    begin.click()
    page.wait_for_url("**/user/nora/tides-*/lab/tree/**/index.ipynb", timeout=START_MS)
    wait_for_lab(page)
    expect(page.locator(".jp-DirListing-item", has_text="visits.txt")).to_be_visible()


def test_the_sign_in_says_what_for_and_goes_on_there(
    home_hub: HomeHub, newcomer: Page, artifacts: Path
) -> None:
    page = newcomer
    repo = home_hub.git.create_repo("ocean/penguins", {"requirements.txt": ""})
    link = f"{home_hub.main_page}v2/git/{quote(repo.url, safe='')}/main?filepath=a.ipynb"
    page.goto(link)
    expect(page.locator(".binder-welcome-for")).to_have_text("Sign in to open penguins")
    pictures(page, artifacts, "sign-in-for")
    fill_in(page, "nora")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Launch penguins?")


def test_one_frame_on_our_pages_and_on_the_hubs(
    home_hub: HomeHub, page: Page, artifacts: Path
) -> None:
    home_hub.sign_in(page, "nora")
    bars = set()
    for path, here in (
        ("services/binder/", "Launch"),
        ("services/binder/files", "Files"),
        ("services/binder/volumes", "Volumes"),
        ("services/binder/settings", "Settings"),
        ("hub/token", "API tokens"),
    ):
        page.goto(f"{home_hub.url}/{path}")
        expect(page.locator("#jupyterhub-logo")).to_contain_text(NAME)
        expect(page.locator(".binder-footer")).to_contain_text("files that stay")
        expect(page.locator("[aria-current=page]")).to_have_text(here)
        bars.add(tuple(page.locator("#thenavbar .nav-link").all_inner_texts()))
    assert len(bars) == 1, bars
    pictures(page, artifacts, "token-page")
    page.get_by_role("link", name="Settings").last.click()
    expect(page.get_by_role("heading", name="Keys for private repositories")).to_be_visible()
