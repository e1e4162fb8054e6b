"""Who may enter whose server: the Hub's own shares, given and taken with the person's own token.

The Hub alone knows who may enter now (one truth per fact); a link only asks for it. A share lets
in and nothing else: whoever may start somebody's server could choose what runs with its owner's
files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import ClientResponse

from ...core.errors import BinderError, Conflict, NotAllowed, NotFound
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...core.sharees import Sharee
from ..hub import HubClient, Person
from ..hubrefusals import check, message_of, unknown

_MAY_NOT = (
    "The Hub does not let this service share servers for you. Sign out and in again, or use a "
    "token with the scope “shares”; if that does not help, tell the administrator."
)
_NOBODY = "No such "
"""In what the Hub says of a person or group that it does not have."""


@dataclass(frozen=True)
class SharedServer:
    """A server of somebody else that one may enter.

    Attributes:
        owner: whose it is, and as whom one acts in it.
        name: empty for their default one.
        url: as of :class:`~.hub.Server`.
        ready: whether it runs.
        direct: whether it is shared with them by name, so that they can leave it.
    """

    owner: str
    name: str
    url: str
    ready: bool
    direct: bool


class Shares:
    """Gives, takes and lists shares."""

    def __init__(self, hub: HubClient) -> None:
        self._hub = hub

    async def given(self, person: Person) -> Mapping[str, Sequence[Sharee]] | None:
        """Who else may enter each of a person's servers, by its name.

        `None` if their token may not ask.
        """
        sharees_of: dict[str, list[Sharee]] = {}
        try:
            async for share in self._hub.items(person, f"shares/{quoted(person.name)}"):
                sharees_of.setdefault(share["server"]["name"], []).append(_sharee(share))
        except NotAllowed:
            return None
        return {name: sorted(sharees) for name, sharees in sharees_of.items()}

    async def of(self, person: Person, server: str) -> Sequence[Sharee]:
        """Who else may enter one server; nobody if their token may not ask."""
        return (await self.given(person) or {}).get(server, ())

    async def received(self, person: Person) -> list[SharedServer]:
        """Servers of others that a person may enter, by themselves or by a group."""
        servers: dict[tuple[str, str], SharedServer] = {}
        try:
            async for share in self._hub.items(person, f"users/{quoted(person.name)}/shared"):
                shared = _shared(share)
                key = (shared.owner, shared.name)
                if shared.owner != person.name and (shared.direct or key not in servers):
                    servers[key] = shared
        except NotAllowed:
            return []
        return [servers[key] for key in sorted(servers)]

    async def give(self, person: Person, server: str, sharee: Sharee) -> None:
        """Let somebody into a server; harmless if they may enter already.

        Raises:
            Conflict: it is their own.
            NotFound: there is no such server, person or group.
            NotAllowed: their token may not.
        """
        if sharee == Sharee(person.name):
            raise Conflict("It is yours: you can always enter it.")
        await self._change("POST", person, server, sharee, scopes=scopes_of(person, server))

    async def take(self, person: Person, server: str, sharee: Sharee) -> None:
        """Take it back; harmless if they may not enter.

        Raises:
            NotFound: there is no such server.
            NotAllowed: their token may not.
        """
        await self._change("PATCH", person, server, sharee)

    async def leave(self, person: Person, owner: str, server: str) -> None:
        """Give up one's own access to somebody else's server.

        Raises:
            Conflict: it is not by name that they may enter.
        """
        path = f"users/{quoted(person.name)}/shared/{quoted(owner)}/{quoted(server)}"
        async with self._hub.call("DELETE", person, path) as response:
            if response.status == 404:
                raise Conflict(
                    "It is not shared with you by name: you may enter it by a group you are in, or "
                    "not any more."
                )
            await check_share(response)

    async def give_all(self, person: Person, server: str, asked: Iterable[str], tell: Tell) -> None:
        """Let in whom a launch names. What is refused is told and fails nothing."""
        for sharee in map(Sharee.of, asked):
            try:
                await self.give(person, server, sharee)
            except BinderError as error:
                _tell_refused(tell, sharee, error.message)
            else:
                message = Sentence("May enter it too: {sharee}.", sharee=sharee.words)
                tell(Event(Phase.LAUNCHING, message))

    # ---- parts

    async def _change(
        self, method: str, person: Person, server: str, sharee: Sharee, **options: Any
    ) -> None:
        path = f"shares/{quoted(person.name)}/{quoted(server)}"
        body = {**sharee.to_fields(), **options}
        async with self._hub.call(method, person, path, json=body) as response:
            if response.status == 404:
                raise NotFound("You have no server of that name.")
            if response.status == 400 and _NOBODY in await message_of(response):
                raise unknown(sharee.what, sharee.name)
            await check_share(response)


def _sharee(share: Mapping[str, Any]) -> Sharee:
    group = share["kind"] == "group"
    return Sharee(share["group" if group else "user"]["name"], group)


def _shared(share: Mapping[str, Any]) -> SharedServer:
    server = share["server"]
    return SharedServer(
        owner=server["user"]["name"],
        name=server["name"],
        url=server["url"],
        ready=bool(server["ready"]),
        direct=share["kind"] == "user",
    )


def _tell_refused(tell: Tell, sharee: Sharee, why: Sentence) -> None:
    message = Sentence("Not let in: {sharee}. {why}", sharee=sharee.words, why=why)
    tell(Event(Phase.LAUNCHING, message, {"attention": message}))


def quoted(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")


def scopes_of(person: Person, server: str) -> list[str]:
    """What a share gives, said in full: so no other default of the Hub's can ever give more."""
    return [f"access:servers!server={person.name}/{server}"]


async def check_share(response: ClientResponse) -> None:
    """Turn the Hub's refusals into words, as of what a token may not share."""
    try:
        await check(response)
    except NotAllowed as error:
        raise NotAllowed(_MAY_NOT, detail=error.detail) from error
