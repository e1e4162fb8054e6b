"""Links of classes: what is one, and what trust covers."""

from __future__ import annotations

import pytest

from binderhub_ext.core.badges import elsewhere, lost_elsewhere
from binderhub_ext.core.classes import Named, is_about, is_as_given, seen_by
from binderhub_ext.core.errors import BadLink
from binderhub_ext.core.links import read_link, write_link
from binderhub_ext.core.rights import reach_for_the_same, rights, wants_nothing_more, words
from binderhub_ext.core.sharees import Sharee

LINK = read_link("gh", "o/n/main", "size=large&content=gh/o/week/main")


@pytest.mark.parametrize(
    ("spec", "query", "is_of_it"),
    [
        ("o/n/main", "size=large&content=gh/o/week/main", True),
        ("O/N/v2", "files=none&content=gh/o/week/v1&target=lab", True),
        ("o/n/main", "", False),
        ("o/other/main", "content=gh/o/week/main", False),
        ("o/n/main", "content=gh/o/week/main&content=gh/evil/x/main", False),
        ("o/n/main", "content=gh/o/week/main&image=quay.io/x/y", False),
        ("o/n/main", "content=gh/o/week/main&environment=plain", False),
    ],
)
def test_a_link_of_a_class_is_about_what_its_own_is(spec: str, query: str, is_of_it: bool) -> None:
    assert is_about(read_link("gh", spec, f"{query}&class=abcd2345"), LINK) is is_of_it


@pytest.mark.parametrize(
    ("spec", "query", "is_given"),
    [
        ("o/n/main", "size=large&content=gh/o/week/main", True),
        ("O/N/main", "content=gh/o/week/main&target=lab&files=none", True),
        ("o/n/refs%2Fpull%2F1%2Fhead", "size=large&content=gh/o/week/main", False),
        ("o/n/main", "size=large&content=gh/o/week/evil", False),
        ("o/n/main", "size=large&content=gh/o/week/main&files=home", False),
        ("o/n/main", "size=large&content=gh/o/week/main&share=mallory", False),
    ],
)
def test_a_changed_link_of_a_class_is_told_from_the_teachers(
    spec: str, query: str, is_given: bool
) -> None:
    assert is_as_given(read_link("gh", spec, f"{query}&class=abcd2345"), LINK) is is_given


def test_it_is_kept_in_links_and_goes_nowhere_else() -> None:
    request = read_link("gh", "o/n/main", "class=abcd2345")
    assert request.class_id == "abcd2345"
    assert write_link(request) == "v2/gh/o/n/main?class=abcd2345"
    for ours in (True, False):
        assert "class" not in elsewhere(request, "https://hub.example.org", ours=ours)
    assert lost_elsewhere(request) == []


def test_trust_covers_the_teachers_that_were_named_and_no_others() -> None:
    tom, staff = Named("k3f9", Sharee("tom")), Named("m4g2", Sharee("staff", group=True))
    assert tom.means("tom", ()) and not tom.means("tim", ("tom",))
    assert staff.means("anybody", ("staff",)) and not staff.means("staff", ())
    again = Named("z9z9", tom.who)
    assert seen_by("abcd2345", [tom]) < seen_by("abcd2345", [tom, staff])
    assert not seen_by("abcd2345", [again]) & seen_by("abcd2345", [tom])
    assert not seen_by("efgh2345", [tom]) & seen_by("abcd2345", [tom])
    assert "seen and stopped by tom (abcd2345-k3f9)" in words(seen_by("abcd2345", [tom]))


@pytest.mark.parametrize("id", ["ABC", "a/b", "a b", "<x>", "ü", "a" * 33])
def test_what_is_no_id(id: str) -> None:
    with pytest.raises(BadLink):
        read_link("gh", "o/n/main", [("class", id)])


def test_trust_in_a_repository_tells_no_teacher() -> None:
    plain = read_link("gh", "o/n/main")
    one = read_link("gh", "o/n/main", "class=abcd2345")
    other = read_link("gh", "o/n/main", "class=efgh2345")
    assert not rights(one) <= rights(plain) and not rights(one) <= rights(other)
    assert wants_nothing_more(plain) and not wants_nothing_more(one)
    assert reach_for_the_same(one, one) and not reach_for_the_same(one, plain)
    assert "stopped by the teacher of the class abcd2345" in words(rights(one))
