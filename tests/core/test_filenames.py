"""Names of files that people bring: any that is one, and nothing that hides or climbs."""

from __future__ import annotations

import pytest

from binderhub_ext.core.errors import BadLink
from binderhub_ext.core.filenames import NAME_MAX, check_file_name, numbered


@pytest.mark.parametrize(
    "name",
    ["a", "data.csv", "Übung 1.ipynb", ".gitignore", "…", "-rf", "$(reboot)", "<b>.txt", "x" * 255],
)
def test_names_as_people_have_them(name: str) -> None:
    assert check_file_name(name) == name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "not the name"),
        (".", "not the name"),
        ("..", "not the name"),
        ("../x", "names a folder"),
        ("a/b", "names a folder"),
        ("/etc/passwd", "names a folder"),
        ("a\\b", "names a folder"),
        ("a\0b", "nobody sees"),
        ("a\nb", "nobody sees"),
        ("a\x7f", "nobody sees"),
        ("a\u202etxt.exe", "nobody sees"),
        ("a\udcff", "nobody sees"),
        ("x" * 256, "too long"),
        ("ü" * 128, "too long"),
        ("x" * 300, "too long"),
    ],
)
def test_other_names_are_refused_in_words(name: str, words: str) -> None:
    with pytest.raises(BadLink, match=words) as refused:
        check_file_name(name)
    assert str(refused.value.message).isprintable()


@pytest.mark.parametrize(
    ("name", "next_name"),
    [
        ("data.csv", "data (1).csv"),
        ("data", "data (1)"),
        ("data.tar.gz", "data (1).tar.gz"),
        (".tar.gz", ".tar (1).gz"),
        (".bashrc", ".bashrc (1)"),
        ("v1.2 report.pdf", "v1.2 report (1).pdf"),
        ("no ending.but a sentence.", "no ending.but a sentence (1)."),
        ("x" * 255, "x" * 251 + " (1)"),
        ("ü" * 127 + ".txt", "ü" * 123 + " (1).txt"),
    ],
)
def test_the_next_name(name: str, next_name: str) -> None:
    assert numbered(name, 0) == name
    assert numbered(name, 1) == next_name
    assert len(numbered(name, 99).encode()) <= max(NAME_MAX, len(name.encode()))
