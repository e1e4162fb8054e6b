"""Two people in one document, by jupyter-collaboration: its own dialog says where it is."""

from __future__ import annotations

from homehub import HomeHub
from lab import notebook, output, run_cells, wait_for_lab
from patience import START_MS
from playwright.sync_api import Browser, Page, expect


def test_who_was_let_in_works_in_the_same_notebook(
    home_hub: HomeHub, maria: Page, browser: Browser
) -> None:
    files = {"requirements.txt": "jupyter-collaboration\n", "index.ipynb": notebook("")}
    repo = home_hub.git.create_repo("ocean/together", files)
    with home_hub.visitor(browser, "jonas") as jonas:
        maria.get_by_label("Repository").fill(repo.url)
        maria.get_by_text("More options").click()
        maria.get_by_label("File to open").fill("index.ipynb")
        maria.get_by_label("Open with").select_option("JupyterLab")
        maria.get_by_label("One more person or group").fill("jonas")
        maria.get_by_role("button", name="Launch", exact=True).click()
        maria.wait_for_url("**/user/maria/together-*/lab/tree/**", timeout=START_MS)
        wait_for_lab(maria)
        maria.get_by_role("button", name="Generate a Shared Link").click()
        # the dialog asks the Hub, from the host of her servers, before it opens
        link = maria.get_by_role("dialog").locator("input[readonly]").input_value()
        assert link.startswith(home_hub.servers_of("maria"))

        jonas.goto(link)
        expect(jonas.locator("main")).to_contain_text("It cannot act for you")
        jonas.get_by_role("button", name="Authorize").click()
        wait_for_lab(jonas)
        jonas.locator(".jp-Notebook .jp-CodeCell .cm-content").click()
        jonas.keyboard.type("print(6 * 7)")
        run_cells(jonas, [0])
    expect(output(maria, 0)).to_have_text("42")
