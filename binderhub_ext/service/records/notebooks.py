"""Notebooks that people brought and have not opened yet, in the database."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from .records import Records, now
from .tables import NotebookRow


class NotebookRecords:
    """Keeps one for each person, the last.

    Args:
        records: of the service.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def keep(self, user: str, title: str, content: bytes) -> None:
        row = NotebookRow(user=user, title=title, content=content, since=now())
        await self._records.run(lambda session: session.merge(row))

    async def get(self, user: str, age: timedelta) -> NotebookRow | None:
        """That of a person, if it is no older."""
        row = await self._records.get(NotebookRow, user)
        return row if row and row.since > now() - age else None

    async def remove(self, user: str, content: bytes) -> None:
        """Forget that of a person; harmless if there is none, or another one by now."""
        mine = delete(NotebookRow).where(NotebookRow.user == user, NotebookRow.content == content)
        await self._records.write(mine)

    async def forget(self, age: timedelta) -> None:
        """Forget all that are older."""
        old = delete(NotebookRow).where(NotebookRow.since < now() - age)
        await self._records.write(old)
