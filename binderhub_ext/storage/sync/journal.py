"""What was moved away to make room, kept until the next update has looked at it again.

A program that had a file open while it was replaced goes on writing into the old one. So what
is moved away is not deleted: the next update compares it with what it should be, and brings
back what was written later.

    moving/list    one line per file: number, expected contents, path
    moving/<n>     the file itself, under its number
    replaced/      the same, of the last update that ended
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from contextlib import suppress

from ..beneath import beneath, mkdir_beneath, open_beneath, open_file, read_beneath
from ..trees import remove_beneath
from .files import join, look, move, move_beside, split
from .record import is_safe
from .words import Change, Kind, What

MOVING, REPLACED = "moving", "replaced"
_LIST = b"list"


class Journal:
    """The folder `moving/` of one update.

    Args:
        store: descriptor of the project's `.git/binder-at-home`.
        project: descriptor of the project.
        algorithm: hash of Git's ids.
        label: goes into the names of what is brought back beside something else.
    """

    def __init__(self, store: int, project: int, algorithm: str, label: bytes) -> None:
        self._store, self._project = store, project
        self._algorithm, self._label = algorithm, label
        self._folder = -1
        self._count = 0

    def begin(self) -> list[Change]:
        """Settle what earlier updates left and open an empty journal.

        Returns:
            What was brought back.
        """
        changes = [*self._settle(MOVING, unfinished=True), *self._settle(REPLACED)]
        mkdir_beneath(self._store, MOVING, 0o700)
        self._folder = open_beneath(self._store, MOVING)
        return changes

    def end(self) -> None:
        """Close the journal: everything in it has been replaced as it should be."""
        os.close(self._folder)
        os.rename(MOVING, REPLACED, src_dir_fd=self._store, dst_dir_fd=self._store)

    def take(self, path: bytes, expected: Collection[str]) -> bool:
        """Move a file away if its content is one of `expected` at this very moment.

        Returns:
            Whether it is away now. If not, whatever is there has stayed or come back.
        """
        number = self._note(path, expected)
        above, name = split(path)
        try:
            with beneath(self._project, above) as directory:
                os.rename(name, number, src_dir_fd=directory, dst_dir_fd=self._folder)
        except (FileNotFoundError, NotADirectoryError):
            return False
        if look(self._folder, number, self._algorithm).content in expected:
            return True
        self._give_back(self._folder, number, path)
        return False

    def _note(self, path: bytes, expected: Collection[str]) -> bytes:
        number = b"%d" % self._count
        self._count += 1
        line = json.dumps([number.decode(), sorted(expected), os.fsdecode(path)])
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with os.fdopen(open_file(self._folder, _LIST, flags), "ab") as file:
            file.write(line.encode() + b"\n")
        return number

    def _settle(self, name: str, *, unfinished: bool = False) -> Iterator[Change]:
        try:
            folder = open_beneath(self._store, name)
        except FileNotFoundError:
            return
        try:
            for number, expected, path in _lines(folder):
                yield from self._settle_file(folder, number, expected, path, unfinished)
        finally:
            os.close(folder)
        remove_beneath(self._store, name)

    def _settle_file(
        self, folder: int, number: bytes, expected: list[str], path: bytes, unfinished: bool
    ) -> Iterator[Change]:
        found = look(folder, number, self._algorithm)
        if found.kind is Kind.ABSENT:
            return
        if found.content not in expected:
            back = self._give_back(folder, number, path)
            yield Change(path, What.RESCUED, back)
        elif unfinished and look(self._project, path, self._algorithm).kind is Kind.ABSENT:
            # We were killed between moving it away and putting the new one.
            self._give_back(folder, number, path)

    def _give_back(self, folder: int, number: bytes, path: bytes) -> bytes:
        """Put it where it was, or beside what is there now; gives where."""
        above, name = split(path)
        with suppress(FileExistsError, NotADirectoryError):
            with beneath(self._project, above, create=True, mode=0o777) as directory:
                move(folder, number, directory, name)
            return path
        return self._beside(folder, number, path)

    def _beside(self, folder: int, number: bytes, path: bytes) -> bytes:
        """Beside what is in the way, in the nearest folder that is still there."""
        above, name = split(path)
        while True:
            try:
                with beneath(self._project, above) as directory:
                    return join(above, move_beside(folder, number, directory, name, self._label))
            except (FileNotFoundError, NotADirectoryError):
                above = split(above)[0]


def _lines(folder: int) -> Iterator[tuple[bytes, list[str], bytes]]:
    """The list, as far as it makes sense: the person may have written anything into it."""
    try:
        content = read_beneath(folder, _LIST)
    except FileNotFoundError:
        return
    for line in content.splitlines():
        with suppress(ValueError, TypeError):
            number, expected, path = json.loads(line)
            raw = os.fsencode(path)
            if number.isdecimal() and is_safe(raw):
                yield number.encode(), list(map(str, expected)), raw
