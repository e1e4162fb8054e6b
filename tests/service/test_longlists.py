"""Lists of thousands: a page of them, and what is found by words."""

from __future__ import annotations

import pytest

from binderhub_ext.service.web.longlists import (
    PAGE,
    around,
    has_words,
    looked_through,
    number_of,
    part_of,
)

SERVERS = [{"user": f"student-{n:04}", "repo": "gh/ocean/Tides", "at": n} for n in range(5_000)]


def test_of_thousands_a_page_is_shown() -> None:
    rows, places = part_of(SERVERS, {"find": ""}, 1, "/admin/servers")
    assert (len(rows), rows[0]["at"], places["pages"]) == (PAGE, 0, 50)
    assert (places["before"], places["after"]) == ("", "/admin/servers?page=2")
    rows, places = part_of(SERVERS, {"find": "a b"}, 99_999, "/admin/servers")
    assert (rows[-1]["at"], places["page"], places["after"]) == (4_999, 50, "")
    assert places["before"] == "/admin/servers?find=a+b&page=49"
    assert part_of([], {}, 7, "/x")[1] == {
        "page": 1,
        "pages": 1,
        "total": 0,
        "before": "",
        "after": "",
    }


@pytest.mark.parametrize(
    ("wanted", "count"),
    [("", 5_000), ("  ", 5_000), ("0042", 1), ("STUDENT tides", 5_000), ("tides 42 x", 0)],
)
def test_what_is_found_has_every_word(wanted: str, count: int) -> None:
    assert len(looked_through(SERVERS, ("user", "repo"), wanted)) == count


@pytest.mark.parametrize("wanted", ["Übung", "u\u0308bung", "ubung", "ÜBUNG 1", "straße"])
def test_letters_are_found_however_they_are_written(wanted: str) -> None:
    assert has_words(["U\u0308bung 1", "STRASSE"], wanted)
    assert has_words(["Übung 1", "Straße"], wanted)
    assert not has_words(["Übrig"], wanted)


@pytest.mark.parametrize(
    ("said", "number"),
    [("", 1), ("7", 7), ("0", 1), ("-3", 1), ("x", 1), ("9" * 30, 1), ("²", 1)],
)
def test_a_page_is_asked_for_by_its_number(said: str, number: int) -> None:
    assert number_of(said) == number


def test_addresses_have_what_is_looked_for() -> None:
    assert around({"q": "ü", "tag": ""}, 2, 3, "/c") == {
        "before": "/c?q=%C3%BC",
        "after": "/c?q=%C3%BC&page=3",
    }
