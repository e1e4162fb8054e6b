"""What people may give to their servers: secrets that they stored, and tokens of their sign-in.

Stored ones are encrypted in the records and opened when the Hub asks for them at a start. Tokens
of a sign-in the Hub has itself; here only their names are known.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ...core.errors import Conflict, NotFound, Unsupported
from ...core.secretnames import (
    NO_SECRETS,
    SIGN_IN,
    Secret,
    check_secret_name,
    check_secret_value,
    name_of,
)
from ..members import own_since
from ..records.records import now
from ..records.secrets import SecretRecords
from ..records.tables import SecretRow
from .sealed import Seal


@dataclass(frozen=True)
class StoredSecret:
    """A secret as its owner may see it again: without what it is.

    Attributes:
        id: empty for a token of the person's sign-in.
        since: likewise none.
    """

    name: str
    file: bool
    id: str = ""
    since: datetime | None = None

    @property
    def key(self) -> str:
        """What a tick names it by."""
        return self.name if self.id else SIGN_IN + self.name


class Secrets:
    """Everybody's secrets.

    Args:
        records: where they are kept.
        seal: encrypts them.
        limit: how many one person may store.
        offered: tokens of people's sign-in, by the name servers get them under.
        usable: whether this hub's servers can be given any.
    """

    def __init__(
        self,
        records: SecretRecords,
        seal: Seal,
        limit: int,
        offered: Collection[StoredSecret],
        *,
        usable: bool,
    ) -> None:
        self._records, self._seal, self._limit, self._offered = records, seal, limit, offered
        self.usable = usable

    async def store(self, person: str, name: str, value: str, *, file: bool) -> None:
        """Keep one, in place of that of the same name.

        Raises:
            BadLink: not a name, or not a value.
            Conflict: the person has as many as they may.
        """
        name, value = check_secret_name(name.strip()), check_secret_value(value)
        row = SecretRow(
            id=secrets.token_hex(8),
            user=person,
            name=name,
            file=file,
            sealed=self._seal.close(_owner(person, name), {"value": value}),
            since=now(),
        )
        if not await self._records.keep(row, self._limit):
            raise Conflict(
                "You have {count} secrets already, which is as many as one person may store here."
                " Remove one first.",
                count=self._limit,
            )

    async def remove(self, person: str, id: str) -> bool:
        """Forget one; False if this person had none of that id."""
        return await self._records.remove(person, id)

    async def mine(self, person: str) -> list[StoredSecret]:
        """What a person can give to a server: what they stored, then what their sign-in has."""
        if not self.usable:
            return []
        stored = await self._stored(person)
        names = {one.name for one in stored}
        return [*stored, *(one for one in self._offered if one.name not in names)]

    async def check(self, person: str, keys: Sequence[str]) -> None:
        """Refuse keys of what a person does not have.

        Raises:
            NotFound
            Unsupported: nobody's servers can be given any here.
        """
        if keys and not self.usable:
            raise Unsupported(NO_SECRETS)
        known = {one.key for one in (*await self._stored(person), *self._offered)} if keys else ()
        for key in keys:
            if key not in known:
                raise NotFound(
                    "You have no secret called {name}. Store it in your settings, or launch"
                    " without it.",
                    name=name_of(key),
                )

    async def opened(self, person: str, keys: Iterable[str], since: float) -> list[Secret]:
        """Those of these keys that the person has stored, for the start of a server.

        Args:
            since: when they became known, as :class:`~..members.Member` has it.
        """
        wanted, opened = set(keys), []
        for row in await self._records.of_user(person) if wanted else ():
            if row.name in wanted and row.since >= own_since(since):
                content = self._seal.open(row.sealed, _owner(row.user, row.name))
                if content:
                    opened.append(Secret(row.name, content["value"], row.file))
        return opened

    async def _stored(self, person: str) -> list[StoredSecret]:
        rows = await self._records.of_user(person)
        return [StoredSecret(row.name, row.file, row.id, row.since) for row in rows]


def _owner(person: str, name: str) -> dict[str, str]:
    return {"person": person, "secret": name}
