"""Who gets the name of somebody who was removed from the Hub, and nothing of their trust."""

from __future__ import annotations

from dataclasses import replace

from ...core.errors import NotAllowed
from ..hub import HubClient, Person
from ..members import own_since
from ..records.records import Records


class Heirs:
    """Forgets what was entrusted to the service under a name before its present owner had it.

    Args:
        records: where it is kept.
        hub: asked of those whose token does not tell since when they are known.
        me: the service.
    """

    def __init__(self, records: Records, hub: HubClient, me: Person) -> None:
        self._records, self._hub, self._me = records, hub, me
        self._known: dict[str, float] = {}
        self._tokens: dict[str, str] = {}

    async def came(self, person: Person) -> None:
        """See to it that a person has nothing but their own; one look for each.

        Raises:
            HubUnavailable, DatabaseUnavailable: that cannot be done now.
        """
        since = person.since
        if not since:
            # a token ends with its person, a name does not
            if self._tokens.get(person.name) == person.token:
                return
            since = await self._asked(person.name)
            self._tokens[person.name] = person.token
        if self._known.get(person.name) != since:
            await self._records.forget_entrusted(person.name, own_since(since))
            self._known[person.name] = since

    async def _asked(self, name: str) -> float:
        try:
            return (await self._hub.member(replace(self._me, name=name))).since
        except NotAllowed:  # no role of ours, which the log says
            return 0.0
