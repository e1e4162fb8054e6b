"""The reference pages say what the code does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import binderhub_ext

DOCS = Path(binderhub_ext.__file__).parents[1] / "docs"

_spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
assert _spec and _spec.loader
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)


@pytest.mark.parametrize("page", ["configuration.md", "errors.md"])
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


@pytest.mark.parametrize(
    "page",
    [*sorted(DOCS.rglob("*.md")), *sorted(DOCS.parent.glob("*.md"))],
    ids=lambda path: path.name,
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target
