"""What an entry of the catalogue may say, how it is found, and what is popular."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.core.catalogue import (
    TAGS_MAX,
    Listing,
    Popular,
    check_no_secret,
    clean,
    is_listed,
    most_popular,
    popularity,
    read_reason,
    read_tags,
    terms,
    words_of,
)
from binderhub_ext.core.errors import BadLink
from binderhub_ext.core.providers import PROVIDERS

DAY = 86400.0


def test_a_listing_as_it_is_typed() -> None:
    listing = Listing.read("  Tides \n of  Brest ", "One.\n\nTwo…", "Ocean, #R; c++ ocean", "crew")
    assert listing == Listing("Tides of Brest", "One. Two…", ("ocean", "r", "c++"), "crew")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": " \u202e\u200b "}, "Give it a title"),
        ({"title": "x" * 121}, "The title is 121 characters long"),
        ({"title": "x", "text": "x" * 1001}, "The description is 1001"),
        ({"title": "x", "tags": "<script>"}, "cannot be a tag"),
        ({"title": "x", "tags": "x" * 31}, "cannot be a tag"),
        ({"title": "x", "tags": " ".join(map(str, range(TAGS_MAX + 1)))}, "There are 9 tags"),
    ],
)
def test_a_listing_that_cannot_be(fields: dict[str, str], words: str) -> None:
    with pytest.raises(BadLink, match=words):
        Listing.read(**fields)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb\x00c\ufeff\td", "abc d"),
        ("👩\u200d🔬 म\u200cक", "👩\u200d🔬 म\u200cक"),
        ("e" + "\u0301" * 40 + "x", "e" + "\u0301" * 4 + "x"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
    ],
)
def test_what_is_not_seen_is_left_out(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text(max_size=300))
def test_whatever_is_typed_is_one_line_and_is_searched(text: str) -> None:
    line = clean(text)
    assert "\n" not in line and clean(line) == line
    assert len(terms(text)) <= 8
    assert all(term in words_of(Listing(line), "") for term in terms(line))


def test_words_are_found_without_accents_and_case() -> None:
    words = words_of(Listing("Übungen zur Straße", "Gezeiten", ("océan",)), "me/Tides_2")
    for query in ("uebung", "ubungen STRASSE", "ocean tides_2", "gezeit"):
        found = all(term in words for term in terms(query))
        assert found == (query != "uebung"), query
    assert terms("a a  b") == ("a", "b")


@pytest.mark.parametrize(
    "link",
    [
        "https://maria:secret@git.example.org/a/b",
        "https://ghp@github.com/a/b",
        "v2/git/https%3A%2F%2Fmaria%3Asecret%40git.example.org%2Fa%2Fb/main",
        "v2/gh/a/b/main?access_token=x",
        "v2/gh/a/b/main?urlpath=lab%3Ftoken%3Dabc",
        "v2/gh/a/b/main?urlpath=lab%253Fapi_key%253Dabc",
        "https://hub.example.org/services/binder/v2/gh/a/b/main?x-amz-signature=1",
        "https://mybinder.org/v2/gh/a/b/main?filepath=a.ipynb&password=x",
        "https://github.com/a/b#sig=xyz",
        "https://github.com/a/b/ghp_" + "x" * 36,
        "v2/gh/a/b/main?urlpath=x%2Fglpat-" + "x" * 20,
    ],
)
def test_a_link_with_a_secret_is_refused(link: str) -> None:
    with pytest.raises(BadLink, match="password or a token"):
        check_no_secret(link)


@pytest.mark.parametrize(
    "link",
    [
        "git@github.com:ocean/tides.git",
        "ssh://git@git.example.org/ocean/tides",
        "https://github.com/ocean/token-tutorial",
        "v2/gh/ocean/secrets/main?urlpath=lab/tree/password.ipynb&volume=data:x:ro&size=large",
        "https://cdn.example.org/npm/@scope/pkg?author=maria",
        "10.5281/zenodo.3242074",
    ],
)
def test_a_link_without_one_is_not(link: str) -> None:
    check_no_secret(link)


def looking_through(*texts: str) -> float:
    """Seconds of processor time."""
    before = process_time()
    for text in texts * 20:
        check_no_secret(text)
    return process_time() - before


def test_a_link_is_looked_through_at_once() -> None:
    """Nearly as fast as one with nothing of what is looked for, on any machine."""
    hostile = "auth" * 4096, "-eyJ" * 4096, "eyJ" * 5461, "token.token" * 1489, "?auth" * 3276
    assert looking_through(*hostile) < 10 * looking_through(*["tide/" * 3276] * len(hostile))


@pytest.mark.parametrize(
    ("provider", "name", "listed"),
    [
        ("gh", "ocean/tides", True),
        ("git", "https://git.example.org/ocean/tides", True),
        ("osf", "ezcuj", True),
        ("archive", "https://cloud.example.org/s/AbCdEf/download/course.zip", False),
        ("gist", "maria/0123456789abcdef", False),
        ("git", "https://gist.github.com/0123456789abcdef.git", False),
    ],
)
def test_what_an_address_opens_is_told_by_nobody(provider: str, name: str, listed: bool) -> None:
    assert is_listed(PROVIDERS[provider].repo(name)) is listed


def test_a_report_says_what_is_wrong() -> None:
    assert read_reason(" is\nspam ") == "is spam"
    for nothing in ("", " \n", "x" * 501):
        with pytest.raises(BadLink):
            read_reason(nothing)


def test_a_person_counts_once_and_half_after_a_half_life() -> None:
    assert popularity([0, 30 * DAY, 60 * DAY], 30 * DAY) == pytest.approx(1.75)
    assert popularity([-5 * DAY], 30 * DAY) == 1, "clocks that jump make nobody count more"
    assert popularity([], DAY) == 0


def test_what_few_launched_is_not_told() -> None:
    now = 100 * DAY
    latest = {
        "old": dict.fromkeys("abcdef", 10 * DAY),
        "new": dict.fromkeys("abc", now),
        "mine": {"a": now, "b": now},
    }
    found = most_popular(latest, now=now, half_life=30 * DAY, people=3)
    assert list(found) == ["new", "old"]
    assert found["new"] == Popular(3.0, 3)
    assert found["old"].score == pytest.approx(6 * 0.125)


@given(st.lists(st.floats(0, 1e9), max_size=20), st.floats(1, 1e8))
def test_more_people_never_make_less(ages: list[float], half_life: float) -> None:
    score = popularity(ages, half_life)
    assert 0 <= score <= len(ages)
    assert popularity([*ages, 0.0], half_life) == pytest.approx(score + 1)


def test_tags_are_searched_as_they_are_kept() -> None:
    assert read_tags("Straße") == ("strasse",)
    assert read_tags("") == ()
