"""The notebook that a launch opens, on our pages: nothing of it acts, or is fetched."""

from __future__ import annotations

import json
import struct
import time
import zlib
from base64 import b64encode
from typing import Any
from urllib.parse import quote

import pytest
from gitserver import GitServer
from realhub import PREFIX, RealHub
from test_readmes import ALLOWED, HOSTILE, Parsed

from binderhub_ext.core.launch import LaunchRequest
from binderhub_ext.service.web.previews import as_view, notebook_of


def png(width: int, height: int) -> str:
    """A picture of so many pixels, all of them black, as a notebook has it."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + bytes(4)

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    lines = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b64encode(b"\x89PNG\r\n\x1a\n" + head + lines + chunk(b"IEND", b"")).decode()


PNG = png(3, 2)


def notebook(*cells: dict[str, Any]) -> bytes:
    return json.dumps({"cells": cells, "nbformat": 4, "metadata": {}}).encode()


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {"cell_type": "code", "source": source, "outputs": outputs}


def text(source: Any) -> dict[str, Any]:
    return {"cell_type": "markdown", "source": source}


@pytest.mark.parametrize("said", HOSTILE)
def test_nothing_of_a_notebook_acts_or_is_fetched(said: str) -> None:
    outputs = [
        {"output_type": "stream", "text": said},
        {"data": {"text/html": said, "image/svg+xml": said}},
        {"data": {"image/png": f'{PNG}" onerror="alert(1)', "text/plain": said}},
        {"data": {"image/png": b64encode(said.encode()).decode()}},
        {"output_type": "error", "ename": said, "evalue": said},
    ]
    view = as_view(f"{said}.ipynb", notebook(text(said), code(said, *outputs), text([said, said])))
    for tag, attributes in Parsed(view["html"]).elements:
        assert tag in ALLOWED
        assert set(attributes) <= ({"href", "rel", "target"} if tag == "a" else set())


def test_it_reads_as_it_was_left() -> None:
    cells = [
        text(["# Tides\n", "of *Brest*"]),
        code("2 < 3", {"data": {"text/plain": ["True"]}}),
        code("plot()", {"data": {"image/png": PNG, "text/plain": "<Figure>"}}),
        code("", {"ename": "ValueError", "evalue": "\x1b[31mno\x1b[0m"}),
    ]
    view = as_view("a.ipynb", notebook(*cells))
    assert view["html"].split("\n") == [
        "<h3>Tides</h3>",
        "<p>of <em>Brest</em></p>",
        "",
        "<pre>2 &lt; 3</pre><blockquote><pre>True</pre></blockquote>",
        f'<pre>plot()</pre><img alt="" src="data:image/png;base64,{PNG}">',
        "<blockquote><pre>ValueError: no</pre></blockquote>",
    ]
    assert (view["name"], view["cut"]) == ("a.ipynb", False)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b'{"cells": 5}',
        b'{"cells": [5]}',
        b'{"cells": {"a": 1}}',
        b'{"cells": [{"outputs": [7]}]}',
        b'{"cells": [{"outputs": [{"data": [1]}]}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_notebook_is_not_shown(content: bytes) -> None:
    assert as_view("a.ipynb", content) == {}


def test_of_a_long_one_its_beginning_is_shown() -> None:
    view = as_view("a.ipynb", notebook(*(code("x" * 5_000) for _ in range(100))))
    assert view["cut"] and 20_000 < len(view["html"]) < 60_000
    large = {"data": {"image/png": PNG + "A" * 3_000_000, "text/plain": "too large"}}
    assert "too large" in as_view("a.ipynb", notebook(code("x", large)))["html"]


def test_pictures_that_would_fill_a_browser_are_left_out_with_words() -> None:
    """By their headers: a few bytes can say that they are hundreds of millions of pixels."""
    shown = [{"data": {"image/png": png(*size)}} for size in ((9000, 5000), (20_000, 20_000))]
    small = {"data": {"image/png": PNG}}
    html = as_view("a.ipynb", notebook(code("x", *shown, shown[0], small)))["html"]
    assert html.count("<img") == 2, "the first, and the small one"
    assert "A picture of 20000 by 20000 pixels is left out." in html
    assert "A picture of 9000 by 5000 pixels is left out." in html, "with the first, too many"


def test_what_no_page_can_have_is_replaced() -> None:
    """Half a letter, as a program that cuts emoji in two writes it."""
    half = chr(0xD83D)
    view = as_view("a.ipynb", notebook(text(half), code(f"'{half}'", {"text": half})))
    assert "<pre>&#x27;?&#x27;</pre>" in view["html"] and view["html"].encode()


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param([code("", *[{"text": "x"}] * 120_000)], id="outputs"),
        pytest.param([text(f"{n}" + "![](x)" * 1_300) for n in range(60)], id="pictures"),
    ],
)
def test_no_notebook_is_read_for_long(cells: list[dict[str, Any]]) -> None:
    content = notebook(*cells)
    began = time.process_time()
    as_view("a.ipynb", content)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"filepath": "a/b.ipynb"}, "a/b.ipynb"),
        ({"filepath": "a/b.md"}, ""),
        ({"urlpath": "lab/tree/my%20notes/c.ipynb?x=1"}, "my notes/c.ipynb"),
        ({"urlpath": "notebooks/d.ipynb"}, "d.ipynb"),
        ({"urlpath": "proxy/8080/e.ipynb"}, ""),
        ({"urlpath": "lab/tree/../e.ipynb"}, ""),
        ({}, ""),
    ],
)
def test_which_notebook_opens(asked: dict[str, str], path: str) -> None:
    assert notebook_of(LaunchRequest(None, **asked)) == path


async def test_it_is_read_before_any_server_runs(realhub: RealHub, repos: GitServer) -> None:
    files = {"a/first.ipynb": notebook(text("# Ebb"), code("flood(42)")).decode()}
    repo = repos.create_repo("me/notebooks", files)
    link = f"v2/git/{quote(repo.url, safe='')}/main?filepath=a/first.ipynb"
    async with realhub.browser("nadja-who-reads") as browser:
        page = (await browser.get(PREFIX + link)).text
        assert "<h3>Ebb</h3>" in page and "<pre>flood(42)</pre>" in page
        assert "The notebook that opens:" in page
        started = await browser.api("POST", "api/launches", json={"link": link})
        launch = f"api/launches/{started.json()['id']}"
        await browser.api("GET", f"{launch}/events")
        told = (await browser.api("GET", f"{launch}/notebook")).json()
        assert told["name"] == "a/first.ipynb" and "flood(42)" in told["html"]
        other = (await browser.get(f"{PREFIX}{link.partition('?')[0]}?filepath=none.ipynb")).text
        assert "The notebook that opens:" not in other
