"""Rows of lists that are as they were: not made again, and nobody's but of those who see them."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import DictLoader, Environment
from jinja2.runtime import Macro

from binderhub_ext.core.sentences import Sentence
from binderhub_ext.languages.language import find, speaking
from binderhub_ext.languages.templates import Speech
from binderhub_ext.service.web import pages
from binderhub_ext.service.web.pages import Unchanged


class Rows:
    """A macro, and how often it made something."""

    def __init__(self) -> None:
        source = (
            "{% macro row(one, token) %}{{ told() }}<p>{{ one.name }} {{ token }}</p>{% endmacro %}"
        )
        environment = Environment(
            loader=DictLoader({"x": source}), autoescape=True, extensions=[Speech]
        )
        environment.globals["told"] = self._told
        self.made = 0
        self.macro: Macro = environment.get_template("x").module.row  # type: ignore[attr-defined]

    def _told(self) -> str:
        self.made += 1
        return ""


@pytest.fixture
def rows() -> Rows:
    return Rows()


def test_the_same_is_made_once_and_anything_else_for_itself(rows: Rows) -> None:
    unchanged = Unchanged(10)
    name = Sentence("default")
    asked: list[tuple[dict[str, Any], str]] = [
        ({"name": name}, "ana's"),
        ({"name": name}, "ben's"),
        ({"name": "<b>"}, "ana's"),
        ({"name": 1}, "ana's"),
        ({"name": "1"}, "ana's"),
        ({"name": "x", "shared_with": ["ben"]}, "ana's"),
        ({"name": "x", "shared_with": []}, "ana's"),
    ]
    for _ in range(2):
        for one, token in asked:
            assert unchanged(rows.macro, one, token) == rows.macro(one, token)
        with speaking(find("de")):
            assert unchanged(rows.macro, {"name": name}, "ana's") == "<p>Standard ana&#39;s</p>"
    assert unchanged(rows.macro, {"name": name}, "ana's") == "<p>default ana&#39;s</p>"
    assert rows.made == 3 * len(asked) + 1


def test_what_was_looked_at_last_is_kept_and_nothing_large(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_KEPT", 100)
    unchanged = Unchanged(2)
    for name in ("a", "b", "a", "c", "a"):
        unchanged(rows.macro, {"name": name}, "")
    assert rows.made == 3, "b went"
    for _ in range(2):
        assert len(unchanged(rows.macro, {"name": "x" * 101}, "")) > 100
    assert rows.made == 5
    unchanged(rows.macro, {"name": "a"}, "")
    assert rows.made == 5
