"""Requirements files as pip reads them: continued lines, several options, includes."""

from __future__ import annotations

import pytest

from binderhub_ext.core.requirements import Refers, included, requirement_lines


def texts(text: str) -> list[str]:
    return [line.text for line in requirement_lines(text)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("cowsay \\\n  >=5\nsix", ["cowsay   >=5", "six"]),
        ("nu\\\nmpy\n", ["numpy"]),
        ("six \\\r\n  --hash=sha256:0", ["six   --hash=sha256:0"]),
        (
            "-i https://a.org/s --extra-index-url https://b.org/s\nsix",
            ["-i https://a.org/s", "--extra-index-url https://b.org/s", "six"],
        ),
        ("--pre --no-index -f https://a.org", ["--pre", "--no-index", "-f https://a.org"]),
        ("-r a.txt -c b.txt", ["-r a.txt", "-c b.txt"]),
        ("-e . --config-settings a=b", ["-e . --config-settings a=b"]),
        ("-e ./a-b -r c-d.txt", ["-e ./a-b", "-r c-d.txt"]),
        ("-f https://a.org/--pre", ["-f https://a.org/--pre"]),
    ],
)
def test_what_stands_for_itself(text: str, lines: list[str]) -> None:
    assert texts(text) == lines


def walk(files: dict[str, str]) -> list[tuple[str, str, bool, Refers]]:
    def read(path: str) -> bytes | None:
        return files[path].encode() if path in files else None

    found = included("requirements.txt", files["requirements.txt"].encode(), read)
    return [(one.path, one.line.text, one.constrains, one.line.refers) for one in found]


def test_an_include_is_where_it_stands() -> None:
    files = {
        "requirements.txt": "first\n-r sub/base.txt -c limits.txt\nlast\n",
        "sub/base.txt": "-r more.txt\nsix",
        "sub/more.txt": "cowsay \\\n  >=5",
        "limits.txt": "six<2\n-r sub/more.txt\n-r requirements.txt",
    }
    index = Refers.INDEX
    assert walk(files) == [
        ("requirements.txt", "first", False, index),
        ("sub/more.txt", "cowsay   >=5", False, index),
        ("sub/base.txt", "six", False, index),
        ("limits.txt", "six<2", True, index),
        ("sub/more.txt", "cowsay   >=5", True, index),
        *[
            ("requirements.txt", "first", True, index),
            ("sub/base.txt", "six", True, index),
            ("requirements.txt", "last", True, index),
        ],
        ("requirements.txt", "last", False, index),
    ]


@pytest.mark.parametrize("target", ["missing.txt", "../outside.txt", "/etc/passwd", "$HOME/x"])
def test_an_include_of_nothing_is_told(target: str) -> None:
    include = (f"-r {target}", False, Refers.INCLUDE)
    assert walk({"requirements.txt": f"-r {target}\nsix"})[0][1:] == include
