"""The reference pages say what the code does."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

import binderhub_ext
from binderhub_ext.service.failures import Failure
from binderhub_ext.service.records.records import outcome

DOCS = Path(binderhub_ext.__file__).parents[1] / "docs"

_spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
assert _spec and _spec.loader
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)


@pytest.mark.parametrize("page", ["configuration.md", "errors.md", "chart.md"])
def test_generated_pages_are_current(page: str) -> None:
    path = DOCS / "reference" / page
    assert path.read_text() == generate.pages()[path], "run scripts/docs"


def test_every_setting_says_what_it_is() -> None:
    silent = [
        f"{cls.__name__}.{name}"
        for cls, settings in generate.configurables()
        for name, trait in settings.items()
        if len(trait.help) < 20
    ]
    assert not silent


def test_every_error_has_a_code_of_its_own_family() -> None:
    for cls in generate.error_classes():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", cls.code), cls
        assert 400 <= cls.status < 600, cls
        assert cls.__doc__, cls


def test_every_code_that_can_be_sent_is_listed() -> None:
    """Of errors, of bare HTTP refusals, and what is written down anywhere as a code."""
    sent = {cls.code for cls in generate.error_classes()}
    sent |= {Failure.of_status(status).code for status in HTTPStatus if status >= 400}
    sent |= {Failure.of(Exception(), where="here").code, outcome(Exception())}
    for path in Path(binderhub_ext.__file__).parent.rglob("*.py"):
        sent |= set(_written_codes(ast.parse(path.read_text())))
    page = (DOCS / "reference" / "errors.md").read_text()
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))
    assert sent == listed


def _written_codes(tree: ast.Module) -> Iterator[str]:
    """What stands where a code does, also by the name of a constant."""
    constants = {
        statement.targets[0].id: statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="code", value=ast.Constant(value=str(code))):
                yield code
            case ast.Call(func=ast.Name(id="Failure"), args=[ast.Constant(value=str(code)), *_]):
                yield code
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    named = constants.get(value.id) if isinstance(value, ast.Name) else None
                    match key, named or value:
                        case ast.Constant(value="code"), ast.Constant(value=str(code)) if code:
                            yield code


@pytest.mark.parametrize(
    "page",
    [*sorted(DOCS.rglob("*.md")), *sorted(DOCS.parent.glob("*.md"))],
    ids=lambda path: path.name,
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target
