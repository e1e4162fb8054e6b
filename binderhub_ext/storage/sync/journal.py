"""What was moved in the project, kept until the next update has looked at it again.

A program that had a file open while it was replaced goes on writing into the old one. So what
is moved away is not deleted: the next update compares it with what it should be, and brings
back what was written later. What is the person's is only ever renamed where it is, and the
new name is written down before, so that it is told even if we are killed in between.

    moving/list    one line per file moved away: number, expected contents, path; and per version
                   of the person's that got another name: label, what, path, old name, new name
    moving/<n>     the file itself, under its number
    replaced/      the same, of the last update that ended

| killed                                     | the next update                                |
|--------------------------------------------|------------------------------------------------|
| before or in the writing of a line         | passes over half a line; nothing was moved     |
| before a file is moved away                | finds no such number; nothing was moved        |
| before the new file is put in its place    | moves the file back, then begins with it anew  |
| before the person's version has a new name | finds nothing under that name: not told        |
| after that                                 | tells it, in the same note                     |
| between `moving` and `replaced`            | begins with the files anew; tells what it said |
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection
from contextlib import suppress

from ...beneath import beneath, exists_beneath, mkdir_beneath, open_beneath, open_file
from ..trees import remove_beneath
from .files import TRIES, InTheWay, join, labelled, look, move, split
from .lines import LIST, Lines, Taken, read_lines, renamed, told_before
from .words import Change, What

MOVING, REPLACED = "moving", "replaced"


class Journal:
    """The folder `moving/` of one update.

    Args:
        store: descriptor of the project's `.git/binder-at-home`.
        project: descriptor of the project.
        algorithm: hash of Git's ids.
        label: goes into the names of the person's versions that get another name.
    """

    def __init__(self, store: int, project: int, algorithm: str, label: bytes) -> None:
        self._store, self._project = store, project
        self._algorithm, self._label = algorithm, label
        self._folder = -1
        self._count = 0
        self.rescued: list[Change] = []
        """What came back beside something else, since the person was faster."""

    def begin(self) -> list[Change]:
        """Open the journal, or go on with that of a killed update, and settle the one before.

        Returns:
            What a killed update has put aside, and what is brought back.
        """
        for name in (MOVING, REPLACED):
            mkdir_beneath(self._store, name, 0o700)
        self._folder = open_beneath(self._store, MOVING)
        with beneath(self._store, REPLACED) as folder:
            moving, replaced = read_lines(self._folder), read_lines(folder)
            self._count = moving.count
            told = told_before(moving, replaced, self._label)
            # `replaced` goes now, and we may be killed once more.
            for line in told:
                if line not in moving.told:
                    self._tell(line.change)
            changes = renamed(self._project, told)
            changes += self._rescue(self._folder, moving)
            if last := moving.unfinished(self._folder, self._project):
                self._put_back(self._folder, last)
            changes += self._rescue(folder, replaced)
        remove_beneath(self._store, REPLACED)
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
        line = Taken(b"%d" % self._count, expected, path)
        self._count += 1
        self._note([line.number.decode(), sorted(expected), os.fsdecode(path)])
        above, name = split(path)
        try:
            with beneath(self._project, above) as directory:
                os.rename(name, line.number, src_dir_fd=directory, dst_dir_fd=self._folder)
        except (FileNotFoundError, NotADirectoryError):
            return False
        # Killed here: it is put back by the next update, see `Lines.unfinished`.
        if look(self._folder, line.number, self._algorithm).content in expected:
            return True
        if not self._put_back(self._folder, line):
            self.rescued.append(self._bring_beside(self._folder, line))
        return False

    def set_aside(self, path: bytes, moved: bytes) -> Change:
        """Give the person's version of `path` another name.

        Args:
            moved: the path, or the part of it that is in the way.

        Raises:
            FileNotFoundError: nothing is there any more.
        """
        above, name = split(moved)
        with beneath(self._project, above) as directory:
            return self._rename(
                moved,
                lambda other: Change(path, What.ASIDE, other, moved),
                lambda final: move(directory, name, directory, final),
            )

    def _rescue(self, folder: int, lines: Lines) -> list[Change]:
        """Bring back what was written into after it was moved away."""
        changes = []
        for line, _ in lines.changed(folder, self._algorithm):
            change = Change(line.path, What.RESCUED, line.path)
            if not exists_beneath(self._project, line.path):
                self._tell(change)
            if not self._put_back(folder, line):
                change = self._bring_beside(folder, line)
            changes.append(change)
        return changes

    def _put_back(self, folder: int, line: Taken) -> bool:
        """Move a file to where it was, if nothing is there."""
        above, name = split(line.path)
        with (
            suppress(FileExistsError, NotADirectoryError),
            beneath(self._project, above, create=True, mode=0o777) as directory,
        ):
            move(folder, line.number, directory, name)
            return True
        return False

    def _bring_beside(self, folder: int, line: Taken) -> Change:
        """Beside what is in the way, in the nearest folder that is still there."""
        above, name = split(line.path)
        while True:
            try:
                with beneath(self._project, above) as directory:
                    return self._rename(
                        join(above, name),
                        lambda other: Change(line.path, What.RESCUED, other),
                        lambda final: move(folder, line.number, directory, final),
                    )
            except (FileNotFoundError, NotADirectoryError):
                if not above:
                    raise
                above = split(above)[0]

    def _rename(
        self, path: bytes, change_of: Callable[[bytes], Change], act: Callable[[bytes], None]
    ) -> Change:
        """Move something to a free name made of `path`, which is written down before."""
        for count in range(1, TRIES):
            change = change_of(labelled(path, self._label, count))
            if exists_beneath(self._project, change.other):
                continue
            self._tell(change)
            with suppress(FileExistsError):
                act(split(change.other)[1])
                return change
        raise InTheWay(path)

    def _tell(self, change: Change) -> None:
        names = [os.fsdecode(name) for name in (change.path, change.moved, change.other)]
        self._note([self._label.decode(), str(change.what), *names])

    def _note(self, fields: list[object]) -> None:
        # On a line of its own: a killed update may have left half of one.
        line = b"\n" + json.dumps(fields).encode()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        with os.fdopen(open_file(self._folder, LIST.encode(), flags), "ab") as file:
            file.write(line)
