"""Two people and a shared volume, in a real browser, from the page to the files in a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium import new_context
from gitserver import RepoHandle
from homehub import HomeHub
from lab import notebook, output, run_cells, wait_for_lab
from patience import START_MS
from playwright.sync_api import Browser, Page, expect

WRITE = "open('/home/jovyan/shared/paper/text', 'w').write('by maria')"
READ = """
print(open('/home/jovyan/texts/text').read())
try:
    open('/home/jovyan/texts/text', 'w')
except OSError as error:
    print(error.strerror)
"""


@pytest.fixture(scope="module")
def repo(home_hub: HomeHub) -> RepoHandle:
    files = {"write.ipynb": notebook(WRITE), "read.ipynb": notebook(READ)}
    return home_hub.git.create_repo("ocean/paper", files)


def launch(page: Page, repo: RepoHandle, file: str, access: str, place: str = "") -> None:
    page.get_by_label("Repository").fill(repo.url)
    page.get_by_text("More options").click()
    page.get_by_label("File to open").fill(file)
    page.get_by_label("Open with").select_option("JupyterLab")
    page.get_by_label("paper", exact=True).select_option(access)
    page.get_by_label("Folder in the home for paper").fill(place)


def browse(page: Page, *names: str) -> None:
    """Go down by JupyterLab's file browser; the last name is seen."""
    for at, name in enumerate(names):
        item = page.locator(".jp-DirListing-itemText").get_by_text(name, exact=True)
        expect(item).to_be_visible()
        if at < len(names) - 1:
            item.dblclick()


def test_a_shared_volume(
    home_hub: HomeHub, repo: RepoHandle, page: Page, browser: Browser, artifacts: Path
) -> None:
    phone = new_context(browser, viewport={"width": 390, "height": 800}, reduced_motion="reduce")
    jonas = phone.new_page()
    home_hub.sign_in(jonas, "jonas")
    home_hub.sign_in(page, "maria")

    page.get_by_role("link", name="Volumes").click()
    page.get_by_label("Name of a new volume").fill("paper")
    page.get_by_role("button", name="Create").click()
    card = page.locator("section", has_text="paper")
    card.get_by_label("Person").fill("nobody-here")
    card.get_by_role("button", name="Share").click()
    expect(page.get_by_role("alert")).to_contain_text("knows no person called “nobody-here”")
    card.get_by_label("Person").fill("jonas")
    card.get_by_role("button", name="Share").click()
    expect(card.locator(".binder-member")).to_contain_text("jonas")
    page.screenshot(path=artifacts / "volumes.png", full_page=True)

    page.goto(home_hub.main_page)
    launch(page, repo, "write.ipynb", "Read and change", "../outside")
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.locator("#volume-error")).to_contain_text("“..”")
    page.get_by_label("Folder in the home for paper").fill("")
    page.screenshot(path=artifacts / "volumes-form.png", full_page=True)
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/user/maria/paper-*/lab/**", timeout=START_MS)
    wait_for_lab(page)
    run_cells(page, [0])
    expect(output(page, 0)).to_have_text("8")
    browse(page, "shared-volumes", "paper", "text")

    jonas.goto(f"{home_hub.main_page}volumes")
    expect(jonas.get_by_text("shared by maria")).to_be_visible()
    expect(jonas.get_by_label("Person")).to_have_count(0)
    jonas.screenshot(path=artifacts / "volumes-phone.png", full_page=True)
    jonas.goto(home_hub.main_page)
    launch(jonas, repo, "read.ipynb", "Read only", "texts")
    jonas.screenshot(path=artifacts / "volumes-form-phone.png", full_page=True)
    jonas.get_by_role("button", name="Launch", exact=True).click()
    jonas.wait_for_url("**/user/jonas/paper-*/lab/**", timeout=START_MS)
    jonas.set_viewport_size({"width": 1100, "height": 800})
    wait_for_lab(jonas)
    run_cells(jonas, [0])
    expect(output(jonas, 0)).to_have_text("by maria\nRead-only file system")
    browse(jonas, "shared-volumes", "paper (read only)", "text")
    server = jonas.url.partition("/lab")[0]
    jonas.goto(f"{server}/tree/shared-volumes")
    expect(jonas.get_by_text("paper (read only)", exact=True)).to_be_visible()

    page.goto(f"{home_hub.main_page}volumes")
    page.get_by_role("button", name="Remove jonas").click()
    expect(card.get_by_text("Nobody yet.")).to_be_visible()
    home_hub.stop_server(jonas, "paper").get_by_role("button", name="Open").click()
    words = jonas.locator("#failure-words")
    expect(words).to_contain_text("There is no volume “paper” for you here")
    jonas.screenshot(path=artifacts / "volumes-revoked.png")
    jonas.get_by_role("link", name="Back to the form").click()
    expect(jonas.get_by_text("is not (or no longer) shared with you")).to_be_visible()
    phone.close()
