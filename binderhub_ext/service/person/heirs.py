"""Who gets the name of somebody who was removed from the Hub, and nothing of their trust."""

from __future__ import annotations

from ..hub import Person
from ..members import own_since
from ..records.records import Records


class Heirs:
    """Forgets what was entrusted to the service under a name before its present owner had it.

    Args:
        records: where it is kept.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._known: dict[str, float] = {}

    async def came(self, person: Person) -> None:
        """See to it that a person has nothing but their own; one look for each."""
        if person.since and self._known.get(person.name) != person.since:
            await self._records.forget_entrusted(person.name, own_since(person.since))
            self._known[person.name] = person.since
