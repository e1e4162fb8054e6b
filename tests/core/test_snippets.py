"""Addresses inside markup and command lines; never slow, whatever the text."""

from __future__ import annotations

import time

import pytest

from binderhub_ext.core.errors import BinderError
from binderhub_ext.core.paste import understand
from binderhub_ext.core.plain import TEXT_MAX
from binderhub_ext.core.snippets import Command, command, links

COMMANDS = [
    ("git clone https://h.org/x", Command("https://h.org/x")),
    ("git clone -b dev https://h.org/x there", Command("https://h.org/x", "dev")),
    ("sudo docker pull a/b:c", Command("a/b:c", image=True)),
    ("docker run --rm -v /a:/b a/b jupyter lab", Command("a/b", image=True)),
    (
        "docker run -v /x:/x quay.io/jupyterhub/repo2docker:main jupyter-repo2docker --ref v https://h.org/x",
        Command("https://h.org/x", "v"),
    ),
    ("git status", None),
    ("echo https://h.org/x", None),
    ("git clone 'unbalanced", None),
    ("", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), COMMANDS)
def test_command(text: str, expected: Command | None) -> None:
    assert command(text) == expected


LINKS = [
    ("[![a](https://x/a.svg)](https://h.org/x)", ["https://h.org/x"]),
    ("[a](https://h.org/x 'title')", ["https://h.org/x"]),
    ("[a](<https://h.org/x>)", ["https://h.org/x"]),
    ("[a]: https://h.org/x", ["https://h.org/x"]),
    ("<A HREF='https://h.org/x?a=1&amp;b=2'>y</a>", ["https://h.org/x?a=1&b=2"]),
    ("<a href=https://h.org/x>y</a>", ["https://h.org/x"]),
    (".. _a: https://h.org/x", ["https://h.org/x"]),
    ("[[https://h.org/x][y]]", ["https://h.org/x"]),
    ("See https://h.org/x, or https://h.org/y.", ["https://h.org/x", "https://h.org/y"]),
    ("nothing here", []),
]


@pytest.mark.parametrize(("text", "expected"), LINKS)
def test_links(text: str, expected: list[str]) -> None:
    assert links(text) == expected


@pytest.mark.parametrize(
    "unit",
    [
        "](", "](a", "](a ", "](()", "href=", "href ", "href  =", ".. _a", ".. _a: ", "\n", "\n\t",
        "`<", "`a <b", "[a]: ", "\n[", "[[", "[[a", "link=", "https://a/", "a/", "../", "%25", "@",
        "https://h.org/hub/login?next=", "a:", "10.5281/", "<", "\\", "' ", "a.b", "\u0430", ":a@",
    ],
)  # fmt: skip
def test_no_text_takes_long(unit: str) -> None:
    text = (unit * TEXT_MAX)[:TEXT_MAX]
    begun = time.process_time()
    for around in (text, f"x {text}", f"https://h.org/{text}", f"v2/gh/o/n/{text}"):
        try:
            understand(around[:TEXT_MAX])
        except BinderError:
            continue
    assert time.process_time() - begun < 2
