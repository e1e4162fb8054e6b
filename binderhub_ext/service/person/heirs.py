"""Who gets the name of somebody who was removed from the Hub, and nothing of their trust."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from tornado.log import app_log

from ...core.errors import NotAllowed
from ...core.volumes import Volume
from ...storage.homes import check_owner, write_owners
from ...storage.volumes import VolumeStore
from ..hub import HubClient, Person
from ..members import own_since
from ..records.records import Records

_FORGOTTEN = (
    "The Hub knows %s since %s, and somebody of that name was here before (%d launches). Of theirs,"
    " %d secrets, tokens, answers and openings of classes are forgotten, and access to %s; their"
    " classes and entries of the catalogue are nobody's. The home of that name is as it was, and so"
    " are volumes that it owns (%s): put away what is not this person's, as docs/how-to/"
    "let-people-in.md says. If this is the same person, the Hub's database is another one now:"
    " restore it together with everything else."
)


class Heirs:
    """Forgets what was entrusted under a name before its present owner had it: to the service, and
    by other people, who let its owner into volumes of theirs. Refuses whose home is another's.

    Args:
        records: where it is kept.
        volumes: all there are, in the data directory in which homes are, too.
        hub: asked of those whose token does not tell since when they are known.
        me: the service.
    """

    def __init__(self, records: Records, volumes: VolumeStore, hub: HubClient, me: Person) -> None:
        self._records, self._volumes, self._hub, self._me = records, volumes, hub, me
        self._known: dict[str, float] = {}
        self._tokens: dict[str, str] = {}

    async def came(self, person: Person) -> float:
        """See to it that a person has nothing but their own; one look for each.

        Returns:
            Since when they are known, also if their token does not tell; as of :class:`Member`.

        Raises:
            Conflict: what is kept under their name is somebody else's.
            HubUnavailable, DatabaseUnavailable: that cannot be done now.
        """
        since = person.since
        if not since:
            # a token ends with its person, a name does not
            if self._tokens.get(person.name) == person.token:
                return self._known.get(person.name, since)
            since = await self._asked(person.name)
        if self._known.get(person.name) != since:
            owned = await asyncio.to_thread(check_owner, self._volumes.layout, person.name)
            await self._forget(person.name, own_since(since))
            if not owned:
                return since
            self._known[person.name] = since
        if not person.since:
            self._tokens[person.name] = person.token
        return since

    async def write_owners(self) -> None:
        """Write down whose homes of earlier versions are: theirs who launched something first."""
        await asyncio.to_thread(write_owners, self._volumes.layout, await self._records.people())

    async def _forget(self, name: str, before: datetime) -> None:
        until = before.timestamp()
        entrusted = await self._records.forget_entrusted(name, before)
        launched = await self._records.launched_before(name, before)
        left = await asyncio.to_thread(self._volumes.forget_member, name, until)
        own = await asyncio.to_thread(self._volumes.owned_before, name, until)
        if entrusted or launched or left or own:
            volumes = (_names(left) or "no volume", _names(own) or "none")
            app_log.warning(_FORGOTTEN, name, before.isoformat(), launched, entrusted, *volumes)

    async def _asked(self, name: str) -> float:
        try:
            return (await self._hub.member(replace(self._me, name=name))).since
        except NotAllowed:  # no role of ours, which the log says
            return 0.0


def _names(volumes: Iterable[Volume]) -> str:
    return ", ".join(volume.name for volume in volumes)
