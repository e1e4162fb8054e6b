"""What people read of errors and of progress is fixed texts with named places, for any language."""

from __future__ import annotations

import ast
import json
from functools import cache
from importlib import import_module
from pathlib import Path
from string import Formatter
from textwrap import indent

import pytest

from binderhub_ext.core.errors import BadLink, BinderError, NoSpace, RefNotFound, ServerDiffers
from binderhub_ext.core.progress import Event, Phase
from binderhub_ext.core.sentences import Sentence, listing
from binderhub_ext.core.updates import State, Update, What
from binderhub_ext.service.failures import Failure
from tests.house.test_languages import texts

NO_PLACES = {"detail", "default_branch"}

TELLERS = ("Event", "Readable", "tell", "_tell", "say", "_say")
"""What is given a sentence to tell."""


class Scope(texts.Scope):
    """A module or a function of ours, and whether what it says is put together there."""

    def is_put_together(self, node: ast.expr, seen: tuple[str, ...] = ()) -> bool:
        """Whether a text is made where it is said; fixed texts may be joined to one another."""

        def any_of(*nodes: ast.expr, seen: tuple[str, ...] = seen) -> bool:
            return any(self.is_put_together(each, seen) for each in nodes)

        match node:
            case ast.JoinedStr():
                return True
            case ast.Call(func=ast.Attribute(attr="format")):
                return True
            case ast.BinOp(left=left, right=right):
                fixed = all(
                    part.isupper() for part in (texts.name_of(left), texts.name_of(right)) if part
                )
                return not fixed or any_of(left, right)
            case ast.IfExp(body=one, orelse=other):
                return any_of(one, other)
            case ast.BoolOp(values=values):
                return any_of(*values)
            case ast.Name(id=name) if name not in seen:
                return any_of(*self.assigned.get(name, ()), seen=(*seen, name))
        return False


@cache
def made() -> list[tuple[Scope, str, ast.Call, ast.expr]]:
    """Where sentences are made: each with its text."""
    every = texts.made(Scope)
    return [(scope, where, call, text) for scope, where, call, given in every for text in given]


def test_no_text_is_put_together_where_it_is_said() -> None:
    wrong = {where for scope, where, _, text in made() if scope.is_put_together(text)}
    assert not wrong


def test_no_error_says_by_itself_what_no_catalogue_has() -> None:
    """What makes a sentence by `super()` is not looked through for texts; a fixed one is found."""
    wrong = {
        where
        for scope in texts.scopes(Scope)
        for where, call in scope.calls("__init__")
        if call.args and isinstance(call.args[0], ast.Constant)
    }
    assert not wrong


def test_what_is_told_is_a_sentence_that_was_made() -> None:
    """A text as such is refused by its type; this finds what would be a sentence by accident."""
    wrong = {
        where
        for scope in texts.scopes(Scope)
        for where, call in scope.calls(*TELLERS)
        if any(map(scope.is_put_together, call.args))
    }
    assert not wrong


def test_every_place_of_a_text_is_filled_and_nothing_else_is_given() -> None:
    wrong = set()
    for _, where, call, text in made():
        given = {word.arg for word in call.keywords} - NO_PLACES
        elsewhere = texts.name_of(call.func) in ("fixed", "_rule")
        if isinstance(text, ast.Constant) and None not in given and not elsewhere:
            places = {name for _, name, _, _ in Formatter().parse(str(text.value)) if name}
            if places != given:
                wrong.add((where, *(places ^ given)))
    assert not wrong


def test_a_text_of_another_module_is_collected_there() -> None:
    """Where it is written `fixed` or `Sentence` stands before it; else nobody translates it."""
    known = {each for text, _ in texts.sentences() for each in ([text], text)[type(text) is tuple]}
    wrong = set()
    for scope, where, _, text in made():
        if not isinstance(text, ast.Name) or scope.file.startswith(texts.COMMAND_LINE):
            continue
        name = f"binderhub_ext.{scope.file.removesuffix('.py').replace('/', '.')}"
        if scope.texts(text) is None and hasattr(module := import_module(name), text.id):
            value = getattr(module, text.id)
            wrong |= {where} if str(getattr(value, "text", value)) not in known else set()
    assert not wrong


@pytest.mark.parametrize(
    "code",
    [
        "Sentence(f'{a} files')",
        "words = f'{a} files'\nSentence(words)",
        "words = 'A file. '\nwords += f'{a} more.'\nBadLink(words)",
        "_GONE = '{} is gone.'\ntell(Event(Phase.WAITING, _GONE.format(a)))",
        "Sentence('Files: ' + a)",
        "Sentence('One.' if one else f'{a}.')",
    ],
)
def test_these_tests_find_what_is_put_together(code: str) -> None:
    found = [
        argument
        for scope in texts.scopes_of("some.py", f"def some():\n{indent(code, '  ')}", Scope)
        for _, call in scope.calls(*texts.MAKERS, *TELLERS)
        for argument in call.args
        if scope.is_put_together(argument)
    ]
    assert found


def test_an_error_has_its_text_and_what_stands_in_it() -> None:
    error = BadLink("{path} has {count} parts.", path=Path("/a"), count=2, detail="longer")
    assert error.message.text == "{path} has {count} parts."
    assert error.message.fields == {"path": "/a", "count": 2}
    assert (error.message, str(error)) == ("/a has 2 parts.", "/a has 2 parts.")
    body = json.loads(json.dumps(error.to_dict()))
    assert body["message"] == "/a has 2 parts."
    assert (body["text"], body["fields"]) == (error.message.text, error.message.fields)
    failure = Failure.of(error, where="here")
    assert failure.to_json() == {**body, "status": 400}
    told = json.loads(failure.event.encoded)
    assert (told["text"], told["fields"]) == (body["text"], body["fields"])


def test_a_text_without_places_is_said_as_it_is() -> None:
    for error in (BinderError("write {a}"), RefNotFound("no {ref", default_branch="main")):
        assert error.message == error.message.text and "fields" not in error.to_dict()
    differs = ServerDiffers("{x}", ("a", "b"))
    assert "Your server {x} is running" in differs.message
    assert differs.message.fields == {"server": "{x}"}


def test_an_event_has_its_text_and_what_stands_in_it() -> None:
    """Beside what BinderHub's clients read, which is as it was."""
    message = Sentence("{ref} is commit {commit}.", ref="main", commit="a" * 40)
    event = json.loads(Event(Phase.WAITING, message, {"commit": "a" * 40}).encoded)
    assert event == {
        "phase": "waiting",
        "message": f"main is commit {'a' * 40}.\n",
        "text": "{ref} is commit {commit}.",
        "fields": {"ref": "main", "commit": "a" * 40},
        "commit": "a" * 40,
    }
    line = json.loads(Event.log(Phase.BUILDING, "{x} 3%").encoded)
    assert line == {"phase": "building", "message": "{x} 3%\n", "log": True}


def test_a_sentence_within_a_sentence_stays_one() -> None:
    full = NoSpace("The volume {volume} is full.", volume="data")
    outer = Sentence("{why} Your server starts as it is.", why=full.message)
    assert outer == "The volume data is full. Your server starts as it is."
    assert outer.data["fields"] == {
        "why": {"text": "The volume {volume} is full.", "fields": {"volume": "data"}}
    }
    assert BadLink(outer).message.data == outer.data
    update = Update(State.UPDATED, "b" * 40, "a" * 40, counts={What.ADDED: 1, What.KEPT: 2})
    assert update.summary == "1 file new, 2 files kept as you have it"
    assert listing([]) == "" and update.summary.data["fields"]["this"]["fields"]["files"] == {
        "text": "{count} files",
        "fields": {"count": 2},
    }


@pytest.mark.parametrize(
    "sentence",
    [
        Sentence("Your project is at {commit} already.", commit="1234567"),
        Sentence("{size:.1f} GB", size=1.25),
        Sentence("{why} More.", why=Sentence("{a} and {b}", a=1, b="{c}")),
    ],
)
def test_another_process_gets_the_same_sentence(sentence: Sentence) -> None:
    sent = json.loads(json.dumps({"message": sentence, **sentence.data}))
    received = Sentence.received(sent["message"], sent)
    assert received == sentence and received.data == sentence.data


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"text": "{a}", "fields": {"a": "other words"}},
        {"text": "{a:>2}", "fields": {"a": "me"}},
        {"text": "{a.__class__}", "fields": {"a": "me"}},
        {"text": "{a[0]}", "fields": {"a": "me"}},
        {"text": "{a}", "fields": {"a": None}},
        {"text": "{a}", "fields": ["me"]},
        {"text": "{a", "fields": {"a": "me"}},
        {"text": 1, "fields": {"a": "me"}},
        {"text": "{a}", "fields": {"a": {"text": "{b:99999999}", "fields": {"b": 1}}}},
    ],
)
def test_of_anything_else_there_are_the_words_alone(data: dict[str, object]) -> None:
    received = Sentence.received("me", data)
    assert received == "me" and received.data == {}
