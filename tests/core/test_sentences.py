"""Sentences on their way through databases and pages of others."""

from __future__ import annotations

import html
import json

import pytest

from binderhub_ext.core.carried import carried, carry, said_in
from binderhub_ext.core.sentences import Sentence, read_written, together, written
from binderhub_ext.languages.language import find

INNER = Sentence("{size:.1f} GiB", size=1.5)
FULL = Sentence("Your files take {size} of {limit}. <b>", size=INNER, limit="[[")
NESTED = Sentence("Not so. {why}", why=Sentence("It ended by itself."))


@pytest.mark.parametrize(
    "words",
    [
        FULL,
        NESTED,
        Sentence("Plain."),
        "Plain.",
        "",
        '[["',
        '[["a", {}]]',
        '[["{size}", {"text": 1}]]',
    ],
)
def test_what_is_kept_is_read_again(words: str) -> None:
    read = read_written(written(words))
    assert read == words
    assert read.data == (words.data if isinstance(words, Sentence) else {})
    if isinstance(words, Sentence):
        assert [*map(type, read.fields.values())] == [*map(type, words.fields.values())]


def test_plain_words_are_kept_as_they_are() -> None:
    assert written("Plain.") == "Plain."
    assert written(Sentence("Plain.")) == "Plain."


@pytest.mark.parametrize("text", ['[["', '[["' + "[" * 200_000, '[["a"]]', "[[1, 2]]"])
def test_what_an_earlier_version_kept_is_read_whatever_it_looks_like(text: str) -> None:
    assert read_written(text) == text


def test_a_sentence_is_carried_through_a_page() -> None:
    page = f"{carry(FULL)}<pre>{html.escape('</span> log')}</pre>"
    assert html.escape(FULL) in page
    assert carried(FULL, page).data == FULL.data
    assert said_in(page, lambda sentence: f"<{sentence.text}>").startswith(
        "&lt;Your files take {size} of {limit}. &lt;b&gt;&gt;<pre>"
    )


DEEP = '{"text": "{a}", "fields": {"a":' * 900 + '{"text": "b", "fields": {}}' + "}}" * 900
ENDLESS = '{"text": "{a:.1f}", "fields": {"a": 1' + "0" * 400 + "}}"
OFTEN: dict[str, object] = {"text": "a thousand letters" * 55, "fields": {}}
for _ in range(4):
    OFTEN = {"text": "{a}" * 1000, "fields": {"a": OFTEN}}


@pytest.mark.parametrize(
    "made_of",
    [
        "nonsense",
        "[1]",
        '{"text": "{a.b}", "fields": {"a": 1}}',
        "{}",
        "[" * 200_000,
        ENDLESS,
        DEEP,
        json.dumps(OFTEN),
    ],
    ids=lambda made_of: made_of[:40],
)
def test_whatever_a_page_carries_the_words_count(made_of: str) -> None:
    page = f'<span data-binder-sentence="{html.escape(made_of)}">The words.</span>'
    assert carried("The words.", page).data == {}
    assert said_in(page, str) == "The words."
    other = json.dumps({"text": "Others of {who}.", "fields": {"who": "eve"}})
    page = f'<span data-binder-sentence="{html.escape(other)}">The words.</span>'
    assert carried("The words.", page).data == {}


def test_a_thing_with_others() -> None:
    assert together("Python 3", []) == "Python 3"
    assert together("Python 3", ["a"]) == "Python 3 with a"
    assert together("Python 3", ["a", "b", "c"]) == "Python 3 with a, b and c"


def test_a_number_that_no_language_writes_is_said_as_it_is() -> None:
    sentence = Sentence("{size:.1f} GiB", size=1e308)
    assert find("de").say(sentence) == sentence
