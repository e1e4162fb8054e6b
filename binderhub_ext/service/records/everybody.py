"""What is on record of everybody, for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ...core.errors import Cancelled
from .records import Records
from .tables import BuildRow, LaunchRow, TrustRow

_SHOWN = 100
_AT_ONCE = 500
"""Values one statement may name; databases have a limit."""


@dataclass(frozen=True)
class Uses:
    """Of an environment.

    Attributes:
        people: how many launched it.
        launches: how often.
        last: when last.
    """

    people: int = 0
    launches: int = 0
    last: datetime | None = None


class Everybody:
    """Looks into the records without regard to whose they are."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def builds(self) -> Sequence[tuple[BuildRow, Sequence[str]]]:
        """The latest builds, newest first, each with whose launches waited for it."""
        latest = select(BuildRow).order_by(BuildRow.started.desc()).limit(_SHOWN)
        rows = await self._records.rows(latest)
        asked = select(LaunchRow.build, LaunchRow.user).distinct()
        asked = asked.where(LaunchRow.build.in_([row.id for row in rows]))
        pairs = await self._records.tuples(asked)
        return [(row, sorted(user for build, user in pairs if build == row.id)) for row in rows]

    async def launch(self, id: str) -> LaunchRow | None:
        return await self._records.get(LaunchRow, id)

    async def failures(self) -> Sequence[LaunchRow]:
        """The latest launches that failed and were not cancelled, newest first."""
        failed = select(LaunchRow).where(LaunchRow.code.not_in(("", Cancelled.code)))
        failed = failed.order_by(LaunchRow.started.desc()).limit(_SHOWN)
        return await self._records.rows(failed)

    async def builds_of(self, keys: Sequence[str]) -> dict[str, BuildRow]:
        """The latest build of each environment, by its key."""

        def look(session: Session) -> dict[str, BuildRow]:
            builds: dict[str, BuildRow] = {}
            for at in range(0, len(keys), _AT_ONCE):
                some = select(BuildRow).where(BuildRow.key.in_(keys[at : at + _AT_ONCE]))
                for row in session.scalars(some.order_by(BuildRow.started)):
                    builds[row.key] = row
            return builds

        return await self._records.run(look)

    async def uses(self, images: Sequence[str]) -> dict[str, Uses]:
        """Who launched each image, and when last, by its name."""
        counted = func.count(LaunchRow.user.distinct())
        figures = (counted, func.count(), func.max(LaunchRow.started))

        def look(session: Session) -> dict[str, Uses]:
            uses: dict[str, Uses] = {}
            for at in range(0, len(images), _AT_ONCE):
                some = select(LaunchRow.image, *figures).group_by(LaunchRow.image)
                some = some.where(LaunchRow.image.in_(images[at : at + _AT_ONCE]))
                for image, people, launches, last in session.execute(some):
                    uses[image] = Uses(people, launches, last)
            return uses

        return await self._records.run(look)

    async def launches(self) -> dict[str, int]:
        """How many launches each person has on record."""
        counted = select(LaunchRow.user, func.count()).group_by(LaunchRow.user)
        pairs = await self._records.tuples(counted)
        return dict(pairs)

    async def trust(self) -> Sequence[TrustRow]:
        """Every decision, by person."""
        every = select(TrustRow).order_by(TrustRow.user, TrustRow.since.desc())
        return await self._records.rows(every)

    async def revoke(self, id: str) -> TrustRow | None:
        """Take a decision back, whosever it was; gives what it was, if there was one."""

        def remove(session: Session) -> TrustRow | None:
            if row := session.get(TrustRow, id):
                session.delete(row)
            return row

        return await self._records.run(remove)
