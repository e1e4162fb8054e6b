"""What is told of an update: the same by the program, the event, the page and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from binderhub_ext.core.launch import Launch, read_ticket, sign_ticket
from binderhub_ext.core.sentences import Sentence
from binderhub_ext.core.updates import (
    CHOICES,
    FileChange,
    Keep,
    State,
    Update,
    What,
    needs_choice,
    printable,
)

OLD, NEW = "a" * 40, "b" * 40
CHANGES = (
    FileChange("new.txt", What.ADDED),
    FileChange("a.txt", What.BESIDE, "a.incoming-bbbbbbb.txt"),
    FileChange("b.txt", What.UPDATED),
)
UPDATE = Update(
    State.UPDATED,
    NEW,
    OLD,
    changes=CHANGES,
    notes=(Sentence("A note."), Sentence("Of {name}.", name="main")),
    edited=("a.txt",),
    counts={What.ADDED: 1, What.BESIDE: 1, What.UPDATED: 2},
)


def test_it_survives_every_door() -> None:
    fields = json.loads(json.dumps(UPDATE.to_fields()))
    assert Update.from_fields(fields) == UPDATE
    assert Update.from_fields(fields).to_fields() == UPDATE.to_fields()
    assert [note.text for note in Update.from_fields(fields).notes] == ["A note.", "Of {name}."]
    del fields["notes_data"]
    assert Update.from_fields(fields) == UPDATE, "as an earlier version told it"


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "eaten"},
        {"state": None},
        {"counts": {"nonsense": 1}},
        {"counts": [1]},
        {"changes": [{"path": "a"}]},
        {"changes": ["a"]},
        {"changes": None},
        {"notes": "a"},
        {"notes": ["a"], "notes_data": {"a": 1}},
        {"edited": {"a": 1}},
    ],
)
def test_anything_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Update.from_fields({**UPDATE.to_fields(), **changes})
    with pytest.raises(ValueError):
        Update.from_fields({})


def test_words() -> None:
    assert UPDATE.sentence == (
        "Your project went from aaaaaaa to bbbbbbb: 1 file new, 2 files updated, "
        "1 file with the incoming version beside yours."
    )
    assert UPDATE.planned_summary.endswith("1 file changed on both sides")
    assert "a.txt: changed by you: yours stays, the repository's is a.inc" in UPDATE.text()
    assert "a.txt: changed by you and in the repository" in UPDATE.text(planned=True)
    untouched = Update(State.UNTOUCHED, NEW, message="Rename it.")
    assert untouched.sentence == "Your project was left as it is. Rename it."
    same = replace(UPDATE, changes=(), counts={})
    assert same.sentence.endswith("no file had to change.")
    assert Update(State.UNCHANGED, NEW).sentence.endswith("bbbbbbb already.")
    assert Update(State.CREATED, NEW, counts={What.ADDED: 2}).sentence.endswith("2 files.")


def test_of_many_files_those_to_look_at_are_listed() -> None:
    clipped = UPDATE.clipped(1)
    assert [change.path for change in clipped.changes] == ["a.txt"]
    assert (clipped.unlisted, UPDATE.unlisted) == (3, 1)


@pytest.mark.parametrize("what", What)
def test_a_question_only_where_the_answer_matters(what: What) -> None:
    update = replace(UPDATE, counts={what: 1})
    asks = what in (What.BESIDE, What.ASIDE, What.KEPT, What.KEPT_DELETED, What.RESCUED)
    assert needs_choice(update) is asks
    assert not needs_choice(replace(update, state=State.UNTOUCHED))
    assert FileChange("x", what).words or what is What.NOTHING


def test_names_play_no_tricks() -> None:
    assert printable("a\x1b[31m\n\udcff\u202e\N{SNOWMAN}") == "a\\x1b[31m\\n\\xff\\u202e\N{SNOWMAN}"


def test_the_default_comes_first_and_loses_nothing() -> None:
    assert list(CHOICES) == [Keep.BOTH, Keep.MINE, Keep.THEIRS]


def test_the_choice_is_signed() -> None:
    launch = Launch("ana", "one", None, "", "image", keep=Keep.THEIRS)
    read = read_ticket(sign_ticket(launch, "secret"), "secret", user="ana", server="one")
    assert read == launch
    fields = launch.to_dict()
    del fields["keep"]
    assert Launch.from_dict(fields).keep is Keep.BOTH
    with pytest.raises(ValueError):
        Launch.from_dict({**fields, "keep": "everything"})
