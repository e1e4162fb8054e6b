"""The record of what was put into a project: whole after a round trip, and never believed."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.beneath import beneath, parts_of
from binderhub_ext.storage.sync.record import (
    BadRecord,
    Header,
    Record,
    is_safe,
    read_header,
    read_record,
    read_records,
)
from binderhub_ext.storage.sync.words import Entry

ID = "a" * 40
HEADER = Header(ID, "https://h.org/ü", "main", ID)


@given(
    st.lists(st.sampled_from([b"a", b"..", b".", b"", b".git", b".GiT", b"\n", b".gitx", b"\0"]))
)
def test_safe_paths_are_plain_and_outside_git(parts: list[bytes]) -> None:
    path = b"/".join(parts)
    try:
        plain = bool(parts_of(path))
    except ValueError:
        plain = False
    assert is_safe(path) == (plain and b".git" not in path.lower().split(b"/"))


def test_round_trip(tmp_path: Path) -> None:
    entries = {
        b"a": Entry("100644", ID, "b" * 40),
        b"\xff\n x/y": Entry("100755", ID, ID),
        b"link": Entry("120000", ID, ID),
        b"sub": Entry("160000", "c" * 40, "c" * 40),
    }
    with beneath(tmp_path, ".") as folder:
        Record(HEADER, entries).write(folder, "one")
        assert read_record(folder, "one") == Record(HEADER, entries)
        assert read_header(folder, "one") == HEADER


def test_unreadable_records_are_passed_over(tmp_path: Path) -> None:
    with beneath(tmp_path, "pending", create=True) as folder:
        Record(HEADER, {}).write(folder, "good")
        for name, content in (("bad", b"x"), ("cut", b'{"version": 1')):
            (tmp_path / "pending" / name).write_bytes(content)
        os.mkfifo(tmp_path / "pending" / "pipe")
    with beneath(tmp_path, ".") as root:
        assert [record.header for record in read_records(root, "pending")] == [HEADER]
        assert list(read_records(root, "nothing")) == []


@pytest.mark.parametrize(
    "line",
    [
        b"100644 %s %s ../x",
        b"100644 %s %s /x",
        b"100644 %s %s .git/hooks/x",
        b"040000 %s %s x",
        b"100644 %s %s",
        b"100644 %s-%s x",
    ],
)
def test_entries_outside_the_grammar(tmp_path: Path, line: bytes) -> None:
    with beneath(tmp_path, ".") as folder:
        Record(HEADER, {}).write(folder, "one")
        whole = (tmp_path / "one").read_bytes() + line % (b"a" * 40, b"a" * 40) + b"\0"
        (tmp_path / "one").write_bytes(whole)
        with pytest.raises(BadRecord):
            read_record(folder, "one")
