"""What a teacher sees of a class, and does.

Who that is, is in :mod:`.teachers`; administrators see every class. Servers are stopped in the name
of the people they are of, who agreed to that, or of an administrator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ...core.classes import TITLE_MAX, why_stopped
from ...core.errors import BinderError, Conflict, NotAllowed, NotFound
from ...core.launch import LaunchRequest
from ...core.links import write_link
from ...core.plain import plain
from ...core.providers import Providers
from ..accounting.bookkeeper import Bookkeeper
from ..hub import HubClient, Person
from ..records.classes import ClassRecords, Opening, Stop
from ..records.classtables import ClassRow
from ..records.records import now
from .attendance import Attendant, Place, Seen, attendant, has_begun, has_server
from .classes import Classes
from .eventlog import EventLog
from .launches import Launches
from .launchstate import State
from .news import News
from .teachers import Taught, Teachers, new_id, no_teacher, role_of

_AT_ONCE = 10
"""Servers that are stopped at the same time."""

_NO_RIGHT = (
    "The servers of these were not stopped: {people}. The Hub does not let you: that takes a role"
    " with the scope “delete:servers” for them."
)


class Teaching:
    """Made once, with the service.

    Args:
        teachers: who teaches what.
        days: for which it is kept who opened a class's link, after its end; and after which a class
            ends whose link nobody launches.
        records, classes, launches, hub, bookkeeper, news: those who know.
        providers: what links may name.
        log: gets what is done to others.
    """

    def __init__(
        self,
        teachers: Teachers,
        days: int,
        *,
        records: ClassRecords,
        classes: Classes,
        launches: Launches,
        hub: HubClient,
        bookkeeper: Bookkeeper,
        news: News,
        providers: Providers,
        log: EventLog,
    ) -> None:
        self._teachers, self._days = teachers, days
        self._records, self._classes, self._launches = records, classes, launches
        self._hub, self._bookkeeper, self._news = hub, bookkeeper, news
        self._providers, self._log = providers, log

    async def forget(self) -> None:
        """End classes that nobody goes to, remove who opened those that ended long ago.

        Safe to repeat.
        """
        for row in await self._records.idle(self._days):
            await self._end(row)
        await self._records.forget(self._days)

    async def find(self, id: str) -> ClassRow:
        """A class, for whoever has its link.

        Raises:
            NotFound: there is none.
        """
        row = await self._records.find(id)
        if row is None:
            raise NotFound("There is no such class. Look for a mistyped letter in the link.")
        return row

    # ---- changing

    async def begin(self, person: Person, request: LaunchRequest, title: str) -> ClassRow:
        """Give a class a link.

        Raises:
            NotAllowed: only teachers do.
            BadLink: the title cannot be one.
        """
        if not await self._teachers.teaches(person):
            raise no_teacher()
        # a teacher's own secrets are no business of a class
        own = replace(request, class_id="", secrets=())
        link = write_link(own, providers=self._providers)
        row = ClassRow(
            id=new_id(),
            owner=person.name,
            title=_read_title(title) or _title_of(request),
            link=link,
            created=now(),
        )
        await self._records.add(row)
        return row

    async def rename(self, person: Person, id: str, title: str) -> None:
        """Call a class something else.

        Raises:
            NotFound, NotAllowed: as :meth:`.Teachers.own`.
            BadLink: the title cannot be one.
        """
        row = (await self._teachers.own(person, id)).row
        await self._records.change(row.id, title=_read_title(title) or row.title)
        self._classes.told(row.id)

    async def end(self, person: Person, id: str) -> None:
        """Let a class's list grow no more, and let go of what stops its servers.

        What runs goes on, and the link goes on to launch.

        Raises:
            NotFound, NotAllowed: as :meth:`.Teachers.get`.
        """
        row = (await self._teachers.own(person, id)).row
        if row.ended is None:
            await self._end(row)
        self._classes.told(row.id)

    async def stop(self, person: Person, id: str) -> int:
        """Stop every server of a class that a teacher sees, and every launch that is under way.

        Returns:
            How many there were.

        Raises:
            NotFound, NotAllowed: as :meth:`.Teachers.get`.
            NotAllowed: also where the Hub does not let an administrator stop some of them; the
                others were stopped.
            Conflict: some could not be stopped; the others were.
        """
        taught = await self._teachers.get(person, id)
        row = taught.row
        await self._bookkeeper.look()
        openings = filter(taught.sees, await self._records.openings(row.id))
        going = [opening for opening in openings if self._goes_on(opening)]
        turns = asyncio.Semaphore(_AT_ONCE)

        async def stop(opening: Opening) -> bool:
            async with turns:
                return await self._stop(person, row, opening)

        done = await asyncio.gather(*map(stop, going))
        stopped = [one.row.user for one, was in zip(going, done, strict=True) if was]
        left = [one.row.user for one, was in zip(going, done, strict=True) if not was]
        await self._records.stopped(row.id, stopped, person.name)
        subject = f"{row.id}: {', '.join(stopped) or 'nobody'}"
        await self._log.acted(person.name, "stop-class", subject, role=role_of(person, taught))
        for user in stopped:
            self._news.tell(user)
        self._classes.told(row.id)
        self._bookkeeper.soon()
        if left and person.admin:
            raise NotAllowed(_NO_RIGHT, people=", ".join(sorted(left)))
        if left:
            raise Conflict(
                "The servers of these were not stopped: {people}. What lets you stop them was taken"
                " back by them, ended with the class, or is more than a week old. An administrator"
                " can stop them.",
                people=", ".join(sorted(left)),
            )
        return len(stopped)

    # ---- looking

    async def attendance(self, taught: Taught) -> tuple[list[Attendant], int]:
        """Where everybody is who opened a class's link and was told of this teacher.

        Returns:
            Them, and how many others there are.
        """
        openings = await self._records.openings(taught.row.id)
        seen = [*filter(taught.sees, openings)]
        return self._attend(seen), len(openings) - len(seen)

    async def stops(self, person: Person) -> Mapping[str, Stop]:
        """Which launches of a person were ended with all of a class."""
        return await self._records.stops(person.name)

    # ---- inside

    async def _end(self, row: ClassRow) -> None:
        await self._records.change(row.id, ended=now())
        openings = await self._records.openings(row.id)
        known = (self._launches.who(opening.row.launch) for opening in openings)
        await self._classes.ended(row.id, filter(None, known))

    def _attend(self, openings: Iterable[Opening]) -> list[Attendant]:
        books = self._bookkeeper
        seen = Seen(None if books.blind else books.servers, books.looked)
        return [attendant(one, self._state(one), seen) for one in openings]

    def _state(self, opening: Opening) -> State | None:
        running = self._launches.under_way(opening.row.launch)
        return running.state if running else None

    def _goes_on(self, opening: Opening) -> bool:
        """Whether there is something of the class to be stopped."""
        if self._launches.under_way(opening.row.launch):
            return True
        [one] = self._attend([opening])
        server = (opening.row.user, opening.row.server)
        known = self._bookkeeper.blind or server in self._bookkeeper.servers
        return one.place is Place.RUNNING or (has_server(opening) and known)

    async def _stop(self, person: Person, row: ClassRow, opening: Opening) -> bool:
        """Stop what one person has of a class; whether that was possible."""
        owner, began = self._classes.who_stops(opening.row), has_server(opening)
        if running := self._launches.under_way(opening.row.launch):
            began, owner = began or has_begun(running.state), running.order.person
            await self._launches.end(running, why_stopped(row.title, person.name))
        if not began:
            return True
        user, server = opening.row.user, opening.row.server
        try:
            if person.admin:
                await self._hub.stop(person, server, of=user)
            elif owner:
                await self._hub.stop(owner, server)
        except BinderError:
            return False
        return person.admin or owner is not None


def _read_title(title: str) -> str:
    title = " ".join(title.split())
    return plain(title, "title of a class", TITLE_MAX) if title else ""


def _title_of(request: LaunchRequest) -> str:
    return (request.repo.title if request.repo else request.image)[:TITLE_MAX]
