"""A real PostgreSQL server of its own, reached by a socket in a folder of the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from patience import SOON, START, wait_until

_numbers = count(1)


def programs() -> Path:
    """Where the server's programs are, or a skip that says how to get them."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not installed:
        pytest.skip("postgresql is not installed (apt-get install -y postgresql)")
    return installed[-1].parent


class Postgres:
    """A running server.

    Attributes:
        folder: where its socket is.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self.folder = folder

    def url(self, database: str = "postgres") -> str:
        """The URL of a database, as an administrator writes it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def new(self) -> str:
        """The URL of a new, empty database."""
        name = f"tests{next(_numbers)}"
        command = [str(self._programs / "createdb"), "-h", str(self.folder), "-U", "postgres", name]
        subprocess.run(command, check=True, capture_output=True)
        return self.url(name)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server; it refuses to run as root, and so runs as Debian's account for it then."""
    found = programs()
    with TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        as_owner: list[str] = []
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
            as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
        data = f"{folder}/data"
        make = [str(found / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-sync"]
        subprocess.run([*as_owner, *make], check=True, capture_output=True, cwd="/")
        serve = [str(found / "postgres"), "-D", data, "-k", folder, "-c", "listen_addresses="]
        server = subprocess.Popen(
            [*as_owner, *serve, "-F"], cwd="/", stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        try:
            _wait(found, folder)
            yield Postgres(found, Path(folder))
        finally:
            server.send_signal(2)  # ends connections, then itself
            server.wait(SOON)


def _wait(programs: Path, folder: str) -> None:
    ask = [str(programs / "pg_isready"), "-h", folder]

    def ready() -> bool:
        return subprocess.run(ask, capture_output=True).returncode == 0

    wait_until(ready, "PostgreSQL did not start", START)
