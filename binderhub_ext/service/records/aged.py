"""What is on record for so long that nobody needs it any more: removed, a few rows at a time.

Of launches stays, however old, by what something else is known: the latest of each server, which
the Hub may have with its ticket, so also one that failed and was followed by none; the latest of
each project, which a home may have; and those that the list of a class names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import ColumnElement, Delete, and_, case, delete, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from ...core.errors import TargetMissing
from .classtables import OpeningRow
from .records import Records, now, read_content
from .tables import BuildRow, EnvironmentRow, LaunchRow

_AT_ONCE = 500
"""Rows that go in one transaction: whoever launches meanwhile waits for no more than that."""

_PAUSE = 0.05

T = TypeVar("T")


class AgedRecords:
    """Removes them.

    Args:
        records: of the service.
        age: for which everything stays.
    """

    def __init__(self, records: Records, age: timedelta) -> None:
        self._records, self._age = records, age

    async def remove(self, environments: Collection[str]) -> int:
        """Remove what is older. Safe to repeat, and to be ended at any moment.

        Args:
            environments: keys of those that there are: their builds stay.

        Returns:
            How many rows that were.
        """
        before = now() - self._age
        removed = await self._launches(before)
        builds = await self._records.tuples(
            select(BuildRow.id, BuildRow.key).where(BuildRow.finished < before)
        )
        gone = [id for id, key in builds if key not in environments]
        for some in _parts(gone):
            removed += await self._write(delete(BuildRow).where(BuildRow.id.in_(some)))
        commit = EnvironmentRow.engine, EnvironmentRow.repo, EnvironmentRow.commit
        found = await self._records.tuples(select(*commit).where(EnvironmentRow.seen < before))
        for rows in _parts([tuple(row) for row in found]):
            removed += await self._write(delete(EnvironmentRow).where(tuple_(*commit).in_(rows)))
        return removed

    async def _launches(self, before: datetime) -> int:
        old, removed = _old(before), 0
        plain = select(LaunchRow.id).where(old, LaunchRow.content == "").limit(_AT_ONCE)
        while ids := await self._records.rows(plain):
            removed += await self._write(delete(LaunchRow).where(LaunchRow.id.in_(ids)))
        people = select(LaunchRow.user).where(old, LaunchRow.content != "").distinct()
        for user in await self._records.rows(people):
            ids = await self._records.run(partial(_old_with_content, old=old, user=user))
            for some in _parts(ids):
                removed += await self._write(delete(LaunchRow).where(LaunchRow.id.in_(some)))
        return removed

    async def _write(self, change: Delete) -> int:
        removed = await self._records.write(change)
        await asyncio.sleep(_PAUSE)
        return removed


def _old(before: datetime) -> ColumnElement[bool]:
    """Launches that are over, and by which nothing is known but what they had as content."""
    project = "provider", "repo", "repo_url", "project"
    return and_(
        LaunchRow.finished < before,
        LaunchRow.started < before,
        LaunchRow.id.not_in(select(OpeningRow.launch)),
        _followed("server"),
        or_(LaunchRow.project == "", _followed(*project)),
    )


_later = aliased(LaunchRow)


def _followed(*columns: str) -> ColumnElement[bool]:
    """Whether the same person had a later launch, the same in these columns, that came as far."""
    same = (getattr(_later, name) == getattr(LaunchRow, name) for name in ("user", *columns))
    later = _later.started > LaunchRow.started
    return select(_later.id).where(*same, later, _came(_later) >= _came(LaunchRow)).exists()


def _came(row: type[LaunchRow]) -> ColumnElement[int]:
    """How far a launch came: to where it leads, to a server at least, or to nothing."""
    return case((row.url != "", 2), (row.code == TargetMissing.code, 1), else_=0)


def _old_with_content(session: Session, *, old: ColumnElement[bool], user: str) -> list[str]:
    """Those of a person's old launches that had content of which a later one came as far."""
    theirs = LaunchRow.user == user, LaunchRow.content != ""
    doomed = set(session.scalars(select(LaunchRow.id).where(old, *theirs)))
    rows = select(LaunchRow.id, LaunchRow.content, _came(LaunchRow)).where(*theirs)
    furthest: dict[tuple[object, str], int] = {}
    for id, content, came in session.execute(rows.order_by(LaunchRow.started.desc())):
        for project in read_content(content):
            what = project.commit.repo, project.folder
            if furthest.get(what, -1) < came:
                furthest[what] = came
                doomed.discard(id)
    return sorted(doomed)


def _parts(all_of_them: Sequence[T]) -> list[Sequence[T]]:
    return [all_of_them[at : at + _AT_ONCE] for at in range(0, len(all_of_them), _AT_ONCE)]
