"""Starts of servers: a few at a time, watched until they are ready."""

from __future__ import annotations

from asyncio import Lock, timeout
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from ..core.errors import LaunchFailed
from ..core.progress import Event, Phase
from ..core.updates import Update
from .flow import closing
from .hub import HubClient, Person
from .turns import Turns


class Starts:
    """Asks the Hub for servers.

    Args:
        hub: the Hub.
        turns: as many places as servers may start at the same time.
        patience: seconds from the Hub's first word to a server that is ready.
    """

    def __init__(self, hub: HubClient, turns: Turns, patience: float) -> None:
        self._hub, self._turns, self._patience = hub, turns, patience
        self._own: WeakValueDictionary[str, Lock] = WeakValueDictionary()

    async def start(
        self, person: Person, name: str, ticket: Callable[[], str]
    ) -> AsyncIterator[Event]:
        """Start a server in its turn, and watch it until it is ready.

        A person's own starts follow each other: nobody takes the places of a class.

        Args:
            name: the server's.
            ticket: makes its ticket, once it is its turn.

        Raises:
            TooMany, Conflict, NotAllowed, LaunchFailed: as the Hub says.
        """
        async with self._own.setdefault(person.name, Lock()):
            async with closing(self._turns.take()) as positions:
                async for ahead in positions:
                    servers = "server starts" if ahead == 1 else "servers start"
                    words = f"{ahead} {servers} before yours."
                    yield Event(Phase.LAUNCHING, words, {"ahead": ahead, "progress": 0})
            try:
                yield Event(Phase.LAUNCHING, "Starting your server.")
                await self._hub.start(person, name, ticket())
                async for event in self.watch(person, name):
                    yield event
            finally:
                self._turns.leave()

    async def watch(self, person: Person, name: str) -> AsyncIterator[Event]:
        """What the Hub tells about a server until it is ready.

        Raises:
            LaunchFailed: it does not get ready.
        """
        try:
            async with timeout(self._patience):
                async for told in self._hub.progress(person, name):
                    yield _told(told)
        except TimeoutError:
            raise LaunchFailed(
                f"The server did not become ready within {self._patience:.0f} seconds. "
                "Launch it again; if that does not help, tell whoever runs this hub."
            ) from None


def _told(told: Mapping[str, Any]) -> Event:
    """What the Hub told about a start; of what a spawner adds, only the report of an update."""
    data: dict[str, Any] = {"progress": min(told.get("progress", 0), 99)}
    with suppress(KeyError, ValueError):
        data["update"] = Update.from_fields(told["update"]).to_fields()
    return Event(Phase.LAUNCHING, str(told.get("message", "")), data)
