"""What a repository says of itself, on our pages: nothing of it acts, or is fetched."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from gitserver import GitServer, Symlink
from realhub import PREFIX, RealHub

from binderhub_ext.repos.readme import Readme
from binderhub_ext.service.web.readmes import as_html

ALLOWED = {
    *("h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "kbd", "samp"),
    *("ul", "ol", "li", "dl", "dt", "dd", "em", "strong", "b", "i", "s", "del", "sub", "sup"),
    *("table", "thead", "tbody", "tr", "th", "td", "a"),
}

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x>",
    "<a href='javascript:alert(1)' onclick=alert(1)>x</a>",
    "[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](data:text/html,<b>alert</b>)",
    "[x](&#106;avascript:alert(1)) <javascript:alert(1)>",
    "[x](/services/binder/settings) [y](//evil.example/x) [z](#launch-form) [w](../../hub/logout)",
    "![x](https://evil.example/pixel.png) [![b](https://evil.example/b.svg)](https://x.example)",
    "<form action=/services/binder/launch method=post><input name=link><button>x</button>",
    "<iframe src=https://evil.example></iframe><object data=x></object><embed src=x>",
    "<style>*{display:none}</style><link rel=stylesheet href=https://evil.example/x.css>",
    '<div style="position:fixed;inset:0" class="binder-confirm btn" id="confirm-form">x</div>',
    "<base href=https://evil.example><meta http-equiv=refresh content=0;url=https://evil.example>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=x&gt;'",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "</div></section></main><h1>Signed out</h1><a href=https://evil.example>Sign in</a>",
    "<video src=https://evil.example/v autoplay></video><audio src=x></audio><source srcset=x>",
    "# A\n\n<details open ontoggle=alert(1)><summary>x</summary></details>",
    "\x00<scr\x00ipt>alert(1)</scr\x00ipt>",
]


class Parsed(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


@pytest.mark.parametrize("name", ["README.md", "README.rst", "readme"])
@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_acts_or_is_fetched(text: str, name: str) -> None:
    for tag, attributes in Parsed(as_html(Readme(name, text, cut=False))).elements:
        assert tag in ALLOWED
        assert set(attributes) <= ({"href", "rel", "target"} if tag == "a" else set())
        if tag == "a":
            assert (attributes["rel"], attributes["target"]) == (
                "noopener noreferrer nofollow",
                "_blank",
            )
            assert (attributes.get("href") or "https://").startswith(("http://", "https://"))


def _in_pieces(text: str, size: int) -> str:
    return (text * (size // len(text) + 1))[:size]


_WIDE = "|" + "a|" * 181 + "\n|" + "-|" * 181 + "\n" + "a\n" * 360 + "\n"
COSTLY = [
    _in_pieces(_WIDE, 32_768),
    _in_pieces(_WIDE, 32_768).replace("\n", "\r"),
    _in_pieces("> " + _WIDE.replace("\n", "\n> ") + "\n\n", 32_768),
    "".join(f"<b x={number}>" for number in range(1500)) + "<p>x" * 4000,
    "".join(f"<div><b x={number}\n\nx\n\n" for number in range(1500)),
    f"<a href=https://example.org/{'x' * 16_000}>" + "<p>x" * 4000,
    "<b><b><b><i><i><i><s><s><s><em><em><em><code><code><code>" + "<p>x" * 8000,
]


@pytest.mark.parametrize("text", COSTLY)
def test_no_readme_makes_a_page_a_thousand_times_its_size(text: str) -> None:
    began = time.process_time()
    html = as_html(Readme("README.md", text, cut=True))
    assert len(html) < 3_000_000
    assert time.process_time() - began < 2


def test_it_reads_as_its_authors_meant_it() -> None:
    text = """# Tides

See the [map](https://example.org/map?a=1&b=2), ~~no~~ `code` and ![the logo](logo.png).

| a | b |
| - | - |
| 1 | 2 |

- one
- [two](docs/two.md)
"""
    html = as_html(Readme("README.md", text, cut=False))
    assert "<h3>Tides</h3>" in html
    assert '<a href="https://example.org/map?a=1&amp;b=2" target="_blank" rel=' in html
    assert "<s>no</s> <code>code</code> and the logo." in html
    assert "<td>1</td>" in html
    assert "docs/two.md" not in html
    assert ">two</a>" in html


def test_markup_loses_its_attributes_and_a_link_keeps_its_address() -> None:
    text = """<p align="center">
  <a class="x" href='https://example.org/?a=1&amp;b=2'>map</a> <!-- <b> --> <kbd id=x>Ctrl</kbd>
</p>

1 < 2 <3 `<b x>` <b style="color: red">tide</b> <a href="javascript:x()">no</a>
"""
    html = as_html(Readme("README.md", text, cut=False))
    assert '<a href="https://example.org/?a=1&amp;b=2" target="_blank" rel=' in html
    assert "<kbd>Ctrl</kbd>" in html
    assert "1 &lt; 2 &lt;3 <code>&lt;b x&gt;</code> <b>tide</b>" in html
    assert "javascript" not in html


def test_what_is_not_markdown_is_shown_as_it_is() -> None:
    assert as_html(Readme("README.rst", "Tides\n=====\n<b>", cut=False)) == (
        "<pre>Tides\n=====\n&lt;b&gt;</pre>"
    )


async def test_it_stands_below_the_question_and_beside_the_build(
    realhub: RealHub, repos: GitServer
) -> None:
    files = {
        "readme.txt": "Not this.",
        "README.md": "# Tides\n\nof *Brest* <script>alert(1)</script>",
    }
    repo = repos.create_repo("me/readme", files)
    link = f"v2/git/{quote(repo.url, safe='')}/main"
    async with realhub.browser("rufus") as browser:
        page = (await browser.get(PREFIX + link)).text
        assert "<h3>Tides</h3>" in page
        assert "<em>Brest</em>" in page
        assert page.index("<h3>Tides</h3>") > page.index('id="trust"')
        started = await browser.api("POST", "api/launches", json={"link": link})
        launch = f"api/launches/{started.json()['id']}"
        # the stream ends with the launch
        await browser.api("GET", f"{launch}/events")
        readme = await browser.api("GET", f"{launch}/readme")
        assert readme.json()["name"] == "README.md"
        assert "<em>Brest</em>" in readme.json()["html"]


async def test_a_link_in_place_of_it_is_not_followed(realhub: RealHub, repos: GitServer) -> None:
    repo = repos.create_repo("me/linked-readme", {"README.md": Symlink("/etc/passwd"), "b": ""})
    async with realhub.browser("rufus") as browser:
        page = (await browser.get(f"{PREFIX}v2/git/{quote(repo.url, safe='')}/main")).text
        assert 'id="trust"' in page
        assert "binder-readme" not in page
