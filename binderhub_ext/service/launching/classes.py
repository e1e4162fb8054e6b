"""Links of classes: which launches are of one, and who hears of them.

A person who opens the link of a class has said yes to a page that says what its teacher sees and
may do. So that the teacher can stop that one server and do nothing else, the person's own token
makes one that can, and the Hub keeps it to that.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from tornado.log import app_log

from ...core.classes import ANOTHER, CHANGED, ENDED, UNKNOWN, is_about, is_as_given
from ...core.errors import BinderError
from ...core.launch import LaunchRequest
from ...core.providers import Providers
from ...core.sentences import NOTHING, Sentence
from ..hub import HubClient, Person
from ..person.sealed import Seal
from ..records.classes import ClassRecords
from ..records.tables import ClassRow, OpeningRow
from ..requests import read_own_link
from .news import News

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
    """

    request: LaunchRequest
    row: ClassRow | None = None
    why: Sentence = NOTHING


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
        return Counted(request, row, NOTHING if is_as_given(request, link) else CHANGED)

    async def opened(self, id: str, user: str, server: str, launch: str) -> None:
        """Write that somebody launches a class's link; nothing for no class."""
        if id:
            await self._records.opened(id, user, server, launch)
            self.news.tell(id)

    def started(self, id: str, person: Person, server: str, launch: str) -> None:
        """Keep what stops a server that a class's link started; nothing for no class."""
        if id:
            task = asyncio.create_task(self._keep(id, person, server, launch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def told(self, id: str) -> None:
        """Wake the pages of a class; nothing for no class."""
        if id:
            self.news.tell(id)

    def who_stops(self, row: OpeningRow) -> Person | None:
        """In whose name the server of an opening can be stopped; nobody's if that is not known."""
        owner = _owner(row.class_id, row.user, row.server)
        content = self._seal.open(row.sealed, owner) if row.sealed else None
        return Person(row.user, content["token"]) if content else None

    async def _keep(self, id: str, person: Person, server: str, launch: str) -> None:
        try:
            token = await self._hub.token_for_server(
                person, server, seconds=_WEEK, scope="delete:servers"
            )
            if token:
                sealed = self._seal.close(_owner(id, person.name, server), {"token": token})
                await self._records.keep(id, person.name, launch, sealed)
        except BinderError as error:
            app_log.warning("The class %s cannot stop %s/%s: %s", id, person.name, server, error)


def _owner(id: str, user: str, server: str) -> dict[str, str]:
    return {"class": id, "student": user, "server": server}
