"""Transactions with the service's database, each in a thread of its own pool.

A slow database never holds up the event loop. Rows that come out are detached: reading them costs
nothing and changing them changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

from sqlalchemy import ColumnElement, Delete, Row, Select, Update, column, func, select, table
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session, sessionmaker
from tornado.log import app_log

from . import database
from .tables import Base

_ASKED_WRONGLY = (IntegrityError, DataError, ProgrammingError)

R = TypeVar("R", bound=Base)
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Transactions:
    """An open database.

    Args:
        url: of SQLAlchemy; the tables are made or brought to the newest version here.
    """

    def __init__(self, url: str | URL) -> None:
        self._database = database.connect(url)
        self._sessions = sessionmaker(self._database, expire_on_commit=False)
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="records")

    def close(self) -> None:
        self._threads.shutdown()
        self._database.dispose()

    async def run(self, work: Callable[[Session], T]) -> T:
        def transaction() -> T:
            try:
                with self._sessions.begin() as session:
                    return work(session)
            except DatabaseError as error:
                if isinstance(error, _ASKED_WRONGLY) and database.is_whole(error):
                    raise
                app_log.error("The database cannot be used: %s", database.said(error))
                raise database.unavailable(error) from error

        def with_others() -> T:
            try:
                return transaction()
            except IntegrityError:
                # Another service wrote the same row between our reading and our writing.
                return transaction()

        return await asyncio.get_running_loop().run_in_executor(self._threads, with_others)

    async def get(self, table: type[R], key: object) -> R | None:
        return await self.run(lambda session: session.get(table, key))

    async def rows(self, asked: Select[T]) -> list[T]:
        """What is found by a statement that asks for one thing."""
        return list(await self.run(lambda session: session.scalars(asked).all()))

    async def tuples(self, asked: Select[*Ts]) -> Sequence[Row[*Ts]]:
        """What is found by a statement that asks for several things."""
        return await self.run(lambda session: session.execute(asked).all())

    async def count(self, *which: ColumnElement[bool]) -> int:
        """How many rows there are of a kind."""
        counted = select(func.count()).where(*which)
        return await self.run(lambda session: session.scalar(counted)) or 0

    async def add(self, row: Base) -> None:
        await self.run(lambda session: session.add(row))

    async def write(self, change: Update | Delete) -> int:
        """Change or delete rows; gives how many there were."""
        result = await self.run(lambda session: session.execute(change))
        return result.rowcount  # type: ignore[attr-defined]

    async def check(self) -> None:
        """Raises `DatabaseUnavailable` or `NoSpace` if the database does not answer.

        Something that is in it is read, as SQLite answers the rest without opening its file.
        """
        await self.tuples(select(column("version_num")).select_from(table("alembic_version")))
