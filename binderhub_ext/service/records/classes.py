"""Classes on record: links that teachers give, and who opened them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, delete, or_, select, update
from sqlalchemy.orm import Session, aliased

from ...core.classes import Named
from ...core.errors import TargetMissing
from ...core.sharees import Sharee
from .classtables import ClassRow, ClassTeacherRow, OpeningRow
from .records import Records, now
from .tables import LaunchRow


@dataclass(frozen=True)
class Opening:
    """That somebody opened a class's link.

    Attributes:
        row: of it.
        launch: what became of it, as far as that is on record.
        left: whether that server was launched with something else since.
    """

    row: OpeningRow
    launch: LaunchRow | None
    left: bool

    @property
    def told(self) -> frozenset[str]:
        """Ids of those who were named as teachers, of whom this person was told."""
        return frozenset((self.row.told or "").split())


@dataclass(frozen=True)
class Lent:
    """What stops the server of somebody's opening.

    Attributes:
        sealed: encrypted; names the three others.
    """

    class_id: str
    user: str
    server: str
    sealed: str


@dataclass(frozen=True)
class Stop:
    """That a server of somebody was stopped with all of a class."""

    title: str
    by: str


class ClassRecords:
    """Reads and writes them."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def find(self, id: str) -> ClassRow | None:
        return await self._records.get(ClassRow, id)

    async def add(self, row: ClassRow) -> None:
        await self._records.add(row)

    async def of_owner(self, owner: str) -> Sequence[ClassRow]:
        """A teacher's classes, newest first."""
        mine = select(ClassRow).where(ClassRow.owner == owner).order_by(ClassRow.created.desc())
        return await self._records.rows(mine)

    async def of_others(self, user: str, groups: Iterable[str]) -> Sequence[ClassRow]:
        """Classes in which a person, or one of these groups, was named as teacher; newest first."""
        person = and_(~ClassTeacherRow.is_group, ClassTeacherRow.name == user)
        group = and_(ClassTeacherRow.is_group, ClassTeacherRow.name.in_(list(groups)))
        named = select(ClassTeacherRow.class_id).where(or_(person, group))
        theirs = select(ClassRow).where(ClassRow.id.in_(named), ClassRow.owner != user)
        theirs = theirs.order_by(ClassRow.created.desc())
        return await self._records.rows(theirs)

    async def change(self, id: str, **values: str | datetime) -> None:
        """Write columns of a class."""
        change = update(ClassRow).where(ClassRow.id == id).values(**values)
        await self._records.write(change)

    async def forget(self, days: int) -> None:
        """Remove who opened classes that ended longer ago than so many days."""
        old = select(ClassRow.id).where(ClassRow.ended < now() - timedelta(days=days))
        lists = delete(OpeningRow).where(OpeningRow.class_id.in_(old))
        await self._records.write(lists)

    async def idle(self, days: int) -> Sequence[ClassRow]:
        """Classes that go on, and whose link nobody has launched for so many days."""
        since = now() - timedelta(days=days)
        lately = select(OpeningRow.user).outerjoin(LaunchRow, LaunchRow.id == OpeningRow.launch)
        lately = lately.where(
            OpeningRow.class_id == ClassRow.id,
            or_(OpeningRow.opened >= since, LaunchRow.started >= since),
        )
        idle = select(ClassRow).where(
            ClassRow.ended.is_(None), ClassRow.created < since, ~lately.exists()
        )
        return await self._records.rows(idle)

    # ---- teachers besides the owner

    async def named(self, id: str) -> tuple[Named, ...]:
        """Whom the owner of a class named as its teachers, in that order."""
        asked = select(ClassTeacherRow).where(ClassTeacherRow.class_id == id)
        asked = asked.order_by(ClassTeacherRow.since, ClassTeacherRow.id)
        rows = await self._records.rows(asked)
        return tuple(Named(row.id, Sharee(row.name, row.is_group)) for row in rows)

    async def name(self, id: str, named: Named) -> None:
        row = ClassTeacherRow(
            id=named.id, class_id=id, name=named.who.name, is_group=named.who.group, since=now()
        )
        await self._records.add(row)

    async def unname(self, id: str, named: str) -> None:
        """Take it back, by the id of the naming. Safe to repeat."""
        mine = delete(ClassTeacherRow).where(
            ClassTeacherRow.class_id == id, ClassTeacherRow.id == named
        )
        await self._records.write(mine)

    # ---- openings

    async def opened(
        self, id: str, user: str, server: str, launch: str, told: Iterable[str] = ()
    ) -> Lent | None:
        """Write that somebody launches a class's link; what was so before is over.

        Args:
            told: ids of those named as teachers of whom they were told just now; if of nobody, what
                they were told before holds.

        Returns:
            What stopped their server of before, if that is another now.
        """

        def write(session: Session) -> Lent | None:
            row, before = session.get(OpeningRow, (id, user)), None
            if row is None:
                row = OpeningRow(class_id=id, user=user, opened=now(), sealed="")
                session.add(row)
            elif row.server != server or session.scalar(_left(id, user)):
                # what stops a server is kept as long as it is the one that the link started
                before = _lent(row) if row.sealed else None
                row.sealed = ""
            row.server, row.launch, row.stopped, row.stopped_by = server, launch, None, ""
            if told:
                row.told = " ".join(sorted({*session.scalars(_named(id))}.intersection(told)))
            return before

        return await self._records.run(write)

    async def keep(self, lent: Lent, launch: str) -> bool:
        """Keep what stops somebody's server; whether there is still a use for it.

        There is none once they have launched it again, or the class has ended.
        """
        goes_on = select(ClassRow.id).where(ClassRow.id == lent.class_id, ClassRow.ended.is_(None))
        mine = (*_opening(lent), OpeningRow.launch == launch, goes_on.exists())
        change = update(OpeningRow).where(*mine).values(sealed=lent.sealed)
        return bool(await self._records.write(change))

    async def lent(self, id: str) -> list[Lent]:
        """What stops servers of a class."""
        return await self._lent(OpeningRow.class_id == id)

    async def lent_by(self, user: str, server: str = "") -> list[Lent]:
        """What somebody lent for a server, and what they did in classes that have ended."""
        ended = select(ClassRow.id).where(ClassRow.ended.is_not(None))
        over = or_(OpeningRow.server == server, OpeningRow.class_id.in_(ended))
        return await self._lent(OpeningRow.user == user, over)

    async def exchange(self, lent: Lent, sealed: str) -> None:
        """Keep something else in the place of what stops a server, if that is still kept."""
        mine = (*_opening(lent), OpeningRow.sealed == lent.sealed)
        change = update(OpeningRow).where(*mine).values(sealed=sealed)
        await self._records.write(change)

    async def stopped(self, id: str, users: Iterable[str], by: str) -> None:
        """Write whose servers were stopped, and by whom."""
        change = update(OpeningRow).where(
            OpeningRow.class_id == id, OpeningRow.user.in_(list(users))
        )
        change = change.values(stopped=now(), stopped_by=by)
        await self._records.write(change)

    async def openings(self, id: str) -> list[Opening]:
        """Who opened a class's link, in the order in which they did so first."""
        asked = select(OpeningRow, LaunchRow, _LATER.exists())
        asked = asked.outerjoin(LaunchRow, LaunchRow.id == OpeningRow.launch)
        asked = asked.where(OpeningRow.class_id == id).order_by(OpeningRow.opened, OpeningRow.user)
        rows = await self._records.tuples(asked)
        return [Opening(row, launch, bool(left)) for row, launch, left in rows]

    async def stops(self, user: str) -> dict[str, Stop]:
        """Which launches of a person a teacher ended with all of a class."""
        asked = select(OpeningRow.launch, ClassRow.title, OpeningRow.stopped_by)
        asked = asked.join(ClassRow, ClassRow.id == OpeningRow.class_id)
        asked = asked.where(OpeningRow.user == user, OpeningRow.stopped.is_not(None))
        rows = await self._records.tuples(asked)
        return {launch: Stop(title, by) for launch, title, by in rows}

    async def _lent(self, *which: ColumnElement[bool]) -> list[Lent]:
        asked = select(OpeningRow).where(OpeningRow.sealed != "", *which)
        rows = await self._records.rows(asked)
        return [_lent(row) for row in rows]


def _named(id: str) -> Select[str]:
    """Those of a class that are named now: nobody else's id is kept, however many a form has."""
    return select(ClassTeacherRow.id).where(ClassTeacherRow.class_id == id)


def _lent(row: OpeningRow) -> Lent:
    return Lent(row.class_id, row.user, row.server, row.sealed)


def _opening(lent: Lent) -> tuple[ColumnElement[bool], ...]:
    return (
        OpeningRow.class_id == lent.class_id,
        OpeningRow.user == lent.user,
        OpeningRow.server == lent.server,
    )


_later = aliased(LaunchRow)

_LATER = select(_later.id).where(
    _later.user == OpeningRow.user,
    _later.server == OpeningRow.server,
    _later.started > LaunchRow.started,
    # a server also runs where what its launch should have opened is not there
    or_(_later.url != "", _later.code == TargetMissing.code),
)
"""Launches that worked after that of an opening, of the same server."""


def _left(id: str, user: str) -> Select[bool]:
    """Whether somebody launched something else in the server of their opening."""
    mine = select(_LATER.exists()).select_from(OpeningRow)
    mine = mine.join(LaunchRow, LaunchRow.id == OpeningRow.launch)
    return mine.where(OpeningRow.class_id == id, OpeningRow.user == user)
