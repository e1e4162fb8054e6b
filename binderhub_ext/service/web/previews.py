"""The notebook that a launch opens, as a part of a page: to be read before any server runs.

It is what strangers wrote, as their README is: nothing of it acts and nothing is fetched. Of what
its cells once gave there are text and small pictures that are in the file itself.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from markupsafe import Markup

from ...core.errors import BinderError
from ...core.jsontext import parse_json
from ...core.launch import LaunchRequest
from ...core.pictures import JPEG, PNG, Picture, measured
from ...core.plain import relative_path
from ...core.repo import Commit
from ...core.sentences import Sentence, fixed
from ...core.targets import split_file
from ..launching.builds import Builds
from .readmes import of_markdown

_END = ".ipynb"
_LARGEST = 4_000_000
"""Bytes of a notebook that is looked into."""

_CELLS, _LETTERS, _PICTURES = 60, 40_000, 1_000_000
"""What is shown at most: of cells, of what they say, and of pictures as they are in the file."""

_CELL, _OUTPUT, _OUTPUTS = 8_000, 2_000, 20
_PIXELS = 50_000_000
"""Of all pictures together: each pixel takes four bytes of whoever looks, and none in the file."""

_KINDS = (PNG, JPEG)
_LEFT_OUT = fixed("A picture of {width} by {height} pixels is left out.")

Say = Callable[[Sentence], str]

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def notebook_of(request: LaunchRequest) -> str:
    """The path of the notebook that a launch opens, relative to its project; empty for none."""
    path = request.filepath or split_file(request.urlpath)[1]
    try:
        return relative_path(path, "path") if path.lower().endswith(_END) else ""
    except BinderError:
        return ""


@dataclass
class _Room:
    """What there is room for in a page: letters of pictures as they are in the file, and pixels."""

    letters: int = _PICTURES
    pixels: int = _PIXELS


async def shown(builds: Builds, commit: Commit, path: str, say: Say) -> dict[str, Any]:
    """A notebook as pages and the API have it: `name`, `html`, and whether it was `cut`.

    Empty where there is none, it is none, or the commit was not fetched yet.

    Args:
        say: says what is ours of it, in the language of whoever looks.
    """
    try:
        content = await builds.blob(commit, path, _LARGEST) if path else None
    except BinderError:
        return {}
    return await asyncio.to_thread(as_view, path, content, say) if content else {}


def as_view(path: str, content: bytes, say: Say = str) -> dict[str, Any]:
    """The same of what is in the file."""
    try:
        cells = parse_json(content)["cells"]
        parts = list(_within(cells, say))
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}
    return {
        "name": path,
        "html": Markup("\n").join(parts),
        "cut": len(parts) < len(cells),
    }


def _within(cells: list[Mapping[str, Any]], say: Say) -> Iterator[Markup]:
    """The first cells, as far as there is room for them."""
    letters, room = 0, _Room()
    for cell in cells[:_CELLS]:
        source = _text(cell.get("source"))[:_CELL]
        before = room.letters
        part = _cell(cell, source, room, say)
        # What comes to nothing takes as long to be read.
        letters += max(len(part) - (before - room.letters), len(source))
        if letters > _LETTERS:
            return
        yield part


def _cell(cell: Mapping[str, Any], source: str, room: _Room, say: Say) -> Markup:
    """A cell; what its pictures take is taken off the room."""
    if cell.get("cell_type") == "markdown":
        return of_markdown(source)
    parts = [_pre(source)] if source.strip() else []
    for output in (cell.get("outputs") or ())[:_OUTPUTS]:
        if picture := _picture(output.get("data") or {}, room, say):
            parts.append(picture)
        elif said := _said(output)[:_OUTPUT].strip():
            parts.append(Markup("<blockquote>{}</blockquote>").format(_pre(said)))
    return Markup("").join(parts)


def _pre(text: str) -> Markup:
    return Markup(f"<pre>{escape(text)}</pre>")


def _said(output: Mapping[str, Any]) -> str:
    """What is text of something that a cell gave."""
    data = output.get("data") or {}
    error = ": ".join(filter(None, map(_text, (output.get("ename"), output.get("evalue")))))
    said = _text(output.get("text")) or _text(data.get("text/plain")) or error
    return _COLOURS.sub("", said)


def _picture(data: Mapping[str, Any], room: _Room, say: Say) -> Markup:
    """A picture that is in the file, or what is said in its place.

    Empty if there is none, or no room for its letters: then its text is shown.
    """
    for kind in _KINDS:
        coded = "".join(_text(data.get(kind)).split())
        picture = _decoded(coded) if 0 < len(coded) <= room.letters else None
        if picture is None or picture.kind != kind:
            continue
        if picture.pixels > room.pixels:
            words = say(Sentence(_LEFT_OUT, width=picture.width, height=picture.height))
            return Markup("<blockquote><p>{}</p></blockquote>").format(words)
        shown = Markup(f'<img alt="" src="data:{kind};base64,{coded}">')
        room.letters -= len(shown)
        room.pixels -= picture.pixels
        return shown
    return Markup("")


def _decoded(coded: str) -> Picture | None:
    """What a picture in base64 shows; `None` if it is none that browsers show."""
    try:
        return measured(b64decode(coded, validate=True))
    except ValueError:
        return None


def _text(value: Any) -> str:
    """A text of a notebook, which may be lines; halves of letters are none that a page can have."""
    lines = value if isinstance(value, list) else [value]
    text = "".join(each for each in lines if isinstance(each, str))
    return text.encode(errors="replace").decode()
