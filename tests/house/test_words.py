"""Words for people are the same everywhere."""

from __future__ import annotations

import re
from pathlib import Path

from binderhub_ext._data import templates_dir

PACKAGE = Path(__file__).parents[2] / "binderhub_ext"
OTHERS = re.compile(r"your\W+administrator|whoever\W+runs\W+(?:this|the)\W+hub\b")
"""What people are told to ask is the administrator."""


def test_one_word_for_whom_to_ask() -> None:
    files = [*PACKAGE.rglob("*.py"), *templates_dir().rglob("*.html")]
    assert len(files) > 100
    assert [file for file in files if OTHERS.search(file.read_text())] == []
