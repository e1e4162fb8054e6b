"""The notebook that a launch opens, as a part of a page: to be read before any server runs.

It is what strangers wrote, as their README is: nothing of it acts and nothing is fetched. Of what
its cells once gave there are text and small pictures that are in the file itself.
"""

from __future__ import annotations

import asyncio
import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from markupsafe import Markup

from ...core.errors import BinderError
from ...core.jsontext import parse_json
from ...core.launch import LaunchRequest
from ...core.plain import relative_path
from ...core.repo import Commit
from ...core.targets import split_file
from ..launching.builds import Builds
from .readmes import of_markdown

_END = ".ipynb"
_LARGEST = 4_000_000
"""Bytes of a notebook that is looked into."""

_CELLS, _LETTERS, _PICTURES = 60, 40_000, 1_000_000
"""What is shown at most: of cells, of what they say, and of pictures as they are in the file."""

_CELL, _OUTPUT, _OUTPUTS = 8_000, 2_000, 20
_KINDS = {"image/png": b"\x89PNG\r\n", "image/jpeg": b"\xff\xd8\xff"}
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def notebook_of(request: LaunchRequest) -> str:
    """The path of the notebook that a launch opens, relative to its project; empty for none."""
    path = request.filepath or split_file(request.urlpath)[1]
    try:
        return relative_path(path, "path") if path.lower().endswith(_END) else ""
    except BinderError:
        return ""


async def shown(builds: Builds, commit: Commit, path: str) -> dict[str, Any]:
    """A notebook as pages and the API have it: `name`, `html`, and whether it was `cut`.

    Empty where there is none, it is none, or the commit was not fetched yet.
    """
    try:
        content = await builds.blob(commit, path, _LARGEST) if path else None
    except BinderError:
        return {}
    return await asyncio.to_thread(as_view, path, content) if content else {}


def as_view(path: str, content: bytes) -> dict[str, Any]:
    """The same of what is in the file."""
    try:
        cells = parse_json(content)["cells"]
        parts = list(_within(cells))
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}
    return {
        "name": path,
        "html": Markup("\n").join(parts),
        "cut": len(parts) < len(cells),
    }


def _within(cells: list[Mapping[str, Any]]) -> Iterator[Markup]:
    """The first cells, as far as there is room for them."""
    letters = pictures = 0
    for cell in cells[:_CELLS]:
        source = _text(cell.get("source"))[:_CELL]
        part, picture = _cell(cell, source, _PICTURES - pictures)
        # What comes to nothing takes as long to be read.
        letters += max(len(part) - picture, len(source))
        pictures += picture
        if letters > _LETTERS:
            return
        yield part


def _cell(cell: Mapping[str, Any], source: str, room: int) -> tuple[Markup, int]:
    """A cell, and how much of it is pictures."""
    if cell.get("cell_type") == "markdown":
        return of_markdown(source), 0
    parts, pictures = [_pre(source)] if source.strip() else [], 0
    for output in (cell.get("outputs") or ())[:_OUTPUTS]:
        if picture := _picture(output.get("data") or {}, room - pictures):
            parts.append(picture)
            pictures += len(picture)
        elif said := _said(output)[:_OUTPUT].strip():
            parts.append(Markup("<blockquote>{}</blockquote>").format(_pre(said)))
    return Markup("").join(parts), pictures


def _pre(text: str) -> Markup:
    return Markup(f"<pre>{escape(text)}</pre>")


def _said(output: Mapping[str, Any]) -> str:
    """What is text of something that a cell gave."""
    data = output.get("data") or {}
    error = ": ".join(filter(None, map(_text, (output.get("ename"), output.get("evalue")))))
    said = _text(output.get("text")) or _text(data.get("text/plain")) or error
    return _COLOURS.sub("", said)


def _picture(data: Mapping[str, Any], room: int) -> Markup:
    """A picture that is in the file; empty if there is none, or no room for it."""
    for kind, beginning in _KINDS.items():
        coded = "".join(_text(data.get(kind)).split())
        if coded and len(coded) <= room and _is_coded(coded, beginning):
            return Markup(f'<img alt="" src="data:{kind};base64,{coded}">')
    return Markup("")


def _is_coded(coded: str, beginning: bytes) -> bool:
    try:
        return b64decode(coded, validate=True).startswith(beginning)
    except (binascii.Error, ValueError):
        return False


def _text(value: Any) -> str:
    """A text of a notebook, which may be lines; halves of letters are none that a page can have."""
    lines = value if isinstance(value, list) else [value]
    text = "".join(each for each in lines if isinstance(each, str))
    return text.encode(errors="replace").decode()
