"""Watch the tail: no function above 60 lines, no module above 400."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import binderhub_ext

ROOT = Path(binderhub_ext.__file__).parent
LONGEST_FUNCTION = 60
LONGEST_MODULE = 400


def too_long(module: Path) -> Iterator[tuple[str, str, int]]:
    """What is, and how many lines it has."""
    text, name = module.read_text(), str(module.relative_to(ROOT))
    if (lines := text.count("\n")) > LONGEST_MODULE:
        yield name, "", lines
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield name, node.name, lines


def test_sizes() -> None:
    modules = list(ROOT.rglob("*.py"))
    assert len(modules) > 100
    assert [found for module in modules for found in too_long(module)] == []
