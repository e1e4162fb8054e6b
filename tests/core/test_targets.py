# ruff: noqa: E501
"""Where the browser lands, and that it stays there."""

from __future__ import annotations

import pytest

from binderhub_ext.core.errors import BadLink
from binderhub_ext.core.launch import Files, LaunchRequest
from binderhub_ext.core.links import read_link
from binderhub_ext.core.targets import (
    Target,
    at_port,
    is_below,
    landing,
    program,
    split_file,
    table,
)

PROJECT = "projects/owner/name"

LANDINGS = [
    # query, landing with the project's folder as root, landing with the whole home
    ("", "", ""),
    ("labpath=a b.ipynb", "lab/tree/a%20b.ipynb", f"lab/tree/{PROJECT}/a%20b.ipynb"),
    ("filepath=a.ipynb", "tree/a.ipynb", f"tree/{PROJECT}/a.ipynb"),
    ("target=lab", "lab", f"lab/tree/{PROJECT}"),
    ("target=notebook", "tree", f"tree/{PROJECT}"),
    ("target=notebook&filepath=a.ipynb", "tree/a.ipynb", f"tree/{PROJECT}/a.ipynb"),
    ("target=classic&filepath=a", "nbclassic/tree/a", f"nbclassic/tree/{PROJECT}/a"),
    ("target=voila", "voila", f"voila/tree/{PROJECT}"),
    ("target=voila&filepath=a.ipynb", "voila/render/a.ipynb", f"voila/render/{PROJECT}/a.ipynb"),
    ("target=rstudio", "rstudio/", "rstudio/"),
    ("target=rstudio&filepath=a.R", "rstudio/", "rstudio/"),
    ("target=desktop", "desktop/", "desktop/"),
    ("target=shiny&filepath=app", "shiny/app/", f"shiny/{PROJECT}/app/"),
    ("urlpath=lab", "lab", f"lab/tree/{PROJECT}"),
    ("urlpath=/lab/", "lab/", f"lab/tree/{PROJECT}"),
    ("urlpath=lab/tree/a.ipynb", "lab/tree/a.ipynb", f"lab/tree/{PROJECT}/a.ipynb"),
    ("urlpath=lab/tree/a%2520b.ipynb", "lab/tree/a%20b.ipynb", f"lab/tree/{PROJECT}/a%20b.ipynb"),
    ("urlpath=lab/tree/a.ipynb?reset", "lab/tree/a.ipynb?reset", f"lab/tree/{PROJECT}/a.ipynb?reset"),
    ("urlpath=lab/tree/a.md%23title", "lab/tree/a.md#title", f"lab/tree/{PROJECT}/a.md#title"),
    ("urlpath=lab/workspaces/w/tree/a", "lab/workspaces/w/tree/a", f"lab/workspaces/w/tree/{PROJECT}/a"),
    ("urlpath=doc/tree/a.ipynb", "doc/tree/a.ipynb", f"doc/tree/{PROJECT}/a.ipynb"),
    ("urlpath=tree", "tree", f"tree/{PROJECT}"),
    ("urlpath=tree/a", "tree/a", f"tree/{PROJECT}/a"),
    ("urlpath=notebooks/a.ipynb", "notebooks/a.ipynb", f"notebooks/{PROJECT}/a.ipynb"),
    ("urlpath=edit/a.py", "edit/a.py", f"edit/{PROJECT}/a.py"),
    ("urlpath=nbclassic/notebooks/a.ipynb", "nbclassic/notebooks/a.ipynb", f"nbclassic/notebooks/{PROJECT}/a.ipynb"),
    ("urlpath=retro/notebooks/a.ipynb", "retro/notebooks/a.ipynb", f"retro/notebooks/{PROJECT}/a.ipynb"),
    ("urlpath=voila/render/a.ipynb?x=1", "voila/render/a.ipynb?x=1", f"voila/render/{PROJECT}/a.ipynb?x=1"),
    ("urlpath=voila", "voila", f"voila/tree/{PROJECT}"),
    (f"urlpath=lab/tree/{PROJECT}/a", f"lab/tree/{PROJECT}/a", f"lab/tree/{PROJECT}/a"),
    ("urlpath=rstudio/", "rstudio/", "rstudio/"),
    ("urlpath=proxy/8050/", "proxy/8050/", "proxy/8050/"),
    ("urlpath=treehouse/x", "treehouse/x", "treehouse/x"),
    ("urlpath=git-pull?repo=https://h.org/x", "tree/x", f"tree/{PROJECT}/x"),
    ("urlpath=lab&colour=red blue", "lab?colour=red%20blue", f"lab/tree/{PROJECT}?colour=red%20blue"),
    ("urlpath=x?a=1%23f&b=2", "x?a=1&b=2#f", "x?a=1&b=2#f"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "project", "home"), LANDINGS, ids=[row[0] for row in LANDINGS])
def test_landing(query: str, project: str, home: str) -> None:
    request = read_link("gh", "owner/name/HEAD", query)
    assert landing(request, PROJECT) == project
    assert landing(read_link("gh", "owner/name/HEAD", f"{query}&files=home"), PROJECT) == home


def test_an_image_has_no_project() -> None:
    request = read_link("image", "a%2Fb", "files=home&urlpath=lab/tree/x")
    assert landing(request, "") == "lab/tree/x"


@pytest.mark.parametrize(
    "urlpath", ["//evil.example", "https://evil.example", "../x", "a\\b", "/user/other/", "%2e%2e/"]
)
def test_a_request_made_without_the_grammar_is_checked_too(urlpath: str) -> None:
    with pytest.raises(BadLink):
        landing(LaunchRequest(None, image="a", urlpath=urlpath), "")


def test_unknown_target_says_which_there_are() -> None:
    with pytest.raises(BadLink, match="lab, notebook"):
        landing(LaunchRequest(None, target="emacs"), "")


def test_targets_are_the_administrators() -> None:
    targets = table(Target("streamlit", "Streamlit", "proxy/8501/", "proxy/8501/?file={path}"))
    request = LaunchRequest(None, target="streamlit", filepath="a b.py", files=Files.NONE)
    assert landing(request, "", targets) == "proxy/8501/?file=a%20b.py"


PREFIX = "/user/ann/name-12345678/"
BELOW = [
    ("", True),
    ("lab", True),
    ("lab/tree/a%20b?x=1#y", True),
    (f"{PREFIX}lab", True),
    (f"{PREFIX}a..b/", True),
    (f"https://hub.invalid{PREFIX}lab", True),
    ("/", False),
    ("/user/ann/other/", False),
    ("/user/ann/name-12345678", False),
    ("/user/ann/name-12345678evil/", False),
    ("/hub/logout", False),
    ("//evil.example/", False),
    ("///evil.example/", False),
    ("https://evil.example" + PREFIX, False),
    ("https:evil.example", False),
    ("http://hub.invalid" + PREFIX, False),
    ("javascript:alert(1)", False),
    ("\\\\evil.example", False),
    ("/\\evil.example", False),
    ("../other/lab", False),
    ("lab/../../x", False),
    ("%2e%2e/%2e%2e/x", False),
    ("lab/%2E%2e/x", False),
    ("lab/%252e%252e/x", False),
    ("a\n/b", False),
    ("\t//evil.example", False),
    ("https://[::1", False),
]


@pytest.mark.parametrize(("url", "below"), BELOW, ids=[repr(row[0]) for row in BELOW])
def test_is_below(url: str, below: bool) -> None:
    assert is_below(PREFIX, url) == below


def test_a_prefix_must_end_in_a_slash() -> None:
    assert not is_below("/user/ann", "/user/annabel/")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("lab/tree/x", "lab"),
        ("doc", "lab"),
        ("tree?x", "notebook"),
        ("notebooks/x", "notebook"),
        ("rstudio/", "rstudio"),
        ("voila/render/x", "voila"),
        ("proxy/80/", ""),
        ("", ""),
    ],
)
def test_program(path: str, name: str) -> None:
    found = program(path)
    assert (found.name if found else "") == name


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("proxy/3333/", "Port 3333"),
        ("proxy/8080?x", "Port 8080"),
        ("proxy/8080", "Port 8080"),
        ("proxy/example.org:80/", None),
        ("proxy/absolute/80/", None),
        ("proxy/123456/", None),
        ("lab/tree/proxy/80/", None),
    ],
)
def test_at_port(path: str, title: str | None) -> None:
    found = at_port(path)
    assert (found.title if found else None) == title


def test_split_file() -> None:
    assert split_file("lab/tree/a%20b?x") == ("lab/tree", "a b")
    assert split_file("tree") == ("tree", "")
    assert split_file("rstudio/") == ("", "")
