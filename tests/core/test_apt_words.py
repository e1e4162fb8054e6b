"""What `apt.txt` names, and what apt would take for anything else."""

from __future__ import annotations

import pytest

from binderhub_ext.core.apt import apt_words, check_packages
from binderhub_ext.core.errors import BuildFailed


def test_several_on_a_line_are_several() -> None:
    lines = [
        "\ufeff# for drawing",
        "graphviz  libc6:i386 # not this",
        "",
        "curl=7.88.1-1",
        "graphviz",
    ]
    content = "\r\n".join(lines).encode()
    assert apt_words(content) == ("curl=7.88.1-1", "graphviz", "libc6:i386")
    check_packages("apt.txt", apt_words(content))


@pytest.mark.parametrize(
    "word",
    [
        *("-oDir::Bin::apt=/x", "--purge", "/tmp/evil.deb", "./evil.deb", "a/../b", "*", "lib*"),
        *("?x(a)", "~npython", "task^", "curl;id", "curl=1 2", "a\0b"),
    ],
)
def test_what_is_no_name_is_refused(word: str) -> None:
    with pytest.raises(BuildFailed) as caught:
        check_packages("apt.txt", (word,))
    assert "not a name of a package" in caught.value.message


def test_a_list_that_no_command_line_holds_is_refused() -> None:
    words = apt_words("\n".join(f"lib{number}" for number in range(250_000)).encode())
    with pytest.raises(BuildFailed) as caught:
        check_packages("apt.txt", words)
    assert "250000 packages; 2000 are allowed" in caught.value.message
