"""What a page of the documentation shows, so that tests run what people copy."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

DOCS = Path(__file__).parents[1] / "docs"

_FILE = re.compile(r"^`([^`\n]+)`:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files_of(page: str) -> dict[str, str]:
    """Files by name, each named in a line of its own above its text.

    Args:
        page: of `docs`.
    """
    return dict(_FILE.findall((DOCS / page).read_text()))


def blocks_of(page: str, language: str) -> list[str]:
    """All blocks of a language, as they stand in the text or in a list."""
    block = re.compile(rf"^( *)```{language}\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
    return [dedent(text) for _, text in block.findall((DOCS / page).read_text())]
