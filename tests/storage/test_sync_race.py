"""Sync against a hostile process in the project: nothing outside is read or written."""

import errno
import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from killed import copy_home, with_another
from upstream import File, Person, Upstream, git, read_tree

from binderhub_ext.storage.sync import files, folder
from binderhub_ext.storage.sync.call import command
from binderhub_ext.storage.sync.run import sync
from binderhub_ext.storage.sync.words import Keep, SyncError

ROUNDS = 12

SWAPPER = """
import os, sys
project, outside = sys.argv[1:]
os.chdir(project)
print("ready", flush=True)
places = ["d", "d/e", ".git", ".git/binder-at-home", ".git/binder-at-home/moving",
          ".git/objects", ".git/refs", ".git/refs/remotes", ".git/binder-at-home/pending"]
while True:
    for place in places:
        try:
            os.rename(place, place + ".real")
            os.symlink(outside, place)
            os.unlink(place)
            os.rename(place + ".real", place)
        except OSError:
            try:
                os.rename(place + ".real", place)
            except OSError:
                pass
"""

WRITER = """
import os, sys
project, = sys.argv[1:]
os.chdir(project)
count = 0
while True:
    for name in ("a.txt", "d/e/x.txt"):
        count += 1
        try:
            with open("mine.new", "w") as file:
                file.write(f"mine {count}")
            os.rename("mine.new", name)
            with open("written.new", "w") as file:
                file.write(f"{count} {name}")
            os.rename("written.new", "written")
        except OSError:
            pass
    if count == 2:
        print("ready", flush=True)
    import time; time.sleep(0.002)
"""


@contextmanager
def running(program: str, *arguments: Path) -> Iterator[None]:
    """A process that works against the sync until the block ends."""
    argv = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


def version(number: int) -> dict[bytes, File]:
    files = {b"a.txt": b"a%d" % number, b"d/x": b"%d" % number, b"d/e/x.txt": b"e%d" % number}
    more = {b"d/e/%d-%d" % (number, each): b"new" for each in range(20)}
    return {**files, **more}


def test_links_swapped_under_a_sync(tmp_path: Path) -> None:
    """Everything that could be followed is a link to a folder outside, now and then."""
    upstream, person = Upstream(tmp_path / "up.git"), Person(tmp_path / "home")
    outside = tmp_path / "outside"
    for name in ("objects/pack", "refs/heads", "e", "binder-at-home/moving", "heads"):
        (outside / name).mkdir(parents=True)
    for name in ("x", "e/x.txt", "HEAD", "index", "record", "list", "binder-at-home/record"):
        (outside / name).write_text("secret")
    person.sync(upstream, upstream.commit(version(0)))
    before = read_tree(outside)
    with running(SWAPPER, person.project, outside):
        for number in range(1, ROUNDS):
            request = person.request(upstream, upstream.commit(version(number)))
            subprocess.run(command(request), capture_output=True, check=False)
    assert read_tree(outside) == before
    inside = read_tree(person.home).values()
    assert b"secret" not in inside


def test_files_written_under_a_sync(tmp_path: Path) -> None:
    """The last version a person saved is there, under its name."""
    upstream, person = Upstream(tmp_path / "up.git"), Person(tmp_path / "home")
    person.sync(upstream, upstream.commit(version(0)))
    for number in range(1, ROUNDS):
        with running(WRITER, person.project):
            person.sync(upstream, upstream.commit(version(number)))
            time.sleep(0.01)
        count, name = person.path(b"written").read_text().split()
        saved = person.path(name.encode()).read_bytes()
        assert saved == f"mine {count}".encode() or saved == f"mine {int(count) + 2}".encode()


@pytest.mark.parametrize("can_rename_new", [True, False])
@pytest.mark.parametrize("keep", list(Keep))
@pytest.mark.parametrize("mine", [b"1", b"mine"])
def test_saved_by_renaming_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mine: bytes, keep: Keep, can_rename_new: bool
) -> None:
    """As editors save: neither what was there before nor what is saved is lost."""
    if not can_rename_new:
        monkeypatch.setattr(files, "rename_new", _cannot)
    upstream, person = Upstream(tmp_path / "up.git"), Person(tmp_path / "home")
    person.sync(upstream, upstream.commit({b"a.txt": b"1"}))
    request = person.request(upstream, upstream.commit({b"a.txt": b"2"}), keep=keep)
    copy_home(person.home, tmp_path / "fresh")

    def save() -> None:
        (person.home / "draft").rename(person.path(b"a.txt"))

    saved, step = True, 0
    while saved:
        shutil.rmtree(person.home)
        copy_home(tmp_path / "fresh", person.home)
        person.write(b"a.txt", mine)
        (person.home / "draft").write_bytes(b"saved")
        saved = with_another(step, b"a.", save, lambda: sync(request))
        found = set(person.tree().values())
        assert not saved or b"saved" in found, f"lost at step {step}"
        assert b"2" in found or keep is Keep.MINE
        step += 1
    assert step > 1 or (keep, mine) == (Keep.MINE, b"mine")


def _cannot(*_: object) -> None:
    raise OSError(errno.EINVAL, "this file system cannot")


def test_file_held_open_while_it_is_replaced(tmp_path: Path) -> None:
    """What a program writes into a file that was replaced meanwhile comes back."""
    upstream, person = Upstream(tmp_path / "up.git"), Person(tmp_path / "home")
    person.sync(upstream, upstream.commit({b"log.txt": b"log\n"}))
    with person.path(b"log.txt").open("ab") as log:
        person.sync(upstream, upstream.commit({b"log.txt": b"new\n"}))
        log.write(b"written late\n")
    commit = upstream.commit({b"log.txt": b"newer\n"})
    person.sync(upstream, commit)
    assert person.tree()[b"log.txt"] == b"newer\n"
    assert person.tree()[f"log.mine-{commit[:7]}.txt".encode()] == b"log\nwritten late\n"


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """A real process, really killed, and its children with it."""
    upstream, person = Upstream(tmp_path / "up.git"), Person(tmp_path / "home")
    chance = random.Random(4)
    for number in range(ROUNDS):
        commit = upstream.commit(version(number))
        argv = command(person.request(upstream, commit))
        with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as process:
            time.sleep(chance.uniform(0.03, 0.25))
            os.killpg(process.pid, signal.SIGKILL)
        person.sync(upstream, commit)
        assert person.tree() == version(number)
        assert person.status() == b""
        assert [path.name for path in person.project.parent.iterdir()] == ["name"]
    git(person.project, "fsck", "--strict")


def test_two_at_once_with_different_commits(tmp_path: Path) -> None:
    upstream, person = Upstream(tmp_path / "up.git"), Person(tmp_path / "home")
    commits = [upstream.commit(version(number)) for number in range(4)]
    requests = [person.request(upstream, commit) for commit in commits]
    started = [subprocess.Popen(command(r), stdout=subprocess.PIPE) for r in requests]
    answers = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * 4, answers
    assert person.tree() in [version(number) for number in range(4)]
    assert person.status() == b""


def test_patience_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that never ends is told about, not waited for."""
    monkeypatch.setattr(folder, "_PATIENCE", 0.2)
    upstream, person = Upstream(tmp_path / "up.git"), Person(tmp_path / "home")
    request = person.request(upstream, upstream.commit(version(0)))
    with folder.place(request) as where:
        (person.project.parent / where.scratch).mkdir()
        held = os.open(person.project.parent / where.scratch, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(SyncError, match="Another launch"):
            person.sync(upstream, upstream.commit(version(1)))
        os.close(held)
