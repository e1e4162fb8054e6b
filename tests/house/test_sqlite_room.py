"""A database that took its room can be changed on a full disk; taking it is harmless."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from binderhub_ext.sqlite import ROOM, keep_room


def opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    (place := tmp_path / "disk").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine lets not even root mount anything")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize("room", [True, False])
def test_a_full_disk(disk: Path, room: bool) -> None:
    with closing(opened(disk / "hub.sqlite")) as connection:
        connection.execute("CREATE TABLE t (x TEXT)")
        connection.commit()
        if room:
            keep_room(connection)
        with (disk / "junk").open("wb", buffering=0) as junk, pytest.raises(OSError):
            while True:
                junk.write(b"x" * 4096)

        def change() -> None:
            for number in range(50):
                connection.execute("INSERT INTO t VALUES (?)", [str(number) * 500])
                connection.commit()

        if room:
            change()
            assert connection.execute("SELECT count(*) FROM t").fetchone() == (50,)
        else:
            with pytest.raises(sqlite3.OperationalError, match="full"):
                change()


def test_it_is_taken_once_and_leaves_no_table(tmp_path: Path) -> None:
    path = tmp_path / "hub.sqlite"
    with closing(opened(path)) as connection:
        for _ in range(3):
            keep_room(connection)
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
        assert path.stat().st_size < 1.5 * ROOM
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with closing(sqlite3.connect(":memory:")) as connection:
        keep_room(connection)
