"""Single files, by the program that becomes their owner: what is there, and nothing beyond it."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from patience import SOON
from smalldisk import leave_free, small_disk
from test_beneath import swapping

from binderhub_ext.beneath import beneath
from binderhub_ext.storage.asowner.words import Owner, Question, code_of, command, piece
from binderhub_ext.storage.asowner.work import look, new_file, opened

THEIRS = Owner(200_417, 200_417)


class Folder:
    """A home, handed to the program."""

    def __init__(self, path: Path, owner: Owner = THEIRS) -> None:
        self.path = path
        self.owner = owner if os.geteuid() == 0 else None

    def give(self) -> None:
        if self.owner:
            whose = f"{self.owner.uid}:{self.owner.gid}"
            subprocess.run(["chown", "-Rh", whose, self.path], check=True)

    def ask(self, question: Question, sent: bytes = b"") -> tuple[list[Any], bytes]:
        """What is answered, line by line, and what follows the first line."""
        root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            done = subprocess.run(
                command(root, self.owner),
                input=question.line() + sent,
                stdout=subprocess.PIPE,
                pass_fds=(root,),
                env={},
                timeout=SOON,
                check=False,
            )
        finally:
            os.close(root)
        first, _, rest = done.stdout.partition(b"\n")
        answers = [json.loads(first)]
        if question.do == "write" and rest:
            answers.append(json.loads(rest))
        return answers, rest

    def refusal(self, question: Question, sent: bytes = b"") -> str:
        answers, _ = self.ask(question, sent)
        return str(answers[-1]["error"])

    def write(self, path: str, name: str, content: bytes) -> str:
        answers, _ = self.ask(Question("write", path, name, len(content)), whole(content))
        return str(answers[-1]["name"])

    @contextmanager
    def writing(self, path: str, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """The program in the middle of a file of which two bytes are there."""
        root = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        argv = command(root, self.owner)
        with subprocess.Popen(argv, **pipes, pass_fds=(root,), env={}) as program:
            os.close(root)
            assert program.stdin and program.stdout
            program.stdin.write(Question("write", path, name, 5).line() + piece(b"12"))
            program.stdin.flush()
            assert json.loads(program.stdout.readline()) == {}
            yield program
            program.kill()


def whole(content: bytes) -> bytes:
    return piece(content) + piece(b"") if content else piece(b"")


@pytest.fixture
def home(tmp_path: Path) -> Folder:
    (tmp_path / "secret").write_text("SECRET")
    home = tmp_path / "home"
    (home / "data").mkdir(parents=True)
    (home / "data/known.csv").write_text("mine")
    (home / "out").symlink_to(tmp_path)
    (home / "secret").symlink_to(tmp_path / "secret")
    (home / "data/up").symlink_to("..")
    os.mkfifo(home / "pipe")
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(home / "socket"))
    folder = Folder(home)
    folder.give()
    return folder


def test_a_folder_is_what_it_is(home: Folder) -> None:
    (told,), _ = home.ask(Question("look", ""))
    kinds = {entry["name"]: entry["kind"] for entry in told["entries"]}
    assert kinds == {
        "data": "folder",
        "out": "link",
        "secret": "link",
        "pipe": "other",
        "socket": "other",
    }
    (told,), _ = home.ask(Question("look", "data"))
    sizes = {entry["name"]: entry["size"] for entry in told["entries"]}
    assert sizes == {"known.csv": 4, "up": None} and not told["more"]


def test_names_of_any_bytes(home: Folder) -> None:
    name = os.fsdecode(b"\xff\n\x01 ")
    (home.path / name).write_bytes(b"odd")
    home.give()
    (told,), _ = home.ask(Question("look", ""))
    assert name in [entry["name"] for entry in told["entries"]]
    (about,), content = home.ask(Question("read", "", name))
    assert (about["size"], content) == (3, b"odd")


OUTSIDE = ("out", "out/home", "data/up", "..", "data/..", "/etc", "gone", "pipe", "data//", "a\0")


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_link_and_no_climbing_leads_out(home: Folder, path: str) -> None:
    with beneath(home.path, ".") as root:
        for reach in (
            lambda: look(root, path),
            lambda: opened(root, path, "secret").__enter__(),
            lambda: new_file(root, path).__enter__(),
        ):
            with pytest.raises((OSError, ValueError)) as refused:
                reach()
            assert code_of(refused.value) == "gone"
    assert sorted(p.name for p in home.path.parent.iterdir()) == ["home", "secret"]


@pytest.mark.parametrize("name", ["secret", "pipe", "socket", "out", "data", "../secret", "", "."])
def test_what_is_no_file_is_not_read(home: Folder, name: str) -> None:
    with beneath(home.path, ".") as root, pytest.raises((OSError, ValueError)) as refused:
        opened(root, "", name).__enter__()
    assert code_of(refused.value) == "gone"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has more rights than the owner")
def test_as_its_owner_and_not_as_root(home: Folder) -> None:
    assert home.write("data", "new.csv", b"abc") == "new.csv"
    status = (home.path / "data/new.csv").stat()
    assert (status.st_uid, status.st_gid) == (THEIRS.uid, THEIRS.gid)
    assert stat.S_IMODE(status.st_mode) & 0o022 == 0
    others = home.path / "others"
    others.mkdir()
    (others / "closed").write_text("SECRET")
    (others / "closed").chmod(0o600)
    assert home.refusal(Question("read", "others", "closed")) == "closed"
    assert home.refusal(Question("write", "others", "x", 1), whole(b"x")) == "closed"


def test_no_file_is_ever_replaced(home: Folder) -> None:
    named = [home.write("data", "known.csv", f"new {n}".encode()) for n in range(2)]
    assert named == ["known (1).csv", "known (2).csv"]
    assert (home.path / "data/known.csv").read_text() == "mine"
    for other in ("secret", "pipe", "out"):
        assert home.write("", other, b"new") == f"{other} (1)"
    assert (home.path.parent / "secret").read_text() == "SECRET"


def test_half_a_file_is_none(home: Folder) -> None:
    half = Question("write", "data", "half", 10)
    for sent in (b"", b"123", piece(b"12345"), piece(b"12345")[:-1], piece(b"123") + b"\0\0"):
        assert home.refusal(half, sent) == "cut"
    assert home.refusal(half, piece(b"12345") + whole(b"678901")) == "full"
    assert home.refusal(Question("write", "data", "a/b", 1), whole(b"x")) == "gone"
    assert home.refusal(Question("write", "data", "x" * 300, 1), whole(b"x")) == "taken"
    assert sorted(p.name for p in (home.path / "data").iterdir()) == ["known.csv", "up"]


def test_what_a_killed_upload_left_goes_with_the_next(home: Folder) -> None:
    data = home.path / "data"

    def drafts() -> list[Path]:
        return sorted(data.glob(".coming-*"))

    with home.writing("data", "killed") as program:
        program.kill()
    [left] = drafts()
    mine = data / ".coming-soon"
    mine.write_text("a file of theirs")
    (data / ".coming-0123456789abcdef").symlink_to(home.path.parent / "secret")
    home.give()
    with home.writing("data", "live") as program:
        assert left in drafts(), "too young: another upload could be about to take its lock"
        for draft in drafts():
            if not draft.is_symlink():
                os.utime(draft, (0, 0))
        [live] = [d for d in drafts() if d not in (left, mine) and not d.is_symlink()]
        assert home.write("data", "next", b"x") == "next"
        assert not left.exists() and live.exists() and mine.exists()
        out, _ = program.communicate(piece(b"345") + piece(b""), timeout=SOON)
        assert json.loads(out) == {"name": "live"}
    assert (data / "live").read_bytes() == b"12345"
    assert (home.path.parent / "secret").read_text() == "SECRET"
    # also where nothing is uploaded any more: when the folder is looked at
    with home.writing("data", "again") as program:
        program.kill()
    for draft in drafts():
        if not draft.is_symlink():
            os.utime(draft, (0, 0))
    home.ask(Question("look", "data"))
    assert {draft.name for draft in drafts()} == {".coming-0123456789abcdef", mine.name}


def test_of_a_file_that_has_no_room_nothing_is_left(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk"):
        home = Folder(tmp_path / "disk/home")
        home.path.mkdir()
        home.give()
        leave_free(tmp_path / "disk", 1 << 20)
        assert (
            home.refusal(Question("write", "", "large", 3 << 20), whole(bytes(3 << 20))) == "full"
        )
        assert list(home.path.iterdir()) == [] and home.write("", "small", b"x") == "small"


def test_folders_that_turn_into_links_meanwhile(home: Folder) -> None:
    """A server of the same person may do so at any moment, and reaches nothing by it."""
    outside = home.path.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("SECRET")
    (home.path / "a/b").mkdir(parents=True)
    done, turn, end = set(), 0, time.monotonic() + SOON
    with beneath(home.path, ".") as root, swapping(home.path, outside):
        # how often the folder is one depends on who has the processor
        while turn < 400 or ("new" not in done and time.monotonic() < end):
            turn += 1
            try:
                with new_file(root, "a/b") as draft:
                    done.add(draft.keep(f"new {turn % 4}")[:3])
                with opened(root, "a/b", "secret"):
                    raise AssertionError("it led out")
            except (OSError, ValueError) as error:
                done.add(code_of(error))
    assert done <= {"gone", "new", "taken"} and "new" in done
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_it_says_nothing_where_processes_are_listed() -> None:
    assert Question("look", "private").path not in " ".join(command(3, THEIRS))
    assert command(3, THEIRS)[0] == sys.executable
