"""Pictures of the catalogue's entries: fetched in the background, and checked before they are kept.

They come out of repositories that everybody may read, by no key of anybody's, and are kept here:
whoever looks at the catalogue asks no host, and no host is told who looks. A repository is fetched
for its picture once; what is newer is taken when somebody's launch has brought it.
"""

from __future__ import annotations

import asyncio

from ...core.errors import BinderError, NotFound, TooLarge
from ...core.pictures import BYTES_MAX, Unfit, read_picture
from ...core.progress import unheard
from ...core.repo import Commit
from ..launching.builds import Builds
from ..records.pictures import PictureRecords
from ..records.tables import CatalogueRow, PictureRow

MISSING, LARGE, UNFIT, UNREACHED = "missing", "large", "unfit", "unreached"
"""Why an entry has no picture."""

_PATIENCE = 60.0
"""Seconds for which a repository may be fetched for its picture."""


class Pictures:
    """Gets and keeps them.

    Args:
        records: of them.
        builds: gets the files of commits.
    """

    def __init__(self, records: PictureRecords, builds: Builds) -> None:
        self._records, self._builds = records, builds

    async def get(self, row: CatalogueRow) -> PictureRow:
        """The picture of an entry, for somebody who may see that.

        Raises:
            NotFound: it has none.
        """
        picture = await self._records.get(row.id) if row.picture_tag else None
        if picture is None:
            raise NotFound("This entry has no picture (any more).")
        return picture

    async def look(self, row: CatalogueRow, commit: Commit) -> None:
        """Take the picture that an entry names out of a commit that everybody may read."""
        if not row.picture or commit.repo.live:
            return
        kept = await self._records.get(row.id)
        if kept and kept.commit == commit.id[:128] and row.picture_flaw != UNREACHED:
            return
        try:
            data = await self._taken(row.picture, commit, fetch=not row.picture_tag)
        except NotFound:
            await self._records.keep(row, commit.id, flaw=MISSING)
        except TooLarge:
            await self._records.keep(row, commit.id, flaw=LARGE)
        except (BinderError, TimeoutError):
            if not row.picture_tag:
                await self._records.keep(row, commit.id, flaw=UNREACHED)
        else:
            await self._keep(row, commit, data)

    async def remove(self, row: CatalogueRow) -> None:
        """Show the picture of an entry to nobody any more: not everybody may see it now."""
        if row.picture_tag:
            await self._records.remove(row.id)

    async def _keep(self, row: CatalogueRow, commit: Commit, data: bytes | None) -> None:
        if data is None:
            if not row.picture_tag:
                await self._records.keep(row, commit.id, flaw=UNREACHED)
            return
        try:
            picture = read_picture(data)
        except Unfit:
            await self._records.keep(row, commit.id, flaw=UNFIT)
        else:
            await self._records.keep(row, commit.id, kind=picture.kind, data=data)

    async def _taken(self, path: str, commit: Commit, *, fetch: bool) -> bytes | None:
        """What is in a file of a commit; nothing if that is not here, also after it was fetched.

        Raises:
            NotFound, TooLarge: it cannot be a picture.
            BinderError, TimeoutError: the commit cannot be fetched.
        """
        data = await self._builds.blob(commit, path, BYTES_MAX)
        if data is None and fetch:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._builds.files(commit, unheard)
            except TooLarge as error:  # the repository, and not its picture
                raise BinderError(error.message) from error
            data = await self._builds.blob(commit, path, BYTES_MAX)
        return data
