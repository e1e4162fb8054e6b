"""Refs: the rules of `git check-ref-format`, and which ref is meant."""

from __future__ import annotations

import subprocess
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from binderhub_ext.core import refs
from binderhub_ext.core.errors import BadLink

GOOD = [
    "main",
    "a/main",
    "v1.0",
    "feature/é",
    "refs/pull/12/head",
    "HEAD",
    "@a",
    "a@b",
    "a{",
    "1-2",
]
BAD = [
    *("-q", "--upload-pack=touch x", "a..b", "a b", "a\tb", "a\n", "a\x00b", "a\x7f", "a~1"),
    *("a^", "a:b", "a?", "a*", "a[b", "a\\b", "/a", "a/", "a//b", ".a", "a/.b", "a.", "a.lock"),
    *("a.lock/b", "a@{1}", "@", "x" * 10_000, "a\u202eb", "a\u200bb", "\ud800"),
]


@pytest.mark.parametrize("ref", GOOD)
def test_good(ref: str) -> None:
    assert refs.check(ref) == ref


@pytest.mark.parametrize("ref", BAD)
def test_bad(ref: str) -> None:
    with pytest.raises(BadLink) as caught:
        refs.check(ref)
    caught.value.message.encode()
    assert len(caught.value.message) < 500


def test_nothing_is_head() -> None:
    assert refs.check("") == "HEAD"


def test_ids_are_lower_case() -> None:
    assert refs.check("AB" * 20) == "ab" * 20
    assert refs.is_short_id("AB12") and not refs.is_short_id("ab" * 20)
    assert not refs.is_short_id("abc") and not refs.is_full_id("a" * 39)


LETTERS = st.sampled_from([*"a.b/-@{}~^:?*[\\ \x01\x7f", ".lock", "..", "é", "\u202e"])


@settings(max_examples=150)
@given(st.lists(LETTERS, min_size=1, max_size=6).map("".join))
@example("a.lock")
def test_agrees_with_git(ref: str) -> None:
    git = subprocess.run(["git", "check-ref-format", f"refs/heads/{ref}"]).returncode == 0
    stricter = (
        ref.startswith("-")
        or ref == "@"
        or any(unicodedata.category(letter) == "Cf" for letter in ref)
    )
    assert refs.is_valid(ref) == (git and not stricter)


CHOICES = [
    # ref, advertised, expected full name and id
    ("main", {"refs/heads/a/main": "1", "refs/heads/main": "2"}, ("refs/heads/main", "2")),
    ("v1", {"refs/tags/v1": "1", "refs/tags/v1^{}": "2"}, ("refs/tags/v1", "2")),
    ("v1", {"refs/tags/v1": "1", "refs/heads/v1": "2"}, ("refs/heads/v1", "2")),
    ("HEAD", {"HEAD": "1", "refs/heads/HEAD": "2"}, ("HEAD", "1")),
    ("refs/pull/1/head", {"refs/pull/1/head": "1"}, ("refs/pull/1/head", "1")),
    ("pull/1/head", {"refs/pull/1/head": "1"}, ("refs/pull/1/head", "1")),
    ("heads/main", {"refs/heads/main": "1"}, ("refs/heads/main", "1")),
    ("notes/x", {"refs/notes/x": "1"}, None),
    ("refs/notes/x", {"refs/notes/x": "1"}, ("refs/notes/x", "1")),
    ("refs/x", {"refs/heads/refs/x": "1"}, ("refs/heads/refs/x", "1")),
    ("main", {"refs/heads/a/main": "1"}, None),
]


@pytest.mark.parametrize(("ref", "advertised", "expected"), CHOICES)
def test_choose(ref: str, advertised: dict[str, str], expected: tuple[str, str] | None) -> None:
    chosen = refs.choose(ref, advertised)
    assert (chosen and (chosen.name, chosen.id)) == expected


OF_STRANGERS = [
    *("pull/1/head", "merge-requests/1/head", "pull-requests/1/from", "changes/01/1/1"),
    *("keep-around/x", "pipelines/1", "remotes/eve/main", "notes/x", "for/main", "stash"),
]
"""What hosts keep below `refs/` beside branches and tags; a stranger can be behind it."""


@pytest.mark.parametrize("name", OF_STRANGERS)
def test_what_strangers_proposed_is_known_by_its_name(name: str) -> None:
    """However it is written, or it is not found at all."""
    advertised = {f"refs/{name}": "1"}
    found = [ref for ref in (name, f"refs/{name}") if refs.choose(ref, advertised)]
    assert f"refs/{name}" in found
    assert all(map(refs.may_be_proposed, found))


@pytest.mark.parametrize("ref", ["HEAD", "main", "a/b", "v1.0", "heads/a", "refs/tags/v1"])
def test_what_is_the_owners(ref: str) -> None:
    assert not refs.may_be_proposed(ref)


def test_branch_of_a_choice() -> None:
    assert refs.Chosen("refs/heads/a/main", "1").branch == "a/main"
    assert refs.Chosen("refs/tags/v1", "1").branch == ""
    assert refs.branches({"refs/heads/a": "1", "refs/tags/b": "2", "HEAD": "1"}) == ["a"]


def test_patterns_ask_for_peeled_tags() -> None:
    assert "refs/tags/v1^{}" in refs.patterns("v1")
    assert refs.patterns("HEAD") == ("HEAD",)
