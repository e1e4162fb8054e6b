"""Whom a launch lets into its server: in links, in tickets, and what it changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from binderhub_ext.core.changes import changes, lets_in
from binderhub_ext.core.errors import BadLink, NotAllowed
from binderhub_ext.core.launch import Launch, LaunchRequest, read_ticket, sign_ticket
from binderhub_ext.core.links import without
from binderhub_ext.core.paste import understand
from binderhub_ext.core.policy import Policy, admit
from binderhub_ext.core.sharees import SHAREES_MAX, Sharee

LAUNCH = Launch(user="ann", server="s", commit=None, project="", image="i")
REQUEST = LaunchRequest(None, image="i", server="s")
POLICY = Policy(images=("i",))


@pytest.mark.parametrize(
    ("text", "sharee"),
    [
        ("bo", Sharee("bo")),
        ("bo@x.org", Sharee("bo@x.org")),
        ("group:crew", Sharee("crew", group=True)),
        ("group:a:b", Sharee("a:b", group=True)),
    ],
)
def test_as_links_write_it(text: str, sharee: Sharee) -> None:
    assert Sharee.of(text) == sharee
    assert str(sharee) == text
    asked = understand(f"https://hub.example.org/v2/gh/a/b/main?share={text}").request
    assert asked.share == (text,)


@pytest.mark.parametrize(
    "text", ["group:", "group:a/b", "group:-x", "group:.x", "-x", "a/b", "a\x00"]
)
def test_what_cannot_be_a_name(text: str) -> None:
    from binderhub_ext.core.parameters import PARAMETERS

    with pytest.raises(BadLink):
        PARAMETERS["share"].read(text)


@pytest.mark.parametrize(("user", "group"), [("", ""), (" ", ""), ("a", "b"), ("a/b", "")])
def test_one_of_two_fields(user: str, group: str) -> None:
    with pytest.raises(BadLink):
        Sharee.named(user, group)


def test_a_person_whose_name_looks_like_a_group_is_none() -> None:
    assert Sharee.named("group:crew", "") != Sharee.of("group:crew")


def test_nobody_is_let_into_their_own_server() -> None:
    launch = admit(POLICY, replace(REQUEST, share=("ann", "bo")), None, user="ann")
    assert launch.share == ("bo",)


def test_there_is_an_end_to_it() -> None:
    crowd = tuple(f"p{n}" for n in range(SHAREES_MAX + 1))
    assert admit(POLICY, replace(REQUEST, share=crowd[:-1]), None, user="ann")
    with pytest.raises(NotAllowed, match="Use a group"):
        admit(POLICY, replace(REQUEST, share=crowd), None, user="ann")


def test_more_people_are_a_change_that_restarts_nothing_and_fewer_are_none() -> None:
    more = replace(LAUNCH, share=("bo", "group:crew"))
    assert changes(LAUNCH, more) == changes(more, LAUNCH) == ()
    assert lets_in([], more) == (
        "It would let in bo.",
        "It would let in everybody in the group crew.",
    )
    assert lets_in([Sharee("crew", group=True)], more) == ("It would let in bo.",)
    assert lets_in([Sharee("bo"), Sharee("eve")], LAUNCH) == ()


def test_a_ticket_knows_them_and_one_of_before_is_read() -> None:
    launch = replace(LAUNCH, share=("bo", "group:crew"))
    assert read_ticket(sign_ticket(launch, "x"), "x", user="ann", server="s") == launch
    fields = launch.to_dict()
    del fields["share"]
    assert Launch.from_dict(fields) == LAUNCH


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("v2/gh/a/b/main?share=bo", "v2/gh/a/b/main"),
        (
            "v2/gh/a/b/main?mem=1G&share=bo&share=group:crew&x=share%3D",
            "v2/gh/a/b/main?mem=1G&x=share%3D",
        ),
        ("v2/gh/a/b/main", "v2/gh/a/b/main"),
        ("v2/gh/a/b/main?reshare=1", "v2/gh/a/b/main?reshare=1"),
    ],
)
def test_a_link_without_them(link: str, expected: str) -> None:
    assert without(link, "share") == expected
