"""Room for a SQLite database, taken while there is some.

On a full disk a database could not be changed any more, and the Hub could neither start nor stop
a server for those who would delete something. A database that has unused pages, with a journal that
has its length already, goes on for a while: both are written over instead of made longer
(https://www.sqlite.org/wal.html#avoiding_excessively_large_wal_files).
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

ROOM = 4 << 20
"""Bytes; as long as SQLite lets the journal become before it begins anew."""

_TABLE = "binder_room"


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
