"""A database that is damaged, locked or cannot be written is told in a sentence, wherever it is."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from jupyterhub import dbutil, orm
from sqlalchemy import text
from sqlalchemy.orm import Session
from traitlets.config import Config

from binderhub_ext import __main__, sqlite
from binderhub_ext.core.errors import CannotStart, DatabaseUnavailable, NoSpace
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.service.failures import Failure
from binderhub_ext.service.records import database
from binderhub_ext.service.records.records import Records
from binderhub_ext.service.web.health import Health
from binderhub_ext.storage.backup import back_up
from binderhub_ext.up import databases, datadir
from binderhub_ext.up.hub import ConfiguredHub


@pytest.fixture
def layout(tmp_path: Path) -> DataDirectory:
    """Both databases, with something in them and everything in the one file."""
    layout = datadir.prepare(tmp_path / "data")
    for path in (layout.hub_db, layout.binder_db):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE things (x TEXT)")
            connection.executemany("INSERT INTO things VALUES (?)", [("x" * 1000,)] * 50)
            connection.commit()
    return layout


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "_PATIENCE", 0.1)
    fast = [p.replace("busy_timeout=10000", "busy_timeout=100") for p in database._PRAGMAS]
    monkeypatch.setattr(database, "_PRAGMAS", fast)


def test_tables_of_an_older_hub_are_upgraded_wherever_our_programs_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterHub looks for `alembic` in the PATH, where a virtual environment that is not active is
    not."""
    url = f"sqlite:///{tmp_path}/hub.sqlite"
    with orm.new_session_factory(url)() as session:
        session.add(orm.User(name="ann", admin=True))
        session.commit()
        newest = session.execute(text("SELECT version_num FROM alembic_version")).scalar()
        session.get_bind().dispose()
    with dbutil._temp_alembic_ini(url) as settings:
        command.downgrade(AlembicConfig(settings), "-1")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    hub = ConfiguredHub(db_url=url, upgrade_db=True)
    hub.init_db()
    assert hub.db.execute(text("SELECT version_num FROM alembic_version")).scalar() == newest
    assert hub.db.query(orm.User).one().name == "ann"
    hub.db.get_bind().dispose()
    assert os.environ["PATH"] == "/usr/bin:/bin"


def overwrite_head(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"no database at all ")


def overwrite_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


HURTS = pytest.mark.parametrize("hurt", [overwrite_head, overwrite_page])
NAMES = pytest.mark.parametrize("name", ["hub_db", "binder_db"])


@HURTS
@NAMES
def test_up_says_that_it_is_damaged(
    layout: DataDirectory, hurt: Callable[[Path], None], name: str
) -> None:
    databases.check(Config(), layout)
    hurt(path := getattr(layout, name))
    with pytest.raises(CannotStart, match=rf"{path} is damaged .*backup.*move it away"):
        databases.check(Config(), layout)
    url = f"sqlite:///{path}"
    with pytest.raises(CannotStart, match="is damaged"):
        databases.check(Config({"BinderApp": {"db_url": url}}), layout)


@NAMES
def test_up_says_that_it_is_locked(layout: DataDirectory, name: str) -> None:
    path = getattr(layout, name)
    words = rf"{path} is held by another program .*fuser"
    with locked(path), pytest.raises(CannotStart, match=words):
        databases.check(Config(), layout)
    databases.check(Config(), layout)


def locked(path: Path) -> closing[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return closing(connection)


def test_the_service_says_it(
    layout: DataDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database.sqlite_url(layout.binder_db)
    with locked(layout.binder_db), pytest.raises(CannotStart, match="is held by another program"):
        Records(url, engine="local")
    (tmp_path / "a folder").mkdir()
    with pytest.raises(CannotStart, match=r"cannot be used .*has to be a file"):
        Records(database.sqlite_url(tmp_path / "a folder"), engine="local")
    overwrite_head(layout.binder_db)
    assert __main__.main(["service", "--data-dir", str(layout.root)]) == 1
    assert "is damaged (file is not a database). Put back" in capsys.readouterr().err


def test_the_service_says_that_a_newer_one_wrote_it(layout: DataDirectory) -> None:
    url = database.sqlite_url(layout.binder_db)
    Records(url, engine="local").close()
    with closing(sqlite3.connect(layout.binder_db)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(CannotStart, match=r"of a newer version .*9999"):
        Records(url, engine="local")


@HURTS
@NAMES
def test_a_backup_says_it(
    layout: DataDirectory, tmp_path: Path, hurt: Callable[[Path], None], name: str
) -> None:
    hurt(path := getattr(layout, name))
    with pytest.raises(CannotStart, match=rf"{path} is damaged"):
        back_up(layout, tmp_path / "b.tar")
    assert not (tmp_path / "b.tar").exists()


@pytest.fixture
def records(layout: DataDirectory) -> Iterator[Records]:
    layout.binder_db.unlink()
    opened = Records(database.sqlite_url(layout.binder_db), engine="local")
    yield opened
    opened.close()


async def test_a_running_service_says_that_it_is_locked(
    records: Records, layout: DataDirectory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    with locked(layout.binder_db), pytest.raises(DatabaseUnavailable) as refused:
        await records.build_ended("x", "success")
    failure = Failure.of(refused.value, where="here")
    assert (failure.code, failure.status) == ("database-unavailable", 503)
    assert "Try again in a minute" in failure.message and not failure.reference
    assert "The database cannot be used: database is locked" in caplog.text
    await records.build_ended("x", "success")


async def test_a_running_service_says_that_it_is_damaged(
    records: Records, layout: DataDirectory
) -> None:
    await records.check()
    for path in layout.root.glob("binder.sqlite*"):
        path.write_bytes(b"no database at all " * 1000)
    with pytest.raises(DatabaseUnavailable, match="damaged"):
        await records.launches("me")
    checks = await Health(Hub(), records).checks()  # type: ignore[arg-type]
    assert [check["ok"] for check in checks] == [True, False]


class Hub:
    """One that is well."""

    async def health(self) -> bool:
        return True


async def test_a_full_disk_is_no_damage(records: Records) -> None:
    with pytest.raises(NoSpace, match="full"):
        await records.run(_fill)


def _fill(session: Session) -> None:
    session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
    session.connection().exec_driver_sql("CREATE TABLE t AS SELECT zeroblob(100000000) AS x")
