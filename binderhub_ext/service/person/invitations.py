"""Invitations into a server: the Hub's own codes, each for whoever has its link until it ends.

For those who can sign in and whom the Hub does not know yet. The Hub keeps a hash of a code, so
a link is told once; it has no number of uses, but counts them. Whoever accepts one has a share like
any other, and what may be shared may be invited to: the Hub asks the same scope for both.
"""

from __future__ import annotations

from asyncio import Lock
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

from ...core.errors import BadLink, NotAllowed, NotFound, TooMany
from ..hub import HubClient, Person
from ..records.records import now
from .shares import check_share, quoted, scopes_of

TIMES = {"hour": 3600, "day": 24 * 3600, "week": 7 * 24 * 3600}
"""Seconds an invitation may hold, by their names."""

_MOST = 10


@dataclass(frozen=True)
class Invitation:
    """An invitation that holds.

    Attributes:
        id: of the Hub's.
        server: into which.
        until: when it ends.
        accepted: how often somebody did.
    """

    id: str
    server: str
    until: datetime
    accepted: int


class Invitations:
    """Makes, lists and withdraws them."""

    def __init__(self, hub: HubClient) -> None:
        self._hub = hub
        self._making: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    async def given(self, person: Person) -> Mapping[str, Sequence[Invitation]]:
        """A person's invitations that hold, by the name of the server; none if they may not ask."""
        invitations: dict[str, list[Invitation]] = {}
        try:
            async for model in self._hub.items(person, f"share-codes/{quoted(person.name)}"):
                invitation = _read(model)
                if invitation.until > now():
                    invitations.setdefault(invitation.server, []).append(invitation)
        except NotAllowed:
            return {}
        return {
            name: sorted(each, key=lambda invitation: invitation.until)
            for name, each in invitations.items()
        }

    async def of(self, person: Person, server: str) -> Sequence[Invitation]:
        """Those into one server."""
        return (await self.given(person)).get(server, ())

    async def make(self, person: Person, server: str, time: str) -> tuple[Invitation, str]:
        """Invite whoever has its link.

        Args:
            time: how long it holds, by its name in :data:`TIMES`.

        Returns:
            The invitation, and its link's path on the Hub; nobody is told that again.

        Raises:
            BadLink: it is no such time.
            TooMany: there are many already.
            NotFound: there is no such server.
            NotAllowed: their token may not.
        """
        if time not in TIMES:
            raise BadLink("An invitation holds for one of: {times}.", times=", ".join(TIMES))
        # nobody gets past the limit by asking many times at once
        async with self._making.setdefault(person.name, Lock()):
            if len(await self.of(person, server)) >= _MOST:
                raise TooMany(
                    "There are {count} invitations into this server already. Withdraw one first.",
                    count=_MOST,
                )
            return await self._make(person, server, TIMES[time])

    async def _make(self, person: Person, server: str, seconds: int) -> tuple[Invitation, str]:
        body = {"scopes": scopes_of(person, server), "expires_in": seconds}
        async with self._hub.call("POST", person, _path(person, server), json=body) as response:
            if response.status == 404:
                raise NotFound("You have no server of that name.")
            await check_share(response)
            model = await response.json(content_type=None)
        return _read(model), str(model["accept_url"])

    async def withdraw(self, person: Person, server: str, id: str) -> None:
        """End an invitation; who accepted it may enter as before.

        Raises:
            NotFound: there is none of that id, or it has ended.
            NotAllowed: their token may not.
        """
        if not id:
            # the Hub would take that for all of them
            raise NotFound("There is no such invitation. It may have ended.")
        path = _path(person, server)
        async with self._hub.call("DELETE", person, path, params={"id": id}) as response:
            if response.status == 404:
                raise NotFound("There is no such invitation. It may have ended.")
            await check_share(response)


def _read(model: Mapping[str, Any]) -> Invitation:
    return Invitation(
        id=model["id"],
        server=model["server"]["name"],
        until=datetime.fromisoformat(model["expires_at"]).astimezone(UTC),
        accepted=int(model["exchange_count"] or 0),
    )


def _path(person: Person, server: str) -> str:
    return f"share-codes/{quoted(person.name)}/{quoted(server)}"
