"""A notebook that somebody brings: what is one, and what it is called."""

from __future__ import annotations

from itertools import islice

import pytest

from binderhub_ext.core.errors import BadLink
from binderhub_ext.core.notebooks import read_notebook

PLAIN = b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("analysis.ipynb", "analysis"),
        ("Übung 1 (final).IPYNB", "Übung 1 (final)"),
        ("../../.ssh/keys.ipynb", "keys"),
        ("C:\\work\\x.ipynb", "x"),
        (".ipynb", "notebook"),
        ("..", "notebook"),
        ("", "notebook"),
        ("<b>a</b>\n.ipynb", "b"),
        ("a%2Fb?c#d.ipynb", "a-2Fb-c-d"),
        ("x" * 500 + ".ipynb", "x" * 80),
        ("a.ipynb.txt", "a.ipynb.txt"),
    ],
)
def test_what_it_is_called(name: str, title: str) -> None:
    notebook = read_notebook(name, PLAIN)
    assert notebook.title == title and notebook.content == PLAIN
    assert [*islice(notebook.names, 2)] == [f"{title}.ipynb", f"{title} (2).ipynb"]


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"x", b"[]", b"{}", b"\xff", b'{"cells": []}', b'{"cells": 1, "nbformat": 4}'),
        *(b'{"nbformat": 4}', b"[" * 100_000, PLAIN[:-1]),
    ],
)
def test_what_is_none(content: bytes) -> None:
    with pytest.raises(BadLink, match="is not a notebook"):
        read_notebook("a.ipynb", content)


def test_an_old_one_is_one() -> None:
    assert read_notebook("old.ipynb", b'{"worksheets": [], "nbformat": 3}').title == "old"
