"""What a page of the documentation shows, so that tests run what people copy."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"

_FILE = re.compile(r"^`([^`\n]+)`:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files_of(page: str) -> dict[str, str]:
    """Files by name, each named in a line of its own above its text.

    Args:
        page: of `docs`.
    """
    return dict(_FILE.findall((DOCS / page).read_text()))


def first_block(page: str, language: str) -> str:
    """The first block of a language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(), re.M | re.S)
    assert found, f"{page} has no block of {language}"
    return found[1]
