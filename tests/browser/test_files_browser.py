"""The page *Files* in a real browser with a real hub: from a launch to the trash and back."""

from __future__ import annotations

from pathlib import Path

from chromium import new_context
from homehub import HomeHub
from lab import notebook, output, run_cells, wait_for_lab
from patience import START_MS
from playwright.sync_api import Browser, Page, expect

WRITE = "open('result.txt', 'w').write('mine')"


def test_delete_and_restore(
    home_hub: HomeHub, page: Page, browser: Browser, artifacts: Path
) -> None:
    repo = home_hub.git.create_repo("ocean/currents", {"write.ipynb": notebook(WRITE)})
    home_hub.sign_in(page, "maria")
    page.get_by_label("Repository").fill(repo.url)
    page.get_by_text("More options").click()
    page.get_by_label("File to open").focus()
    expect(page.locator("#filepath-choices option[value='write.ipynb']")).to_be_attached()
    page.get_by_label("File to open").fill("write.ipynb")
    page.get_by_label("Open with").select_option("JupyterLab")
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/user/maria/currents-*/lab/**", timeout=START_MS)
    wait_for_lab(page)
    run_cells(page, [0])
    expect(output(page, 0)).to_have_text("4")

    page.goto(home_hub.main_page)
    page.get_by_role("link", name="Files", exact=True).click()
    row = page.locator("#projects li").filter(has_text="currents")
    expect(row).to_contain_text("used by currents-")
    row.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_contain_text("is working in this project. Stop it first")
    page.screenshot(path=artifacts / "files-refused.png", full_page=True)
    row.get_by_role("link", name="Open").click()
    page.wait_for_url("**/user/maria/currents-*/lab**")
    wait_for_lab(page)

    home_hub.stop_server(page, "currents")
    page.goto(f"{home_hub.main_page}files")
    expect(row).not_to_contain_text("used by")
    # by keyboard alone
    row.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    expect(row).to_have_count(0)
    trash = page.locator("#trash li").filter(has_text="currents")
    expect(trash).to_contain_text("gone for good in 4 weeks")

    # somebody else sees nothing of it
    phone = new_context(browser, viewport={"width": 390, "height": 800}, reduced_motion="reduce")
    jonas = phone.new_page()
    home_hub.sign_in(jonas, "jonas")
    jonas.goto(f"{home_hub.main_page}files")
    expect(jonas.get_by_text("currents")).to_have_count(0)
    phone.close()

    page.set_viewport_size({"width": 390, "height": 800})
    page.screenshot(path=artifacts / "files-phone.png", full_page=True)
    trash.get_by_role("button", name="Restore").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#trash li").filter(has_text="currents")).to_have_count(0)
    expect(row).to_be_visible()
    page.set_viewport_size({"width": 1100, "height": 800})
    page.screenshot(path=artifacts / "files.png", full_page=True)
    # without a server: a file comes down, and others go up, by keyboard alone
    row.get_by_role("link", name="Browse").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="currents")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download result.txt").press("Enter")
    assert Path(download.value.path()).read_text() == "mine"
    plan = {"name": "plan.csv", "mimeType": "text/csv", "buffer": b"a,b"}
    again = {"name": "result.txt", "mimeType": "text/plain", "buffer": b"another"}
    page.get_by_label("Upload files into this folder").set_input_files([plan, again])
    page.get_by_role("button", name="Upload", exact=True).press("Enter")
    told = page.get_by_role("status")
    expect(told).to_contain_text("plan.csv is uploaded.")
    expect(told).to_contain_text("so the new one is called result (1).txt.")
    expect(page.locator("#entries")).to_contain_text("plan.csv")
    page.screenshot(path=artifacts / "folder.png", full_page=True)
    # and in a browser that runs no scripts
    plain = new_context(
        browser, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    other = plain.new_page()
    other.goto(page.url)
    other.get_by_label("Upload files into this folder").set_input_files([plan])
    other.get_by_role("button", name="Upload", exact=True).click()
    expect(other.get_by_role("status")).to_contain_text("the new one is called plan (1).csv.")
    expect(other.locator("#entries")).to_contain_text("plan (1).csv")
    plain.close()
    page.go_back()
    row.get_by_role("button", name="Open").click()
    page.wait_for_url("**/user/maria/currents-*/lab/**", timeout=START_MS)
    page.goto(page.url.partition("/lab")[0] + "/files/result.txt")
    expect(page.locator("body")).to_have_text("mine")
