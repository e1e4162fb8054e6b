"""Whether the Hub may start a server of a private repository."""

from __future__ import annotations

from dataclasses import replace

import pytest

from binderhub_ext.core.errors import BadTicket
from binderhub_ext.core.launch import Launch, Project, check_reader, read_ticket, sign_ticket
from binderhub_ext.core.repo import Commit, Repo

REPO = Repo("gh", "me/mine", "https://github.com/me/mine")
NOW = 1_800_000_000


def launch(reader: str, checked: int) -> Launch:
    commit = Commit(replace(REPO, reader=reader), "main", "a" * 40)
    return Launch("ana", "mine-1", commit, "projects/me/mine", "key", checked=checked)


@pytest.mark.parametrize(
    ("reader", "checked", "starts"),
    [
        ("", 0, True),
        ("ana", NOW, True),
        ("ana", NOW - 300, True),
        ("ana", NOW - 301, False),
        ("ana", NOW + 30, True),
        ("ana", NOW + 3600, False),
        ("ana", 0, False),
        ("bob", NOW, False),
    ],
)
def test_checked_a_moment_ago(reader: str, checked: int, starts: bool) -> None:
    signed = sign_ticket(launch(reader, checked), "secret")
    read = read_ticket(signed, "secret", user="ana", server="mine-1")
    assert read == launch(reader, checked)
    if starts:
        check_reader(read, now=NOW, seconds=300)
    else:
        with pytest.raises(BadTicket, match="launch page"):
            check_reader(read, now=NOW, seconds=300)


def test_content_is_private_too() -> None:
    content = Project(launch("ana", NOW).commit, "projects/me/mine", "mine")  # type: ignore[arg-type]
    with_content = Launch("ana", "one", None, "", "image", content=(content,))
    check_reader(replace(with_content, checked=NOW), now=NOW, seconds=300)
    for refused in (with_content, replace(with_content, user="bob", checked=NOW)):
        with pytest.raises(BadTicket, match="launch page"):
            check_reader(refused, now=NOW, seconds=300)


def test_an_image_has_no_reader() -> None:
    check_reader(Launch("ana", "one", None, "", "image"), now=NOW, seconds=1)
