"""What the list of a journal says. The person may have written anything into it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ...beneath import exists_beneath, read_beneath
from ...core.jsontext import parse_json
from .files import look
from .record import is_safe
from .words import Change, Found, Kind, What, placed

LIST = "list"
_LIST_MAX = 1 << 28
_RENAMED = (What.ASIDE, What.RESCUED)
_DIGITS_MAX = 18


@dataclass(frozen=True)
class Taken:
    """A file that was to be moved away: under which number, and what it should be."""

    number: bytes
    expected: Collection[str]
    path: bytes


@dataclass(frozen=True)
class ReportedChange:
    """A version of the person's that was to get another name in the update of a label."""

    label: bytes
    change: Change


@dataclass(frozen=True)
class Lines:
    """A list, in its order."""

    taken: list[Taken] = field(default_factory=list)
    told: list[ReportedChange] = field(default_factory=list)

    @property
    def count(self) -> int:
        """The first number that is free."""
        return max((int(line.number) for line in self.taken), default=-1) + 1

    def changed(self, folder: int, algorithm: str) -> Iterator[tuple[Taken, Found]]:
        """The files of the journal that are not as they were when they were moved away."""
        for line in self.taken:
            present = look(folder, line.number, algorithm)
            if present.kind is not Kind.ABSENT and present.content not in line.expected:
                yield line, present

    def unfinished(self, folder: int, project: int) -> Taken | None:
        """The file that is away without that another is in its place.

        That can only be the last one: where nothing is otherwise, nothing was to be, or the person
        has deleted it since.
        """
        last = self.taken[-1] if self.taken else None
        if last and exists_beneath(folder, last.number) and not exists_beneath(project, last.path):
            return last
        return None


def told_before(moving: Lines, replaced: Lines, label: bytes) -> list[ReportedChange]:
    """What updates that were killed have told, so that it is told once more.

    Args:
        replaced: of an update that ended, unless it had this label: then it was killed after its
            last file, and is the one that is begun again.
    """
    told = [line for line in replaced.told if line.label == label] + moving.told
    # Written before it is done: if it was not done, it was written a second time.
    return list(dict.fromkeys(reversed(told)))[::-1]


def renamed(project: int, told: list[ReportedChange]) -> list[Change]:
    """Of what was told, what was done, with the names as they are now."""
    changes = [line.change for line in told]
    return placed(changes, lambda other: exists_beneath(project, other))


def read_lines(folder: int) -> Lines:
    """The list in a journal's folder, as far as it makes sense."""
    lines = Lines()
    try:
        content = read_beneath(folder, LIST, _LIST_MAX)
    except FileNotFoundError:
        return lines
    for text in content.splitlines():
        with suppress(ValueError, TypeError):
            match parse_json(text):
                case [number, [*expected], path]:
                    lines.taken.append(_taken(number, expected, path))
                case [label, what, path, moved, other]:
                    change = Change(_path(path), What(what), _path(other), moved and _path(moved))
                    if change.what in _RENAMED:
                        lines.told.append(ReportedChange(os.fsencode(label), change))
    return lines


def _taken(number: Any, expected: list[Any], path: Any) -> Taken:
    raw = os.fsencode(number)
    if not raw.isdigit() or len(raw) > _DIGITS_MAX:
        raise ValueError(number)
    return Taken(raw, frozenset(map(str, expected)), _path(path))


def _path(name: Any) -> bytes:
    path = os.fsencode(name)
    if not is_safe(path):
        raise ValueError(name)
    return path
