"""Both sides edit a project at random and sync it, whole or killed on the way.

After every sync each byte the person wrote is still to be found, what was planned is what was done,
and a second person who never edits has exactly the commit. `BINDER_LONG=1` runs 2,000 sequences,
different ones each time, instead of always the same 100.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from upstream import File, Link, Person, Program, Upstream, git, killed_after, read_tree

from binderhub_ext.storage.sync.run import sync
from binderhub_ext.storage.sync.words import Keep, Report, What


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed takes nothing with it that the kernel has not written yet."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


NAMES = [b"a", b"A", b"b.txt", b"d", b"d/x", b"d/y.ipynb", b"d/e/z", b"a/in", b"\xff\n", b".dot"]
names = st.sampled_from(NAMES)
contents = st.sampled_from([b"", b"one", b"two\r\n", b"\x00\xff", b"x" * 70_000])
files = contents | contents.map(Program) | st.sampled_from([Link(b"a"), Link(b"/etc/passwd")])
keeps = st.sampled_from(list(Keep))


def put(tree: dict[bytes, File], path: bytes, content: File) -> None:
    """Let a tree have a file, without what cannot be there at the same time."""
    for other in list(tree):
        if other.startswith(path + b"/") or path.startswith(other + b"/"):
            del tree[other]
    tree[path] = content


class Sync(RuleBasedStateMachine):
    """One repository, one person who works and one who only looks."""

    @initialize(first=st.dictionaries(names, files, max_size=6))
    def start(self, first: dict[bytes, File]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sync-"))
        self.upstream = Upstream(self.folder / "upstream.git")
        self.worker = Person(self.folder / "worker")
        self.looker = Person(self.folder / "looker")
        self.tree: dict[bytes, File] = {}
        self.published: set[File] = set()
        self.written = 0
        self.base: dict[bytes, File] = {}
        self.unfinished = False
        for path, content in first.items():
            put(self.tree, path, content)
        self.bring(Keep.BOTH)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    # What the repository's authors do.

    @rule(path=names, content=files)
    def they_write(self, path: bytes, content: File) -> None:
        put(self.tree, path, content)

    @rule(data=st.data())
    def they_delete(self, data: st.DataObject) -> None:
        if self.tree:
            del self.tree[data.draw(st.sampled_from(sorted(self.tree)))]

    @rule(data=st.data(), to=names)
    def they_rename(self, data: st.DataObject, to: bytes) -> None:
        if self.tree:
            put(self.tree, to, self.tree.pop(data.draw(st.sampled_from(sorted(self.tree)))))

    # What the person does.

    @rule(path=names, kind=st.sampled_from([bytes, Program, Link]))
    def i_write(self, path: bytes, kind: type) -> None:
        self.written += 1
        self.i_have(path, kind(b"mine %d" % self.written))

    def i_have(self, path: bytes, content: File) -> None:
        above = self.worker.path(path).parent
        while above != self.worker.project:
            if above.is_symlink() or above.is_file():
                above.unlink()
            above = above.parent
        self.worker.write(path, content)

    @rule(path=names)
    def i_delete(self, path: bytes) -> None:
        if self.worker.path(path).parent.is_dir():
            self.worker.delete(path)

    @rule(data=st.data(), to=names)
    def i_rename(self, data: st.DataObject, to: bytes) -> None:
        mine = self.worker.tree()
        if mine:
            path = data.draw(st.sampled_from(sorted(mine)))
            self.worker.delete(path)
            self.i_have(to, mine[path])

    @rule(data=st.data(), mode=st.sampled_from([0o755, 0o644, 0o400]))
    def i_chmod(self, data: st.DataObject, mode: int) -> None:
        mine = [path for path, what in self.worker.tree().items() if not isinstance(what, Link)]
        if mine:
            self.worker.path(data.draw(st.sampled_from(sorted(mine)))).chmod(mode)

    @rule()
    def i_ignore_everything(self) -> None:
        self.i_have(b".gitignore", b"*\n")

    @rule()
    def i_commit(self) -> None:
        if self.unfinished:
            return  # A killed run may have left a lock, which Git respects until the next run.
        git(self.worker.project, "add", "-A", "-f")
        git(self.worker.project, "commit", "-q", "--allow-empty", "-m", "mine")

    # Launches.

    @rule(keep=keeps)
    def launch(self, keep: Keep) -> None:
        self.bring(keep)

    @rule(keep=keeps, steps=st.integers(15, 60), again=st.booleans())
    def launch_killed(self, keep: Keep, steps: int, again: bool) -> None:
        """Kill it; then run it again, or let authors and person go on in between."""
        self.bring(keep, steps, again)

    def bring(self, keep: Keep, steps: int = 0, again: bool = True) -> None:
        commit = self.upstream.commit(self.tree)
        self.published |= set(self.tree.values())
        before = read_tree(self.worker.project) if self.worker.project.exists() else {}
        bundle = str(self.upstream.bundle(commit))
        if steps:
            killed_after(steps, self.looker.request_of(bundle, commit, keep=keep))
        if steps and killed_after(steps, self.worker.request_of(bundle, commit, keep=keep)):
            self.nothing_is_lost(before, read_tree(self.worker.home))
            self.unfinished = True
            if not again:
                return
        request = self.worker.request_of(bundle, commit, keep=keep)
        planned = sync(replace(request, plan=True))
        assert Counter(told(planned)) == Counter(told(sync(request)))
        self.check(before, keep)
        sync(self.looker.request_of(bundle, commit, keep=keep))
        assert self.looker.tree() == self.tree
        assert self.looker.status() == b""
        self.base, self.unfinished = dict(self.tree), False

    # What must hold.

    def check(self, before: dict[bytes, File], keep: Keep) -> None:
        after = self.worker.tree()
        self.nothing_is_lost(before, after)
        names = {path.name for path in self.worker.project.parent.iterdir()}
        assert names == {"name"}
        if keep is Keep.THEIRS:
            return
        for path, content in self.mine(before):
            assert after.get(path) == content, f"{path!r} is not as the person left it"
        if self.unfinished:
            return
        for path in self.base.keys() - before.keys():
            assert path not in after or self.base[path] == self.tree.get(path)
        if keep is Keep.BOTH:
            self.everything_arrived(before, after)

    def mine(self, tree: dict[bytes, File]) -> Iterator[tuple[bytes, File]]:
        """What only the person can have written."""
        return ((path, what) for path, what in tree.items() if bare(what) not in self.theirs())

    def theirs(self) -> set[File]:
        return {bare(what) for what in self.published}

    def nothing_is_lost(self, before: dict[bytes, File], after: dict[bytes, File]) -> None:
        """The executable bit aside, everything the person wrote is still somewhere."""
        there = {bare(what) for what in after.values()}
        for path, content in self.mine(before):
            assert bare(content) in there, f"what was in {path!r} is lost"

    def everything_arrived(self, before: dict[bytes, File], after: dict[bytes, File]) -> None:
        there = {bare(what) for what in after.values()}
        for path, content in self.tree.items():
            news = path not in self.base or bare(self.base[path]) != bare(content)
            if news and (path in before or path not in self.base):
                assert bare(content) in there, f"{path!r} did not arrive"


def told(report: Report) -> Iterator[tuple[bytes, What]]:
    """What a report says of each file, but for where other versions are."""
    return ((change.path, change.what) for change in report.changes)


def bare(content: File) -> File:
    """A file without its executable bit."""
    return content.content if isinstance(content, Program) else content


Sync.TestCase.settings = settings(
    max_examples=2000 if os.environ.get("BINDER_LONG") else 100,
    stateful_step_count=12,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestSync = Sync.TestCase
