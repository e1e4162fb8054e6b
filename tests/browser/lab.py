"""What a person does in JupyterLab."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, TimeoutError, expect

ARTIFACTS = Path(__file__).parents[2] / "artifacts"
OPENING = 90_000

DROP = """(content) => {
  const brought = new DataTransfer();
  brought.items.add(new File([content], "mine.ipynb"));
  const fields = { bubbles: true, cancelable: true, dataTransfer: brought };
  document.body.dispatchEvent(new DragEvent("drop", fields));
}"""
"""A notebook file that is dropped on the main page."""


def notebook(*cells: str) -> str:
    """A notebook with these cells of code, as a repository has it."""
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"cell-{number}",
                    "execution_count": None,
                    "metadata": {},
                    "outputs": [],
                    "source": source,
                }
                for number, source in enumerate(cells)
            ],
            "metadata": {
                "kernelspec": {
                    "display_name": "Python 3 (ipykernel)",
                    "language": "python",
                    "name": "python3",
                },
                "language_info": {"name": "python"},
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def arrive(page: Page, url: str, timeout: float) -> None:
    """Wait until the page is at a URL, even if Chromium drops what it loads on the way.

    It does whenever an address of this machine changes (ERR_NETWORK_CHANGED), as when a container
    starts or ends. With a window it loads the page again by itself; here we do.
    """
    for _ in range(3):
        try:
            page.wait_for_url(url, timeout=timeout)
            return
        except Error as error:
            if "ERR_NETWORK_CHANGED" not in error.message:
                raise
            with suppress(Error):
                page.reload()
    page.wait_for_url(url, timeout=timeout)


def wait_for_lab(page: Page) -> None:
    """Wait until JupyterLab is there; a page that stays empty is loaded again once, as people do.

    JupyterLab does not repeat what Chromium dropped (see :func:`arrive`). A picture of that page is
    kept.
    """
    panel = page.locator("#jp-main-dock-panel")
    try:
        panel.wait_for(timeout=OPENING)
    except TimeoutError:
        page.screenshot(path=ARTIFACTS / "lab-stayed-empty.png")
        page.reload()
        panel.wait_for(timeout=OPENING)


def run_cells(page: Page, numbers: Sequence[int]) -> None:
    """Run cells of the notebook in front and wait until each is done."""
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    # What is typed before the kernel is there is lost at times.
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=OPENING)
    for number in numbers:
        cell = cells.nth(number)
        cell.locator(".jp-InputArea-editor").click(timeout=OPENING)
        page.keyboard.press("Control+Enter")
        prompt = cell.locator(".jp-InputArea-prompt")
        expect(prompt).not_to_have_text("[ ]:", timeout=OPENING)
        expect(prompt).not_to_have_text("[*]:", timeout=OPENING)


def output(page: Page, number: int) -> Locator:
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number).locator(".jp-OutputArea-output")


def save(page: Page) -> None:
    """Save the notebook in front and wait until it is on the disk."""
    page.keyboard.press("Escape")
    with page.expect_response(lambda answer: answer.request.method == "PUT") as saved:
        page.keyboard.press("Control+s")
    assert saved.value.ok
