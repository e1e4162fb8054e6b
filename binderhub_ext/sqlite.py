"""SQLite databases: whether one can be used, in words; and room for it, taken while there is some.

On a full disk a database could not be changed any more, and the Hub could neither start nor stop
a server for those who would delete something. A database that has unused pages, with a journal that
has its length already, goes on for a while: both are written over instead of made longer
(https://www.sqlite.org/wal.html#avoiding_excessively_large_wal_files).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from .core.errors import CannotStart

ROOM = 4 << 20
"""Bytes; as long as SQLite lets the journal become before it begins anew."""

_TABLE = "binder_room"

_PATIENCE = 5
"""Seconds in which a program that ends has let go of its database."""

DAMAGED = ("malformed", "not a database", "corrupt", "*** in database")
LOCKED = ("locked", "busy")
FULL = "is full"
"""Parts of what SQLite says."""


def check_usable(path: Path) -> None:
    """Look at a database of this machine before anything relies on it; harmless to one in use.

    Raises:
        CannotStart: it is damaged, held by another program or not ours to write, and what to do.
    """
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise CannotStart(unusable(path, str(error))) from error
    if said != "ok":
        raise CannotStart(unusable(path, said))


def unusable(path: Path, said: str) -> str:
    """What to do about a database of this machine, as a sentence or two.

    Args:
        said: SQLite's words.
    """
    said = " ".join(said.split()).rstrip(".")
    if any(words in said for words in DAMAGED):
        return (
            f"The database {path} is damaged ({said}). Put back the one of a backup"
            " (binder-at-home admin restore), or move it away, with its -wal and -shm, to begin"
            " with an empty one: people's files are not in it."
        )
    if any(words in said for words in LOCKED):
        return (
            f"The database {path} is held by another program ({said}). End that one: fuser {path}"
            " says which it is."
        )
    if FULL in said:
        return f"There is no room for the database {path} ({said}). Make room on its disk."
    return (
        f"The database {path} cannot be used ({said}). It has to be a file that the user who runs"
        " this can read and write, on a disk that can be written."
    )


def keep_room(connection: sqlite3.Connection) -> None:
    """Give a database in write-ahead mode its room, unless it has it. Harmless where it cannot."""
    with suppress(sqlite3.OperationalError):
        path = connection.execute("PRAGMA database_list").fetchone()[2]
        if not path or _has_room(connection, Path(f"{path}-wal")):
            return
        # Two transactions: pages that are unused again before they are written never are.
        connection.execute(f"DROP TABLE IF EXISTS {_TABLE}")
        connection.execute(f"CREATE TABLE {_TABLE} (room BLOB)")
        try:
            connection.execute(f"INSERT INTO {_TABLE} VALUES (zeroblob({ROOM}))")
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(f"DROP TABLE {_TABLE}")
            connection.commit()
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _has_room(connection: sqlite3.Connection, journal: Path) -> bool:
    pages = connection.execute("PRAGMA freelist_count").fetchone()[0]
    size = connection.execute("PRAGMA page_size").fetchone()[0]
    if pages * size < ROOM // 2:
        return False
    return journal.exists() and journal.stat().st_size >= ROOM // 2
