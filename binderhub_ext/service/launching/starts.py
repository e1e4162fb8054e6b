"""Starts of servers: a few at a time, watched until they are ready."""

from __future__ import annotations

from asyncio import CancelledError, Lock, Task, create_task, shield, sleep, timeout, wait
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from ...core.errors import Conflict, LaunchFailed
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...core.updates import Update
from ..hub import HubClient, Person, StartLost, State
from ..hubrefusals import HubBusy
from .semaphore import FairSemaphore

ENDED = Sentence("Your server has ended meanwhile.")

_ONE_AHEAD = "{count} server starts before yours."
_AHEAD = "{count} servers start before yours."

_TIMES = 3
"""How often a start is begun when the Hub is restarted in the middle of it."""

_BEGUN = (State.STARTING, State.RUNNING)

_BUSY = Sentence(
    "As many servers start as this hub can start at once. Yours follows as soon as it may."
)
_PAUSE = 1.0
"""Seconds after which a Hub that is busy is asked again, by one for all."""


class Starts:
    """Asks the Hub for servers.

    Args:
        hub: the Hub.
        turns: as many places as servers may start at the same time.
        patience: seconds from the Hub's first word to a server that is ready.
    """

    def __init__(self, hub: HubClient, semaphore: FairSemaphore, patience: float) -> None:
        self._hub, self._semaphore, self._patience = hub, semaphore, patience
        self._own: WeakValueDictionary[str, Lock] = WeakValueDictionary()
        self._begun: dict[tuple[str, str], Task[None]] = {}
        self._busy = Lock()

    async def start(self, person: Person, name: str, ticket: Callable[[], str], tell: Tell) -> None:
        """Start a server in its turn, and watch it until it is ready.

        A person's own starts follow each other: nobody takes the places of a class.

        Args:
            name: the server's.
            ticket: makes its ticket, once it is its turn.

        Raises:
            TooMany, Conflict, NotAllowed, LaunchFailed: as the Hub says.
        """

        def waiting(ahead: int) -> None:
            message = Sentence.counted(_ONE_AHEAD, _AHEAD, count=ahead)
            tell(Event(Phase.LAUNCHING, message, {"ahead": ahead, "progress": 0}))

        async with self._own.setdefault(person.name, Lock()), self._semaphore.acquired(waiting):
            tell(Event(Phase.LAUNCHING, Sentence("Starting your server.")))
            for left in reversed(range(_TIMES)):
                try:
                    with self._settled(person, name):
                        await self._until_taken(partial(self._begin, person, name, ticket), tell)
                        return await self._watch(person, name, tell)
                except StartLost:
                    if not left:
                        raise
                    message = Sentence("The Hub was restarted. Starting your server once more.")
                    tell(Event(Phase.LAUNCHING, message, {"progress": 0}))
        return None

    async def take_back(self, person: Person, name: str) -> bool:
        """Stop a server whose start was asked for here, and of which nobody saw what came of it.

        Not while somebody waits for it.

        Returns:
            Whether there was one.

        Raises:
            HubUnavailable, NotAllowed: it cannot be stopped now.
        """
        asked = self._begun.pop((person.name, name), None)
        if asked is None:
            return False
        # what the Hub has not heard of yet, it does not stop
        await wait([asked])
        if asked.exception():
            return False
        await self._hub.stop(person, name)
        return True

    @contextmanager
    def _settled(self, person: Person, name: str) -> Iterator[None]:
        """In the block it turns out what comes of a start, unless whoever waits is cancelled."""
        try:
            yield
        except CancelledError:
            raise
        except BaseException:
            self._begun.pop((person.name, name), None)
            raise
        self._begun.pop((person.name, name), None)

    async def _until_taken(self, ask: Callable[[], Awaitable[None]], tell: Tell) -> None:
        """Ask for a start until the Hub takes it on.

        It starts only so many servers at once, whoever asks: the turns here are not all there is.
        """
        with suppress(HubBusy):
            return await ask()
        tell(Event(Phase.LAUNCHING, _BUSY, {"progress": 0}))
        async with self._busy:
            while True:
                await sleep(_PAUSE)
                with suppress(HubBusy):
                    return await ask()

    async def _begin(self, person: Person, name: str, ticket: Callable[[], str]) -> None:
        """Ask for a start, which goes on whether or not somebody waits for it."""
        asked = create_task(self._ask(person, name, ticket()))
        self._begun[person.name, name] = asked
        await shield(asked)

    async def _ask(self, person: Person, name: str, ticket: str) -> None:
        """Ask for a start. A Hub that was restarted may know of it by the question before."""
        try:
            await self._hub.start(person, name, ticket)
        except Conflict:
            server = await self._hub.server(person, name)
            if server is None or server.state not in _BEGUN or server.ticket != ticket:
                raise

    async def again(self, person: Person, name: str, ticket: str, tell: Tell) -> None:
        """Start a server that ended without the Hub's noticing; nothing happens to one that runs.

        The Hub looks after its servers twice a minute, and before it starts one.

        Raises:
            TooMany, NotAllowed: as the Hub says.
        """
        with suppress(Conflict):  # it runs
            await self._until_taken(partial(self._hub.start, person, name, ticket), tell)
            tell(Event(Phase.LAUNCHING, ENDED))

    async def watch(self, person: Person, name: str, tell: Tell) -> None:
        """Tell what the Hub tells about a server until it is ready.

        Raises:
            LaunchFailed: it does not get ready.
        """
        with self._settled(person, name):
            await self._watch(person, name, tell)

    async def _watch(self, person: Person, name: str, tell: Tell) -> None:
        try:
            async with timeout(self._patience):
                async for message in self._hub.progress(person, name):
                    tell(_event(message))
        except TimeoutError:
            raise LaunchFailed(
                "The server did not become ready within {seconds:.0f} seconds. "
                "Launch again; if that does not help, tell the administrator.",
                seconds=self._patience,
            ) from None


def _event(message: Mapping[str, Any]) -> Event:
    """What the Hub told about a start; of what a spawner adds, only the report of an update, and
    what a sentence of ours was made of.
    """
    data: dict[str, Any] = {"progress": min(message.get("progress", 0), 99)}
    with suppress(KeyError, ValueError):
        data["update"] = Update.from_fields(message["update"]).to_fields()
    words = Sentence.received(str(message.get("message", "")), message)
    return Event(Phase.LAUNCHING, words, data)
