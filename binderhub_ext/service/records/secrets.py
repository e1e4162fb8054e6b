"""People's secrets on record, sealed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from .records import Records
from .tables import SecretRow


class SecretRecords:
    """Reads and writes them."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def keep(self, row: SecretRow, limit: int) -> bool:
        """Keep one, in place of that of the same name; False if a person has `limit` others."""
        mine = SecretRow.user == row.user

        def replace(session: Session) -> bool:
            others = select(func.count()).where(mine, SecretRow.name != row.name)
            if (session.scalar(others) or 0) >= limit:
                return False
            session.execute(delete(SecretRow).where(mine, SecretRow.name == row.name))
            session.add(row)
            return True

        return await self._records.run(replace)

    async def of_user(self, user: str) -> Sequence[SecretRow]:
        """A person's, by name."""
        mine = select(SecretRow).where(SecretRow.user == user).order_by(SecretRow.name)
        return await self._records.rows(mine)

    async def remove(self, user: str, id: str) -> bool:
        """Forget one; False if there was none of this person."""
        mine = delete(SecretRow).where(SecretRow.user == user, SecretRow.id == id)
        return bool(await self._records.write(mine))
