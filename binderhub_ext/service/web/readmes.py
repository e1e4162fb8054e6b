"""A README as a part of a page: what strangers wrote, without anything that acts or is fetched."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape, unescape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from ...core.repo import Commit
from ...repos.readme import Readme
from ..launching.builds import Builds

_MARKDOWN = (".md", ".markdown")
_BELOW = 2
"""Levels by which headings go down: those of the page stand above them."""

_TAGS = {
    *("h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "kbd", "samp"),
    *("ul", "ol", "li", "dl", "dt", "dd", "em", "strong", "b", "i", "s", "del", "sub", "sup"),
    *("table", "thead", "tbody", "tr", "th", "td", "a"),
}
_SCHEMES = {"http", "https", "mailto"}

_CELLS = 20_000
"""Of tables: each line of one has as many as the widest, however few it names."""

_LINK = 500
"""Letters of an address in markup: more lead nowhere that people go."""

_LINE_END = re.compile(r"\r\n?")
_RULE = re.compile(r"^[ \t>|:-]*-[ \t|:-]*$", re.MULTILINE)
_MARKUP = re.compile(r"<!--.*?(?:-->|$)|<(/?[a-z][a-z0-9]*)([^<>]*)>|<", re.DOTALL | re.IGNORECASE)
_ADDRESS = re.compile(r"""\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))""", re.IGNORECASE)


async def shown(builds: Builds, commit: Commit) -> dict[str, Any]:
    """A commit's README as pages and the API have it: `name`, `html`, and whether it was `cut`.

    Empty where there is none, or the commit was not fetched yet.
    """
    readme = await builds.readme(commit)
    if readme is None:
        return {}
    html = await asyncio.to_thread(as_html, readme)
    return {"name": readme.name, "html": html, "cut": readme.cut}


def as_html(readme: Readme) -> Markup:
    """A README to be put into a page.

    Nothing of it runs, nothing is fetched, and nothing looks like a part of ours: there are no
    pictures, forms, styles, classes or ids. Links lead out, into a page that hears nothing of this
    one; a relative one, whose place is not here, is text.
    """
    if not readme.name.lower().endswith(_MARKDOWN):
        return Markup(f"<pre>{escape(readme.text)}</pre>")
    return of_markdown(readme.text)


def of_markdown(text: str) -> Markup:
    """The same of a text in Markdown."""
    return _of_markdown(_LINE_END.sub("\n", text))


@lru_cache(maxsize=32)
def _of_markdown(text: str) -> Markup:
    cleaned = nh3.clean(
        _markdown(text).render(text),
        tags=_TAGS,
        attributes={"a": {"href"}},
        attribute_filter=_absolute,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return Markup(cleaned)


def _absolute(_tag: str, attribute: str, value: str) -> str | None:
    leads_out = value.lower().startswith(("http://", "https://", "mailto:"))
    return value if leads_out or attribute != "href" else None


def _markdown(text: str) -> MarkdownIt:
    parser = MarkdownIt("commonmark", renderer_cls=_Renderer).enable("strikethrough")
    widest = max((rule.count("|") for rule in _RULE.findall(text)), default=0)
    return parser.enable("table") if widest * text.count("\n") <= _CELLS else parser


def _bare(match: re.Match[str]) -> str:
    """Markup without attributes but the address of a link.

    A parser repeats tags that nobody closed in every paragraph that follows, unless there are some
    of the same already.
    """
    tag, attributes = match.groups()
    if not tag:
        return "" if match[0].startswith("<!--") else "&lt;"
    address = _ADDRESS.search(attributes) if tag.lower() == "a" else None
    value = unescape(address[1] or address[2] or address[3] or "") if address else ""
    return f'<{tag} href="{escape(value)}">' if 0 < len(value) <= _LINK else f"<{tag}>"


class _Renderer(RendererHTML):
    """Markdown's, with lower headings, bare markup, and what pictures say in their place."""

    def heading_open(
        self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
    ) -> str:
        return f"<{self._lower(tokens[at])}>"

    def heading_close(
        self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
    ) -> str:
        return f"</{self._lower(tokens[at])}>\n"

    def image(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return escape(self.renderInlineAsText(tokens[at].children, options, env))

    def html_inline(
        self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
    ) -> str:
        return _MARKUP.sub(_bare, tokens[at].content)

    def html_block(
        self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType
    ) -> str:
        return self.html_inline(tokens, at, options, env)

    @staticmethod
    def _lower(token: Token) -> str:
        return f"h{min(int(token.tag[1]) + _BELOW, 6)}"
