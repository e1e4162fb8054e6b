"""Links of classes: which launches are of one, and who hears of them.

A person who opens the link of a class has said yes to a page that says what its teachers see and
may do, and names them: whom the owner of the class names later neither sees nor stops what was
launched before. So that teachers can stop that one server and do nothing else, the person's own
token makes one that can, and the Hub keeps it to that. It is given back when the class ends, or
when the person launches something else in that server. The Hub revokes tokens for the person alone:
by their sign-in while that is at hand, and else when they come next; until then nobody has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any

from tornado.log import app_log

from ...core.classes import ANOTHER, CHANGED, ENDED, UNKNOWN, Named, is_about, is_as_given
from ...core.errors import BinderError
from ...core.launch import LaunchRequest
from ...core.providers import Providers
from ...core.sentences import NOTHING, Sentence
from ..hub import HubClient, Person
from ..person.sealed import Seal
from ..records.classes import ClassRecords, Lent
from ..records.classtables import ClassRow, OpeningRow
from ..requests import read_own_link
from .news import News
from .orders import LaunchOrder

_WEEK = 7 * 24 * 3600
"""Seconds for which a server can be stopped by a teacher after it was launched."""


@dataclass(frozen=True)
class Counted:
    """A request, and the class that it is of.

    Attributes:
        request: without a class that it is not of.
        row: the class it is of.
        why: why it is not of the one that it names, or how it differs from that one's link; empty
            if it names none, or is its link.
        teachers: of that class, besides its owner.
    """

    request: LaunchRequest
    row: ClassRow | None = None
    why: Sentence = NOTHING
    teachers: tuple[Named, ...] = ()


class Classes:
    """Who opens links of classes.

    Args:
        records: of classes.
        hub: makes tokens.
        seal: encrypts them.
        providers: what links may name.

    Attributes:
        news: wakes the pages of a class, by its id.
    """

    def __init__(
        self, records: ClassRecords, hub: HubClient, seal: Seal, providers: Providers
    ) -> None:
        self._records, self._hub, self._seal, self._providers = records, hub, seal, providers
        self.news = News()
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Let go of everybody."""
        self.news.close()
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def counted(self, request: LaunchRequest) -> Counted:
        """Which class a request is of: one that goes on, and whose link is for the same."""
        if not request.class_id:
            return Counted(request)
        row, plain = await self._records.find(request.class_id), replace(request, class_id="")
        if row is None:
            return Counted(plain, why=UNKNOWN)
        if row.ended is not None:
            return Counted(plain, why=ENDED)
        link = read_own_link(row.link, self._providers)
        if not is_about(request, link):
            return Counted(plain, why=ANOTHER)
        why = NOTHING if is_as_given(request, link) else CHANGED
        return Counted(request, row, why, await self._records.named(row.id))

    async def told_of(self, id: str, told: Collection[str]) -> tuple[Named, ...]:
        """Those who are named as teachers of a class, as far as a page has named them.

        Args:
            told: their ids.
        """
        if not (id and told):
            return ()
        return tuple(named for named in await self._records.named(id) if named.id in told)

    async def opened(self, order: LaunchOrder, server: str, launch: str) -> None:
        """Write that somebody launches a class's link; nothing for no class."""
        id, person = order.request.class_id, order.person
        if id:
            before = await self._records.opened(id, person.name, server, launch, order.told)
            if before:
                self._begin(self._give_back(person, [before]))
            self.news.tell(id)

    def started(self, id: str, person: Person, server: str, launch: str) -> None:
        """Keep what stops a server that a class's link started, and give back what did before.

        Args:
            id: of the class; empty for none.
        """
        self._begin(self._keep(id, person, server, launch))

    async def ended(self, id: str, students: Iterable[Person]) -> None:
        """Let go of what stops the servers of a class.

        Args:
            students: those of it whose sign-in is at hand.
        """
        for lent in await self._records.lent(id):
            content = self._open(lent) or {}
            await self._records.exchange(lent, self._seal_up(lent, {"id": content.get("id", "")}))
        for student in students:
            self.came(student)

    def came(self, person: Person) -> None:
        """Give back what somebody lent to classes that have ended."""
        self._begin(self._give_back(person))

    def told(self, id: str) -> None:
        """Wake the pages of a class; nothing for no class."""
        if id:
            self.news.tell(id)

    def who_stops(self, row: OpeningRow) -> Person | None:
        """In whose name the server of an opening can be stopped; nobody's if that is not known."""
        content = self._open(Lent(row.class_id, row.user, row.server, row.sealed))
        token = content.get("token") if content else None
        return Person(row.user, token) if token else None

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep(self, id: str, person: Person, server: str, launch: str) -> None:
        try:
            before = await self._records.lent_by(person.name, server)
            if id and not await self._lend(id, person, server, launch):
                return
            await self._give_back(person, before)
        except BinderError as error:
            app_log.warning("The class %s cannot stop %s/%s: %s", id, person.name, server, error)

    async def _lend(self, id: str, person: Person, server: str, launch: str) -> bool:
        """Make what stops a server and keep it; whether the Hub lets them."""
        made = await self._hub.token_for_server(
            person, server, seconds=_WEEK, scope="delete:servers"
        )
        if made is None:
            return False
        lent = Lent(id, person.name, server, "")
        sealed = self._seal_up(lent, {"token": made.token, "id": made.id})
        if not await self._records.keep(replace(lent, sealed=sealed), launch):
            await self._hub.revoke(person, made.id)
        return True

    async def _give_back(self, person: Person, lent: Iterable[Lent] | None = None) -> None:
        """Revoke what somebody lent: to classes that have ended, if nothing else is named."""
        try:
            for one in await self._records.lent_by(person.name) if lent is None else lent:
                id = (self._open(one) or {}).get("id")
                # what has no id was made before ids were kept, and is good for a week at most
                if not id or await self._hub.revoke(person, id):
                    await self._records.exchange(one, "")
        except BinderError as error:
            app_log.warning("What %s lent is not given back: %s", person.name, error)

    def _open(self, lent: Lent) -> dict[str, str] | None:
        return self._seal.open(lent.sealed, _owner(lent)) if lent.sealed else None

    def _seal_up(self, lent: Lent, content: dict[str, str]) -> str:
        return self._seal.close(_owner(lent), content)


def _owner(lent: Lent) -> dict[str, str]:
    return {"class": lent.class_id, "student": lent.user, "server": lent.server}
