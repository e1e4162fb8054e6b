"""Files that postBuild made in the repository's folder and in the home: kept with the environment.

With repo2docker they would be in the image beside the repository's own. Here servers get them
where nothing of that name is (:mod:`..given`). The script may have put anything there: only plain
files are taken, under no name that was there before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...beneath import beneath
from ...core.errors import BuildFailed
from ...storage.trees import DEEPEST, Folder, folders_beneath, remove_tree
from ..given import HOME, NAMED, NOT_KEPT, NOT_OF_A_HOME, REPO

State = tuple[int, ...]
"""By which it is seen whether a file was changed."""

_REMEMBERED, _EACH = 1 << 28, 300
"""Bytes of memory for all files of a folder, and those that each takes besides its name."""


@dataclass(frozen=True)
class KeptFiles:
    """What was kept.

    Attributes:
        count: how many files.
        left: what was not, each with the reason; as many as a log names.
        more: how many others were not.
    """

    count: int = 0
    left: tuple[str, ...] = ()
    more: int = 0

    def __add__(self, other: KeptFiles) -> KeptFiles:
        left = self.left + other.left
        more = self.more + other.more + len(left[NAMED:])
        return KeptFiles(self.count + other.count, left[:NAMED], more)


@dataclass(frozen=True)
class ScriptFolder:
    """A folder of a build in which a script may make files.

    Attributes:
        folder: it.
        kept_as: name of the folder that gets what is kept.
        shown: what people call it.
    """

    folder: Path
    kept_as: str
    shown: str

    @classmethod
    def repo(cls, folder: Path) -> ScriptFolder:
        return cls(folder, REPO, "")

    @classmethod
    def home(cls, folder: Path) -> ScriptFolder:
        return cls(folder, HOME, "~/")

    def files(self) -> dict[str, State]:
        """What is there besides folders, by relative name; follows no links.

        Raises:
            TooDeep: folders are nested too deep.
            BuildFailed: there is more than can be remembered.
        """
        found: dict[str, State] = {}
        room = _REMEMBERED
        for _, name, entry in self._entries():
            found[name] = _state(entry)
            room -= len(name) + _EACH
            if room < 0:
                raise BuildFailed(
                    "There are too many files in {folder} before postBuild runs: {count}, and more."
                    " Have what makes them make fewer, or pack them into one.",
                    folder=self.shown or "./",
                    count=len(found),
                )
        return found

    def keep(self, before: Mapping[str, State], into: Path) -> KeptFiles:
        """Move what is new to another folder.

        Args:
            before: what :meth:`files` said.
            into: an empty folder on the same disk, in which nobody else can write.

        Raises:
            TooDeep: folders are nested too deep.
        """
        count, more = 0, 0
        left: list[str] = []

        def leave(name: str, why: str) -> None:
            nonlocal more
            if len(left) < NAMED:
                left.append(f"{self.shown}{name} ({why})")
            else:
                more += 1

        for folder, name, entry in self._entries():
            if name in before:
                if before[name] != _state(entry):
                    leave(name, "changed: the repository's own is given")
            elif entry.is_file(follow_symlinks=False):
                with beneath(into, folder.path, create=True) as target:
                    os.rename(
                        entry.name, entry.name, src_dir_fd=folder.descriptor, dst_dir_fd=target
                    )
                count += 1
            else:
                leave(name, "a link, or no plain file")
        return KeptFiles(count, tuple(left), more)

    def _entries(self) -> Iterator[tuple[Folder, str, os.DirEntry[str]]]:
        for folder in folders_beneath(self.folder, deepest=DEEPEST):
            for entry in folder.entries:
                name = PurePosixPath(folder.path, entry.name)
                top = set(name.parts[:1]) if self.kept_as == HOME else set()
                meaningless = not NOT_KEPT.isdisjoint(name.parts) or top & NOT_OF_A_HOME
                if not entry.is_dir(follow_symlinks=False) and not meaningless:
                    yield folder, str(name), entry


def keep_made(before: Mapping[ScriptFolder, Mapping[str, State]], into: Path) -> KeptFiles:
    """Move what is new in some places to folders in another.

    Args:
        before: what :meth:`ScriptFolder.files` said.
        into: where nothing of value is, on the same disk; nobody else can write there.

    Raises:
        TooDeep: folders are nested too deep.
    """
    remove_tree(into)
    made = KeptFiles()
    for place, files in before.items():
        (into / place.kept_as).mkdir(parents=True)
        made += place.keep(files, into / place.kept_as)
    return made


def _state(entry: os.DirEntry[str]) -> State:
    status = entry.stat(follow_symlinks=False)
    return status.st_ino, status.st_size, status.st_mtime_ns
