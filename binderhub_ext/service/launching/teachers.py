"""Who teaches a class: whoever began it, and those whom they named.

Each of them as long as they are in a group that the administrator names, which is asked anew every
time. Who was named sees those who were told of them before they launched, and stops their servers;
the rest is for the owner and for administrators.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ...core.classes import TEACHERS_MAX, Named
from ...core.errors import Conflict, NotAllowed, NotFound
from ...core.names import CLASS_LETTERS
from ...core.sharees import Sharee
from ..hub import HubClient, Person
from ..members import own_since
from ..records.classes import ClassRecords, Opening
from ..records.classtables import ClassRow
from .eventlog import EventLog
from .news import News

_ID_LENGTH = 8

_NOT_OWN = "Only {owner} may do that, who began this class."


def no_teacher() -> NotAllowed:
    """Why somebody sees nothing of those who open a link."""
    return NotAllowed(
        "Only teachers see who opens a link: members of the groups that the administrator names for"
        " it."
    )


def _none() -> NotFound:
    return NotFound("There is no such class. It may belong to somebody else.")


@dataclass(frozen=True)
class Taught:
    """A class, as one of its teachers has it.

    Attributes:
        row: of it.
        named: whom its owner named as teachers.
        by: ids of the namings by which it is theirs; `None` for its owner and for administrators.
    """

    row: ClassRow
    named: tuple[Named, ...] = ()
    by: frozenset[str] | None = None

    def sees(self, opening: Opening) -> bool:
        """Whether whoever opened its link was told of this teacher."""
        return self.by is None or not self.by.isdisjoint(opening.told)


class Teachers:
    """Made once, with the service.

    Args:
        groups: those whose members are teachers.
        records: of classes.
        hub: says who is in which group.
        me: the service, which asks whether somebody else is a teacher.
        news: wakes the pages of a class, by its id.
        log: gets who was named, and by whom.
    """

    def __init__(
        self,
        groups: Iterable[str],
        *,
        records: ClassRecords,
        hub: HubClient,
        me: Person,
        news: News,
        log: EventLog,
    ) -> None:
        self._teachers, self._records, self._hub = frozenset(groups), records, hub
        self._me, self._news, self._log = me, news, log

    @property
    def groups(self) -> Sequence[str]:
        """Those whose members are teachers."""
        return sorted(self._teachers)

    async def teaches(self, person: Person) -> bool:
        """Whether somebody is a teacher at this moment."""
        return bool(await self._groups(person))

    async def mine(self, person: Person) -> Sequence[ClassRow]:
        """The classes of a teacher, newest first, and then those in which they were named.

        None of whoever is no teacher.
        """
        if not (groups := await self._groups(person)):
            return ()
        own = await self._records.of_owner(person.name)
        others = await self._records.of_others(person.name, groups)
        return [*(row for row in own if _owns(person, row)), *others]

    async def get(self, person: Person, id: str) -> Taught:
        """A class, for its teachers and for administrators.

        Raises:
            NotFound: there is none, or it is somebody else's, which is not told apart.
            NotAllowed: it is theirs, and they are no teacher any more.
        """
        row = await self._records.find(id)
        if row is None:
            raise _none()
        taught = Taught(row, await self._records.named(id))
        if person.admin:
            return taught
        groups = await self._groups(person)
        by = frozenset(one.id for one in taught.named if one.means(person.name, groups))
        owns = _owns(person, row)
        if not (owns or by):
            raise _none()
        if not groups:
            raise no_teacher()
        return taught if owns else replace(taught, by=by)

    async def own(self, person: Person, id: str) -> Taught:
        """A class, for its owner and for administrators; raises as :meth:`get`."""
        taught = await self.get(person, id)
        if taught.by is not None:
            raise NotAllowed(_NOT_OWN, owner=taught.row.owner)
        return taught

    # ---- naming others

    async def name(self, person: Person, id: str, who: Sharee) -> None:
        """Name somebody as a teacher of a class; harmless if they are already.

        Raises:
            NotFound, NotAllowed: as :meth:`get`; or they are no teachers.
            Conflict: it is theirs, has ended, or has too many.
        """
        taught = await self.own(person, id)
        if who == Sharee(taught.row.owner):
            raise Conflict("It is their class: they see it already.")
        if taught.row.ended is not None:
            raise Conflict("The class has ended: nobody is named for it any more.")
        await self._check_teachers(person, who)
        if any(one.who == who for one in taught.named):
            return
        if len(taught.named) >= TEACHERS_MAX:
            raise Conflict("A class has at most {most} other teachers.", most=TEACHERS_MAX)
        await self._records.name(id, Named(new_id(), who))
        await self._changed_teachers(person, taught, f"{id}: {who}", "name-teacher")

    async def unname(self, person: Person, id: str, named: str) -> None:
        """Take that back: they see and stop nothing any more. Safe to repeat.

        Args:
            named: id of the naming.

        Raises:
            NotFound, NotAllowed: as :meth:`get`.
        """
        taught = await self.own(person, id)
        gone = [str(one.who) for one in taught.named if one.id == named]
        await self._records.unname(id, named)
        for who in gone:
            await self._changed_teachers(person, taught, f"{id}: {who}", "remove-teacher")

    # ---- inside

    async def _groups(self, person: Person) -> frozenset[str]:
        """The groups of teachers that somebody is in at this moment."""
        if not self._teachers:
            return self._teachers
        return self._teachers.intersection(await self._hub.groups(person))

    async def _check_teachers(self, person: Person, who: Sharee) -> None:
        """Refuse to name who is no teacher, as far as the Hub says; who looks is checked again.

        Raises:
            NotFound: they are none, or nobody is called that.
        """
        if who.group:
            known = who.name in self._teachers
        else:
            await self._hub.check_known(person, who.what, who.name)
            try:
                known = await self.teaches(replace(self._me, name=who.name))
            except NotAllowed:  # no role of ours, which the log says
                known = True
        if not known:
            raise NotFound(
                "{who} cannot be named: only teachers can, and groups of teachers.", who=who.words
            )

    async def _changed_teachers(
        self, person: Person, taught: Taught, subject: str, action: str
    ) -> None:
        await self._log.acted(person.name, action, subject, role=role_of(person, taught))
        self._news.tell(taught.row.id)


def new_id() -> str:
    return "".join(secrets.choice(CLASS_LETTERS) for _ in range(_ID_LENGTH))


def role_of(person: Person, taught: Taught) -> str:
    """As what somebody acts in a class."""
    is_teacher = taught.by is not None or taught.row.owner == person.name
    return "teacher" if is_teacher else "administrator"


def _owns(person: Person, row: ClassRow) -> bool:
    """Whether a class is somebody's: who had their name before them was somebody else."""
    return row.owner == person.name and row.created >= own_since(person.since)
