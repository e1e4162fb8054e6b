"""What an update would do, found out without changing anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator

from ..trees import folders_beneath
from .decide import decide, matches
from .files import join, look
from .record import Record
from .words import SUBMODULE, Change, Entry, Found, Keep, Kind, What


def plan(
    project: int,
    bases_of: Callable[[bytes], list[Entry | None]],
    wanted: Iterable[tuple[bytes, Entry | None]],
    keep: Keep,
    algorithm: str,
) -> Iterator[Change]:
    """What would be done about each of the `wanted` files, those that are gone first."""
    removed: set[bytes] = set()
    for path, incoming in wanted:
        found = _as_if(project, path, look(project, path, algorithm), removed)
        what = decide(bases_of(path), found, incoming, keep)
        if what is What.REMOVED:
            removed.add(path)
        if what is not What.NOTHING:
            yield Change(path, what)


def _as_if(project: int, path: bytes, found: Found, removed: set[bytes]) -> Found:
    """What will be at a path once the files before it are removed."""
    if found.kind is Kind.BLOCKED and found.blocker in removed:
        return Found(Kind.ABSENT)
    if found.kind is not Kind.DIRECTORY or not removed:
        return found
    makes_room = all(file in removed for file in _files_below(project, path))
    return Found(Kind.ABSENT) if makes_room else found


def _files_below(project: int, path: bytes) -> Iterator[bytes]:
    """Everything in a folder that is no folder, and folders that are empty."""
    for folder in folders_beneath(project, path):
        below = join(path, os.fsencode(folder.path)) if folder.path else path
        is_empty = True
        for entry in folder.entries:
            is_empty = False
            if not entry.is_dir(follow_symlinks=False):
                yield join(below, os.fsencode(entry.name))
        if is_empty:
            yield below


def edited(project: int, bases: Collection[Record], algorithm: str) -> Iterator[bytes]:
    """The files we put there that are not as any of these records has them."""
    for path in {path for base in bases for path in base.entries}:
        ours = [entry for base in bases if (entry := base.entries.get(path))]
        if any(entry.mode == SUBMODULE for entry in ours):
            continue
        found = look(project, path, algorithm)
        if not any(matches(found, entry) for entry in ours):
            yield path
