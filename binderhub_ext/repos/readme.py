"""A repository's README, from what is kept here; asks no host."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.layout import DataDirectory
from ..core.repo import Commit
from ..programs import ProcessFailed
from .command import Call, run
from .submodules import entries

_NAME = re.compile(r"readme(\.(md|markdown|rst|txt))?", re.IGNORECASE)
_ORDER = (".md", ".markdown", ".rst", ".txt", "")
_FILE = "100"
"""How the modes of files begin; a link's target is anybody's."""

_SECONDS = 5
_NAMES, _LARGEST, _BYTES = 1_000_000, 1_000_000, 32_768
"""Bytes: of the list of names at the top, of a README that is read, and of what is shown of one.
Making a page of what is hostile takes time with the square of its length."""


@dataclass(frozen=True)
class Readme:
    """What a repository says of itself: whoever made it may have written anything.

    Attributes:
        name: of the file.
        text: what it says.
        cut: whether there is more of it.
    """

    name: str
    text: str
    cut: bool


async def readme(layout: DataDirectory, commit: Commit) -> Readme | None:
    """The README of a commit; nothing if there is none, or the commit was not fetched yet."""
    objects = layout.sources(commit.repo) / "objects.git"
    if not objects.is_dir():
        return None
    # `^{commit}` is looked up, never read as an option
    tree = f"{commit.id}^{{commit}}"
    try:
        listing = Call(["ls-tree", "-z", "--long", tree], objects, output_limit=_NAMES)
        files = [e for e in entries(await run(listing)) if e.mode.startswith(_FILE)]
        names = {e.path.lower(): e for e in files if _NAME.fullmatch(e.path)}
        best = next((names[key] for end in _ORDER if (key := f"readme{end}") in names), None)
        if best is None or best.size > _LARGEST:
            return None
        content = await run(Call(["cat-file", "blob", best.id], objects, timeout=_SECONDS))
    except (ProcessFailed, FileNotFoundError):
        return None
    return Readme(best.path, content[:_BYTES].decode("utf-8", "replace"), len(content) > _BYTES)
