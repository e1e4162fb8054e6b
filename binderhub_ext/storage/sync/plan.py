"""What an update would do, found out without changing anything.

Each file is decided about as in an update (:mod:`.apply`), and what the ones before would have
changed is kept in mind instead of being done.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress

from ...beneath import beneath
from ..trees import folders_beneath
from .decide import decide, matches
from .files import join, look
from .journal import MOVING, REPLACED
from .lines import Lines, read_lines, renamed, told_before
from .record import Record
from .words import SUBMODULE, Change, Entry, Found, Keep, Kind, What, ancestors

Bases = list[Entry | None]


class Plan:
    """An update that is only thought of.

    Args:
        project: descriptor of the project.
        algorithm: hash of Git's ids.
        keep: the choice where both sides changed a file.
    """

    def __init__(self, project: int, algorithm: str, keep: Keep) -> None:
        self._project, self._algorithm, self._keep = project, algorithm, keep
        self._back: dict[bytes, Found] = {}
        """What would be brought back where nothing is."""
        self._removed: set[bytes] = set()
        self._aside: set[bytes] = set()

    def begin(self, store: int, label: bytes) -> Iterator[Change]:
        """As :meth:`~.journal.Journal.begin`."""
        journals = {name: _lines(store, name) for name in (MOVING, REPLACED)}
        moving, replaced = journals[MOVING], journals[REPLACED]
        yield from renamed(self._project, told_before(moving, replaced, label))
        for name, lines in journals.items():
            with suppress(FileNotFoundError), beneath(store, name) as folder:
                for line, found in lines.changed(folder, self._algorithm):
                    if self._look(line.path).kind is Kind.ABSENT:
                        self._back[line.path] = found
                    yield Change(line.path, What.RESCUED)
                last = lines.unfinished(folder, self._project) if name == MOVING else None
                if last and last.path not in self._back:
                    self._back[last.path] = look(folder, last.number, self._algorithm)

    def bring(self, path: bytes, bases: Bases, incoming: Entry | None) -> Iterator[Change]:
        """As :meth:`~.apply.FileChanger.bring`."""
        present = self._look(path)
        what = decide(bases, present, incoming, self._keep)
        if what is What.REMOVED:
            self._removed.add(path)
        if what is What.ASIDE:
            self._aside.add(present.blocker or path)
        if what is not What.NOTHING:
            yield Change(path, what)

    def leave_submodule(self, path: bytes) -> None:
        """As :meth:`~.apply.FileChanger.leave_submodule`."""
        if self._below(path) == {path}:
            self._removed.add(path)

    def make_submodule(self, path: bytes) -> None:
        """As :meth:`~.apply.FileChanger.make_submodule`, which changes no file."""

    def _look(self, path: bytes) -> Found:
        """What would be at a path now."""
        if path in self._back:
            return self._back[path]
        if not self._aside.isdisjoint((path, *ancestors(path))):
            return Found(Kind.ABSENT)
        present = look(self._project, path, self._algorithm)
        if present.kind is Kind.BLOCKED and present.blocker in self._removed:
            return Found(Kind.ABSENT)
        if present.kind is Kind.DIRECTORY and self._removed and self._below(path) <= self._removed:
            return Found(Kind.ABSENT)
        return present

    def _below(self, path: bytes) -> set[bytes]:
        return set(_files_below(self._project, path))


def _lines(store: int, name: str) -> Lines:
    try:
        with beneath(store, name) as folder:
            return read_lines(folder)
    except FileNotFoundError:
        return Lines()


def _files_below(project: int, path: bytes) -> Iterator[bytes]:
    """Everything in a folder that is no folder, and folders that are empty."""
    with suppress(FileNotFoundError, NotADirectoryError):
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
        present = look(project, path, algorithm)
        if not any(matches(present, entry) for entry in ours):
            yield path
