"""Killed before any call that changes the disk, a sync is ended by the next one.

It ends where one does that was not killed, for every kind of commit that is launched and every
choice between versions: files and folders with their modes, the note, Git's branches, index and
objects, and our own record are the same.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from killed import copy_home, instants
from upstream import File, Link, Person, Program, Tree, Upstream, git, read_tree

from binderhub_ext.storage.sync.run import sync
from binderhub_ext.storage.sync.words import Keep, Request

OLD: Tree = {
    b"same": b"1",
    b"a": b"1",
    b"gone": b"1",
    b"gone-mine": b"1",
    b"mode": b"1",
    b"mine.txt": b"1",
    b"mine-gone": b"1",
    b"d/x": b"1",
    b"e/x": b"1",
    b"e/y": b"1",
    b"f/x": b"1",
    b"link": Link(b"a"),
}
NEW: Tree = {
    b"same": b"1",
    b"a": b"2",
    b"mode": Program(b"1"),
    b"mine.txt": b"2",
    b"mine-gone": b"2",
    b"new/x": b"2",
    b"new.txt": b"2",
    b"d": b"2",
    b"e": b"2",
    b"f/x": b"2",
    b"f/y": b"2",
    b"link": Link(b"d"),
}
MINE: dict[bytes, File | None] = {
    b"mine.txt": b"mine",
    b"gone-mine": b"mine",
    b"mine-gone": None,
    b"new.txt": b"mine new",
    b"e/x": b"mine",
    b"f": b"mine instead of a folder",
}
SMALL_OLD: Tree = {b"a": b"1", b"b": b"1"}
SMALL_NEW: Tree = {b"a": b"2", b"b": b"1"}
SMALL_LAST: Tree = {b"a": b"3", b"b": b"1"}


@dataclass(frozen=True)
class Launched:
    """How a commit is launched: the branch it is the head of, or none; with its history or not."""

    branch: str = ""
    archive: bool = False


BRANCH, OTHER, COMMIT, ARCHIVE = (
    Launched("main"),
    Launched("other/branch"),
    Launched(),
    Launched(archive=True),
)


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed takes nothing with it that the kernel has not written yet."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


class Case:
    """A home before a sync, and the requests that bring it on."""

    def __init__(self, folder: Path, mine: dict[bytes, File | None]) -> None:
        self.folder = folder
        self.upstream = Upstream(folder / "upstream.git")
        self.person = Person(folder / "home")
        self.copies = folder / "copies"
        self.mine = mine

    def request(self, tree: Tree, launched: Launched, keep: Keep = Keep.BOTH) -> Request:
        if launched.archive:
            git(self.upstream.folder, "update-ref", "-d", "refs/heads/main")
        commit = self.upstream.commit(tree)
        return self.person.request(self.upstream, commit, branch=launched.branch, keep=keep)

    def begin(self, first: Request) -> None:
        """The first launch, and what the person does then."""
        sync(first)
        for path, content in self.mine.items():
            if content is None:
                self.person.delete(path)
            else:
                self.person.write(path, content)

    def has_files(self, state: Path, tree: Tree) -> bool:
        """Whether in a state of the home all files are in place."""
        return read_tree(state / self.person.into) == tree

    def put_back(self, state: Path) -> None:
        shutil.rmtree(self.person.home)
        copy_home(state, self.person.home)

    def all_instants(self, request: Request) -> list[Path]:
        self.copies.mkdir()
        return instants(self.person.home, self.copies, lambda: sync(request))


def everything(person: Person) -> dict[str, object]:
    """All that is in a home, but for what was replaced and is kept until the next update."""
    found: dict[str, object] = {}
    for path in person.home.rglob("*"):
        name = str(path.relative_to(person.home))
        ours = name.partition("/.git/binder-at-home/")[2]
        if ours and not ours.startswith("record"):
            continue
        if path.is_symlink():
            found[name] = path.readlink()
        elif path.is_dir():
            found[name] = path.stat().st_mode
        elif path.name != "index":
            found[name] = (path.stat().st_mode, path.read_bytes())
    # An index has the times of the files, too.
    found["index"] = git(person.project, "ls-files", "--stage")
    return found


def check_all(case: Case, request: Request, states: list[Path]) -> None:
    expected = everything(case.person)
    for state in states:
        case.put_back(state)
        sync(request)
        assert everything(case.person) == expected, f"killed at {state.name}"
    git(case.person.project, "fsck", "--strict")


@pytest.mark.parametrize("keep", list(Keep))
def test_every_kind_of_file(tmp_path: Path, keep: Keep) -> None:
    case = Case(tmp_path, MINE)
    case.begin(case.request(OLD, BRANCH))
    request = case.request(NEW, BRANCH, keep)
    states = case.all_instants(request)
    assert len(states) > 50
    check_all(case, request, states)


@pytest.mark.parametrize(
    ("before", "after", "and_another"),
    [
        (BRANCH, OTHER, True),
        (BRANCH, COMMIT, False),
        (COMMIT, BRANCH, False),
        (COMMIT, COMMIT, False),
        (ARCHIVE, ARCHIVE, False),
    ],
)
def test_every_kind_of_commit(
    tmp_path: Path, before: Launched, after: Launched, and_another: bool
) -> None:
    """Killed while Git is told of the commit: Git follows this launch, and the next commit's."""
    case = Case(tmp_path, {})
    case.begin(case.request(SMALL_OLD, before))
    second = case.request(SMALL_NEW, after)
    states = [state for state in case.all_instants(second) if case.has_files(state, SMALL_NEW)]
    assert len(states) > 20
    check_all(case, second, states)
    last = case.request(SMALL_LAST, after)
    for state in states if and_another else states[-1:]:
        case.put_back(state)
        report = sync(last)
        assert not report.notes, state.name
        assert (case.person.tree(), case.person.status()) == (SMALL_LAST, b"")
        head = f"ref: refs/heads/{after.branch}" if after.branch else last.commit
        assert (case.person.project / ".git/HEAD").read_text().strip() == head
        assert git(case.person.project, "rev-parse", "HEAD").decode().strip() == last.commit


@pytest.mark.parametrize("launched", [BRANCH, COMMIT, ARCHIVE])
def test_every_kind_of_first_launch(tmp_path: Path, launched: Launched) -> None:
    case = Case(tmp_path, {})
    request = case.request(OLD, launched)
    states = case.all_instants(request)
    assert len(states) > 3
    check_all(case, request, states)
    assert case.person.status() == b""
