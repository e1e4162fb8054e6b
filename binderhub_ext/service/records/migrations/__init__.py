"""Versions of the database's tables, oldest first, and bringing a database to the newest.

A released version is never edited: a change of `tables.py` is a new file in `versions/`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

ADVISORY_LOCK = 0x62696E64
"""PostgreSQL's lock for one migration at a time; the number says "bind"."""


def upgrade(connection: Connection) -> None:
    """Bring the tables to the newest version; harmless if they are there already.

    Args:
        connection: in a transaction that nobody else migrates beside.
    """
    command.upgrade(configuration(connection), "head")


def newer(connection: Connection) -> str:
    """The version of tables that a newer program made, which nobody here knows; or nothing."""
    there = MigrationContext.configure(connection).get_current_revision() or ""
    known = ScriptDirectory.from_config(configuration(connection)).walk_revisions()
    return "" if there in {"", *(version.revision for version in known)} else there


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for one open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
