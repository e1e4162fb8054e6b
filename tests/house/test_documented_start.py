"""The documented `start` of a repository with PostgreSQL, with programs that only pretend to be it.

With the real ones it is tried in `tests/engines/local_run/test_system_packages.py`.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from documented import blocks_of, files_of
from patience import SOON

PAGE = "how-to/programs-beside-the-notebook.md"

PROGRAMS = {
    "initdb": 'shift; mkdir "$1"; echo 15 >"$1/PG_VERSION"; [ -z "$INTERRUPTED" ] || exit 1\n',
    # The database: whatever has the lock is as good.
    "pg_ctl": """
        echo "pg_ctl $*"
        [ "$1" = start ] || exec kill "$(cat "$PGDATA/postmaster.pid")"
        sleep 60 >/dev/null 2>&1 &
        echo $! >"$PGDATA/postmaster.pid"
    """,
}


class Start:
    """The script, where the project's own state is a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        self.home, self.bin = folder / "home", folder / "bin"
        self.data = self.home / ".local/share/postgresql"
        self.script = folder / "start"
        self.script.write_text(files_of(PAGE)["start"])
        for place in (self.home, self.bin):
            place.mkdir()
        for name, text in PROGRAMS.items():
            (self.bin / name).write_text(f"#!/bin/sh\n{text}")
            (self.bin / name).chmod(0o755)

    def begin(self, server: str, **variables: str) -> subprocess.Popen[str]:
        path = f"{self.bin}:{os.environ['PATH']}"
        env = {"HOME": str(self.home), "PATH": path, "TMPDIR": str(self.bin), **variables}
        argv = ["bash", self.script, "bash", "-c", server]
        return subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True)

    def run(self, **variables: str) -> str:
        """What it says, and then the server, which says where the database is."""
        process = self.begin('echo "server with $PGHOST"; [ ! -e /dev/fd/9 ]', **variables)
        told, _ = process.communicate(timeout=SOON)
        assert process.returncode == 0, told
        return told

    def kill(self) -> None:
        """End the database as a crash does: its file stays."""
        os.kill(int((self.data / "postmaster.pid").read_text()), 9)


@pytest.fixture
def start(tmp_path: Path) -> Start:
    return Start(tmp_path)


def test_one_server_at_a_time_has_the_data(start: Start) -> None:
    first = start.run()
    assert "pg_ctl start" in first
    assert f"server with {start.bin}/" in first
    second = start.run()
    assert "It runs in another server of this project." in second
    assert "pg_ctl" not in second
    assert "server with" in second
    start.kill()
    # What it left of itself does not keep the next one from starting.
    assert (start.data / "postmaster.pid").exists()
    assert "pg_ctl start" in start.run()
    start.kill()


def test_a_start_that_stays_ends_the_database_after_the_server(start: Start) -> None:
    last = next(block for block in blocks_of(PAGE, "bash") if block.startswith("trap"))
    start.script.write_text(start.script.read_text().replace('exec "$@"\n', last))
    server = 'trap "echo server ends; exit 5" TERM; echo server runs; while :; do sleep 0.05; done'
    told = []
    with start.begin(server) as process:
        for line in process.stdout or ():
            told.append(line.strip())
            if line == "server runs\n":
                process.terminate()
    assert told[-3:] == ["server runs", "server ends", "pg_ctl stop --mode fast"]
    assert process.returncode == 0


def test_an_interrupted_beginning_is_none(start: Start) -> None:
    told = start.run(INTERRUPTED="yes")
    assert "PostgreSQL was not started." in told
    assert "server with" in told
    assert not start.data.exists()
    assert "pg_ctl start" in start.run()
    start.kill()


def test_a_disk_that_takes_nothing_keeps_nobody_out(start: Start) -> None:
    (start.home / ".local").write_text("in the way")
    told = start.run()
    assert "PostgreSQL was not started." in told
    assert "another server" not in told
    assert "server with" in told
