"""Watch the tail: no function above 60 lines, no module above 400."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import binderhub_ext

ROOT = Path(binderhub_ext.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
LONGEST_FUNCTION = 60
LONGEST_MODULE = 400


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes(module: Path) -> None:
    text = module.read_text()
    assert text.count("\n") <= LONGEST_MODULE
    too_long = {
        node.name: lines
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert not too_long
