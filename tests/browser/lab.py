"""What a person does in JupyterLab."""

from __future__ import annotations

import json
from collections.abc import Sequence

from patience import START_MS
from playwright.sync_api import Locator, Page, expect

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


def wait_for_lab(page: Page) -> None:
    """Wait until JupyterLab is there."""
    page.locator("#jp-main-dock-panel").wait_for(timeout=START_MS)


def wait_for_kernel(page: Page) -> None:
    """Wait until the kernel is there: what is typed before is lost at times."""
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle", timeout=START_MS)


def run_cells(page: Page, numbers: Sequence[int]) -> None:
    """Run cells of the notebook in front and wait until each is done."""
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    wait_for_kernel(page)
    for number in numbers:
        cell = cells.nth(number)
        cell.locator(".jp-InputArea-editor").click(timeout=START_MS)
        page.keyboard.press("Control+Enter")
        prompt = cell.locator(".jp-InputArea-prompt")
        expect(prompt).not_to_have_text("[ ]:", timeout=START_MS)
        expect(prompt).not_to_have_text("[*]:", timeout=START_MS)


def output(page: Page, number: int) -> Locator:
    return page.locator(".jp-Notebook .jp-CodeCell").nth(number).locator(".jp-OutputArea-output")


def save(page: Page) -> None:
    """Save the notebook in front and wait until it is on the disk."""
    page.keyboard.press("Escape")
    with page.expect_response(lambda answer: answer.request.method == "PUT") as saved:
        page.keyboard.press("Control+s")
    assert saved.value.ok
