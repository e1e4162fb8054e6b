"""Pictures of the catalogue's entries in the database."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import delete
from sqlalchemy.orm import Session

from .records import Records
from .tables import CatalogueRow, PictureRow

_TAG = 16


class PictureRecords:
    """Keeps them, each as long as its entry says that it is the one.

    Args:
        records: of the service.
    """

    def __init__(self, records: Records) -> None:
        self._records = records

    async def get(self, entry: str) -> PictureRow | None:
        return await self._records.get(PictureRow, entry)

    async def keep(
        self, row: CatalogueRow, commit: str, *, kind: str = "", data: bytes = b"", flaw: str = ""
    ) -> None:
        """Keep an entry's picture, or why there is none; unless its owner changed it meanwhile.

        Args:
            row: of the entry, as it was when somebody looked.
            commit: of which it is.
        """
        tag = sha256(kind.encode() + data).hexdigest()[:_TAG] if data else ""

        def write(session: Session) -> None:
            now = session.get(CatalogueRow, row.id)
            if now is None or (now.link, now.picture) != (row.link, row.picture):
                return
            now.picture_tag, now.picture_flaw = tag, flaw
            session.merge(PictureRow(entry=row.id, commit=commit[:128], kind=kind, data=data))

        await self._records.run(write)

    async def remove(self, entry: str) -> None:
        """Keep none of an entry any more; harmless if there is none."""
        await self._records.run(lambda session: forget_picture(session, entry))


def forget_picture(session: Session, entry: str) -> None:
    """Remove the picture of an entry, which may be gone, or of something else now."""
    session.execute(delete(PictureRow).where(PictureRow.entry == entry))
    if row := session.get(CatalogueRow, entry):
        row.picture_tag = row.picture_flaw = ""
