"""Doing what was decided about one file, against a person who may be writing at that moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ...beneath import mkdir_beneath
from .decide import decide, executable
from .files import (
    InTheWay,
    look,
    put,
    put_beside,
    remove_empty,
    set_executable,
    split,
)
from .journal import Journal
from .words import REGULAR, Change, Entry, Found, Keep, Request, What

Bases = Sequence[Entry | None]


@dataclass(frozen=True)
class FileChanger:
    """What is needed to change files of a project.

    Attributes:
        project: descriptor of the project.
        files: descriptor of the folder with the incoming files.
        journal: where files go that make room.
        algorithm: hash of Git's ids.
    """

    project: int
    files: int
    journal: Journal
    request: Request
    algorithm: str

    def bring(self, path: bytes, bases: Bases, incoming: Entry | None) -> Iterator[Change]:
        """Decide about one file and do it; nothing comes of it if it is as it should be."""
        current = look(self.project, path, self.algorithm)
        what = decide(bases, current, incoming, self.request.keep)
        match what:
            case What.NOTHING:
                return
            case What.REMOVED:
                yield self._remove(path, bases)
            case What.ADDED | What.UPDATED if incoming:
                yield self._replace(path, bases, current, incoming, what)
            case What.BESIDE:
                yield self._beside(path, current)
            case What.ASIDE:
                yield from self._aside(path, current, incoming)
            case _:
                if what is What.MODE and incoming:
                    set_executable(self.project, path, executable(bases, current, incoming))
                yield Change(path, what)

    def _remove(self, path: bytes, bases: Bases) -> Change:
        if not self.journal.take(path, _contents(bases)):
            return Change(path, What.KEPT)
        remove_empty(self.project, split(path)[0])
        return Change(path, What.REMOVED)

    def _replace(
        self, path: bytes, bases: Bases, current: Found, incoming: Entry, what: What
    ) -> Change:
        if incoming.mode in REGULAR:
            set_executable(self.files, path, executable(bases, current, incoming))
        if what is What.ADDED or self.journal.take(path, _contents(bases)):
            # Killed here, the old file is in the journal: it is put back, and this begins anew.
            with suppress(InTheWay):
                put(self.files, path, self.project, path)
                return Change(path, what)
        # Somebody was faster: theirs is a version of the person's like any other.
        if self.request.keep is Keep.MINE:
            return Change(path, What.KEPT)
        return self._beside(path, look(self.project, path, self.algorithm))

    def _beside(self, path: bytes, current: Found) -> Change:
        label = f"incoming-{self.request.short}".encode()
        at = current.blocker or path
        return Change(path, What.BESIDE, self._put_beside(path, at, label))

    def _put_beside(self, path: bytes, at: bytes, label: bytes) -> bytes:
        return put_beside(self.files, path, self.project, path, self.algorithm, at=at, label=label)

    def _aside(self, path: bytes, current: Found, incoming: Entry | None) -> Iterator[Change]:
        aside = None
        with suppress(FileNotFoundError):
            aside = self.journal.set_aside(path, current.blocker or path)
        # Killed here, nothing is under the name, which `Keep.THEIRS` takes for a place to fill.
        if aside:
            yield aside
        if incoming:
            try:
                put(self.files, path, self.project, path)
            except InTheWay:
                # Saved anew at this very moment: a version of the person's like any other.
                yield self._beside(path, look(self.project, path, self.algorithm))
            else:
                if not aside:
                    yield Change(path, What.ADDED)

    def leave_submodule(self, path: bytes) -> None:
        """Remove a submodule's folder if it is empty."""
        remove_empty(self.project, path)

    def make_submodule(self, path: bytes) -> None:
        """Make a submodule's folder unless something is in the way."""
        with suppress(NotADirectoryError):
            mkdir_beneath(self.project, path)

    def leave_note(self, name: bytes) -> None:
        """Put the note that lies under `name` among the incoming files into the project."""
        try:
            put(self.files, name, self.project, name)
        except InTheWay:
            note, there = (
                look(root, name, self.algorithm).content for root in (self.files, self.project)
            )
            # The same one is there if we were killed after it.
            if note != there:
                self._put_beside(name, name, b"update")


def _contents(bases: Iterable[Entry | None]) -> list[str]:
    return [base.content for base in bases if base]
