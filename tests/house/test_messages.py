"""What people read of an error is a fixed text with named places, for any language."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import binderhub_ext
from binderhub_ext.core.errors import BadLink, BinderError, RefNotFound, ServerDiffers
from binderhub_ext.service.failures import Failure
from tests.house.test_documented import generate

ROOT = Path(binderhub_ext.__file__).parent
NAMES = {cls.__name__ for cls in generate.error_classes()}
NO_PLACES = {"detail", "default_branch"}


def errors() -> Iterator[tuple[str, ast.Call]]:
    """Where errors for people are made, with a text."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and _name(node.func) in NAMES:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def test_no_text_is_put_together_where_it_is_said() -> None:
    assert [
        where for where, call in errors() if any(isinstance(a, ast.JoinedStr) for a in call.args)
    ] == []


def test_every_place_of_a_text_is_filled_and_nothing_else_is_given() -> None:
    wrong = []
    for where, call in errors():
        text, given = call.args[0], {word.arg for word in call.keywords} - NO_PLACES
        if isinstance(text, ast.Constant):
            places = {name for _, name, _, _ in Formatter().parse(str(text.value)) if name}
            if places != given:
                wrong.append((where, places ^ given))
    assert wrong == []


def test_an_error_has_its_text_and_what_stands_in_it() -> None:
    error = BadLink("{path} has {count} parts.", path=Path("/a"), count=2, detail="longer")
    assert (error.text, error.fields) == ("{path} has {count} parts.", {"path": "/a", "count": 2})
    assert (error.message, str(error)) == ("/a has 2 parts.", "/a has 2 parts.")
    body = json.loads(json.dumps(error.to_dict()))
    assert body["message"] == error.message and body["fields"] == error.fields
    failure = Failure.of(error, where="here")
    assert failure.to_json() == {**body, "status": 400}


def test_a_text_without_places_is_said_as_it_is() -> None:
    for error in (BinderError("write {a}"), RefNotFound("no {ref", default_branch="main")):
        assert error.message == error.text and "fields" not in error.to_dict()
    differs = ServerDiffers("{x}", ("a", "b"))
    assert "Your server {x} is running" in differs.message and differs.fields == {"server": "{x}"}
