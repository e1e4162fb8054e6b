"""What people chose for themselves: their language, and how the main page has their projects."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from .records import Records
from .tables import LanguageRow, ShownRow


class Choices:
    """Reads and writes them."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def language(self, user: str) -> str:
        """The tag of the language that somebody chose; empty for none."""
        row = await self._records.get(LanguageRow, user)
        return row.tag if row else ""

    async def speak(self, user: str, tag: str) -> None:
        """Keep the language that somebody chose, in place of the one before."""
        await self._records.run(lambda session: session.merge(LanguageRow(user=user, tag=tag)))

    async def shown(self, user: str) -> Mapping[str, ShownRow]:
        """How somebody's projects are shown, by folder, of those for which they chose that."""
        mine = select(ShownRow).where(ShownRow.user == user)
        rows = await self._records.rows(mine)
        return {row.project: row for row in rows}

    async def show(self, user: str, project: str, **values: str | bool) -> None:
        """Change how a project is shown: its `title`, or whether it is `pinned`."""

        def write(session: Session) -> None:
            row = session.get(ShownRow, (user, project))
            if row is None:
                row = ShownRow(user=user, project=project, title="", pinned=False)
                session.add(row)
            for name, value in values.items():
                setattr(row, name, value)

        await self._records.run(write)
