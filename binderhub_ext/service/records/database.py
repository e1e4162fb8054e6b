"""Opening the database: engines, pragmas, and one migration at a time."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from ...core.errors import BinderError, CannotStart, DatabaseUnavailable, NoSpace
from ...locks import held
from ...sqlite import DAMAGED, FULL, check_usable, keep_room
from . import migrations

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # in WAL mode a crash of the machine may lose the last commits, never corrupt
    "PRAGMA synchronous=NORMAL",
    "PRAGMA busy_timeout=10000",
    "PRAGMA foreign_keys=ON",
)


_FULL = (
    "The disk of this hub is full, so your launch could not be recorded. Start a server you have"
    " on the Hub's own page and delete files in it, and tell the administrator."
)
_DAMAGED = (
    "The database of this hub's launches is damaged. Your files and servers are not in it: open a"
    " server you have on the Hub's own page, and tell the administrator."
)
_NEWER = (
    "The service's database is of a newer version of Binder@home (its tables are {version}), and"
    " this one cannot read it. Install that version again, or a newer one; or restore a backup that"
    " was made before."
)
_NO_ANSWER = (
    "The database of this hub's launches does not answer. Try again in a minute; if that does not"
    " help, tell the administrator."
)

_NOT_WHOLE = (
    "The database of this hub's launches lacks tables, or does not let this hub use them. Your"
    " files and servers are not in it: open a server you have on the Hub's own page, and tell the"
    " administrator."
)
_CODES = frozenset({"42P01", "42703", "3F000", "42501"})
"""How PostgreSQL says so: no such table, column or schema, or no right to it."""


def sqlite_url(path: Path) -> URL:
    """The URL of a file; spaces and other letters of the path are taken care of."""
    return URL.create("sqlite", database=str(path))


def connect(url: str | URL) -> Engine:
    """An engine whose database is there and has the newest tables.

    Raises:
        CannotStart: it cannot be reached, used or migrated; in words, without its password.
    """
    try:
        engine = create_engine(with_our_driver(make_url(url)), pool_pre_ping=True)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _set_pragmas)
            check_usable(Path(engine.url.database or ""))
        with _migrating(engine) as connection:
            if version := migrations.newer(connection):
                raise CannotStart(_NEWER, version=version)
            # Alembic reports each start at INFO; a migration that matters says so at WARNING
            logging.getLogger("alembic").setLevel(logging.WARNING)
            migrations.upgrade(connection)
    except (SQLAlchemyError, CommandError, OSError) as error:
        raise CannotStart(
            "The service's database cannot be used: {error}.", error=said(error)
        ) from error
    return engine


def said(error: Exception) -> str:
    """What the driver said, in one line: SQLAlchemy's own words hold the statement."""
    words = error.orig if isinstance(error, DBAPIError) else error
    return str(words).partition("\n")[0].rstrip(".")


def is_whole(error: DBAPIError) -> bool:
    """Whether a database has what it was asked about, as far as an error says."""
    return getattr(error.orig, "sqlstate", "") not in _CODES


def unavailable(error: DBAPIError) -> BinderError:
    """What a person is told when a database that worked does not work any more."""
    words = said(error)
    if not is_whole(error):
        return DatabaseUnavailable(_NOT_WHOLE)
    if FULL in words:
        return NoSpace(_FULL)
    if any(part in words for part in DAMAGED):
        return DatabaseUnavailable(_DAMAGED)
    return DatabaseUnavailable(_NO_ANSWER)


def with_our_driver(url: URL) -> URL:
    """The same database; where no driver is named for PostgreSQL, SQLAlchemy would take another."""
    plain = url.drivername in ("postgresql", "postgres")
    return url.set(drivername="postgresql+psycopg") if plain else url


def _set_pragmas(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
    if isinstance(connection, sqlite3.Connection):
        keep_room(connection)


@contextmanager
def _migrating(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction, while no other process migrates."""
    database = engine.url.database
    if engine.dialect.name != "sqlite" or not database:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                lock = text("SELECT pg_advisory_xact_lock(:number)")
                connection.execute(lock, {"number": migrations.ADVISORY_LOCK})
            yield connection
        return
    path = Path(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock_path = path.with_name(path.name + ".lock")
    # SQLite gives its journals the mode of the database.
    path.touch(mode=0o600)
    with held(lock_path), engine.begin() as connection:
        yield connection
