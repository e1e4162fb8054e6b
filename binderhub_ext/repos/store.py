"""Where fetched commits are kept: one directory per repository below `repos/`.

    <hash of the repository>/objects.git       what was fetched, so that the next fetch is short
    <hash of the repository>/<commit>.bundle   a commit and its history; immutable, kept last
    <hash of the repository>/<commit>.tree     the hash of its files
    <hash of the repository>/scratch.new/      what is being made
    <hash of the repository>/.lock             held while fetching, by git's processes too

A bundle has the ref `HEAD`, the commit. `refs/submodules/<id>` are commits of its submodules, to
be put where the commit's tree has a link to that id. `refs/shallow/<id>` are present only if the
history was too large: these commits' parents are missing, and a clone must list the ids in
`.git/shallow` before it takes the bundle in. `refs/tags/<name>` are the tags by which
`git describe` names the commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.layout import DataDirectory
from ..core.repo import Commit, Repo
from ..locks import held_if_free, held_in_turn
from .base import Source
from .tags import PREFIX

_SUBMODULES = "refs/submodules/"
_LEFTOVERS = (
    "*.lock",
    "*.new",
    "objects.git/**/*.lock",
    "objects.git/objects/pack/tmp_*",
    "objects.git/objects/pack/.tmp-*",
)


@dataclass(frozen=True)
class Store:
    """The commits kept in a data directory."""

    layout: DataDirectory

    def find(self, commit: Commit) -> Source | None:
        """The files of a commit if they are kept; marks them as used now."""
        bundle = self.layout.bundle(commit)
        try:
            tree = bundle.with_suffix(".tree").read_text().strip()
            refs = _refs(bundle)
        except FileNotFoundError:
            return None
        # A reader that is not the owner cannot say so; the bundle is there all the same.
        with contextlib.suppress(PermissionError):
            os.utime(bundle)
        return Source(commit, bundle, tree, _submodules(refs), _tags(refs))

    def keep(self, commit: Commit, new: Path, tree: str) -> Source:
        """Move a finished bundle to its final name; from here on :meth:`find` has it."""
        bundle = self.layout.bundle(commit)
        new_tree = bundle.with_suffix(".tree.new")
        new_tree.write_text(f"{tree}\n")
        new_tree.rename(bundle.with_suffix(".tree"))
        with new.open("rb") as written:
            os.fsync(written.fileno())
        new.chmod(0o644)
        new.rename(bundle)
        refs = _refs(bundle)
        return Source(commit, bundle, tree, _submodules(refs), _tags(refs))

    @contextlib.asynccontextmanager
    async def locked(self, repo: Repo) -> AsyncIterator[Lock]:
        """Be the only one, of all processes, who changes a repository's directory.

        What a killed process left behind is gone when this is entered.
        """
        directory = self.layout.sources(repo)
        # Other users of the machine may read what everybody may.
        mode = 0o700 if repo.reader else 0o755
        directory.mkdir(parents=True, exist_ok=True, mode=mode)
        async with held_in_turn(directory / ".lock") as descriptor:
            await asyncio.to_thread(_clear, directory)
            yield Lock(directory, descriptor)

    def collect_garbage(self, max_bytes: int, min_age: float) -> int:
        """Remove the least recently used until no more than `max_bytes` are kept.

        Args:
            max_bytes: what may stay.
            min_age: seconds since the last use before anything may go.

        Returns:
            Bytes removed.
        """
        kept = sorted(self._kept(), key=lambda each: each.used)
        total, removed = sum(each.size for each in kept), 0
        oldest_to_stay = time.time() - min_age
        for each in kept:
            if total - removed <= max_bytes or each.used > oldest_to_stay:
                break
            removed += each.size if each.remove() else 0
        return removed

    def _kept(self) -> list[_Kept]:
        with contextlib.suppress(FileNotFoundError):
            return [
                _Kept(path, _size(path), path.stat().st_mtime)
                for directory in self.layout.repos.iterdir()
                for path in (*directory.glob("*.bundle"), *directory.glob("objects.git"))
            ]
        return []


def _refs(bundle: Path) -> list[tuple[str, str]]:
    """Names and objects of the refs in the head of a bundle."""
    with bundle.open("rb") as file:
        head = iter(file.readline, b"\n")
        lines = [line.decode(errors="replace").rstrip("\n").partition(" ") for line in head]
    return [(name, object) for object, _, name in lines]


def _submodules(refs: list[tuple[str, str]]) -> tuple[str, ...]:
    """The commits of submodules that came with a commit."""
    return tuple(n.removeprefix(_SUBMODULES) for n, _ in refs if n.startswith(_SUBMODULES))


def _tags(refs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The tags by which a commit is described."""
    return tuple(sorted((n.removeprefix(PREFIX), id) for n, id in refs if n.startswith(PREFIX)))


@dataclass(frozen=True)
class Lock:
    """The right to change one repository's directory.

    Attributes:
        directory: it.
        descriptor: hand it to git, so that the lock lasts as long as git does.
    """

    directory: Path
    descriptor: int

    @property
    def objects(self) -> Path:
        """The bare repository of what was fetched."""
        return self.directory / "objects.git"

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty directory that is gone afterwards, at the latest at the next fetch."""
        path = self.directory / "scratch.new"
        path.mkdir()
        try:
            yield path
        finally:
            shutil.rmtree(path)


@dataclass(frozen=True)
class _Kept:
    path: Path
    size: int
    used: float

    def remove(self) -> bool:
        """Remove it unless somebody is fetching just now."""
        with held_if_free(self.path.parent / ".lock") as free:
            if free and self.path.is_dir():
                shutil.rmtree(self.path)
            elif free:
                self.path.unlink()
                self.path.with_suffix(".tree").unlink(missing_ok=True)
        return free


def _clear(directory: Path) -> None:
    for pattern in _LEFTOVERS:
        for path in directory.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != ".lock":
                path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    files = (path,) if path.is_file() else path.rglob("*")
    return sum(each.lstat().st_size for each in files)
