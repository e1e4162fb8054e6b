"""Keeps the ledger: looks who runs what, how long builds take, and what files take.

The Hub is asked in the service's own name, which may read who there is and what they run, and
nothing else. It knows of every server, however that was started or stopped; so what was missed
while the service was away is closed at the next look, as last seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from time import monotonic
from typing import Any
from urllib.parse import quote

from tornado.log import app_log

from ...core.errors import HubUnavailable, NotAllowed
from ...core.intervals import Key, Measured, Reading
from ...core.launch import Launch, Tickets
from ...core.using import UNKNOWN, Use
from ...core.volumes import group_of
from ...housekeeping import alone
from ..hub import HubClient, Person, Server, State
from ..hubrefusals import check
from ..members import read_moment
from ..records.ledger import Ledger, Run, StorageDay
from .buildmeter import BuildMeter
from .clocks import read_clocks
from .settings import Given
from .stored import StoredFiles, owner_of

Measure = Callable[[Sequence[Launch]], Awaitable[Sequence[Use]]]
"""What the servers of launches use now: see :meth:`~...engines.base.Builder.uses`."""

_BLIND = (
    "What people use is not written down: the Hub does not let this service see who runs what. Give"
    " the service a role with the scopes list:users, read:users and read:servers."
)
_WATCHED = 3
"""Times the pause between two looks within which the Hub was watched."""

_LEAST_PAUSE = 2.0
_SHARE = 10
"""Times as long as a look took that the Hub is left alone, however much changes."""


class Bookkeeper:
    """Made once, and told to look again and again.

    Args:
        ledger: where it is written down.
        hub: is asked.
        me: the service itself.
        tickets: says what a server was started with.
        given: what servers get.
        meter: knows the builds under way.
        stored: knows what files take.
        measure: finds out what servers use now.
        every: seconds between two looks, and at least between two of those at one server.

    Attributes:
        blind: whether the Hub does not let it look.
        servers: those that did not stand still at the last look, by person and name.
        looked: when that was.
    """

    def __init__(
        self,
        ledger: Ledger,
        hub: HubClient,
        me: Person,
        *,
        tickets: Tickets,
        given: Given,
        meter: BuildMeter,
        stored: StoredFiles,
        measure: Measure,
        every: float,
    ) -> None:
        self._ledger, self._hub, self._me = ledger, hub, me
        self._tickets, self._given, self._meter = tickets, given, meter
        self._stored, self._measure, self._every = stored, measure, every
        self._looking = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._known: Mapping[Key, Run] = {}
        self._starting: Mapping[Key, float] = {}
        self._last: Reading | None = None
        self._took = 0.0
        self._measured: Mapping[Key, float] = {}
        self._all_measured = monotonic() - every
        self.blind = False
        self.servers: Mapping[tuple[str, str], Server] = {}
        self.looked: datetime | None = None

    async def look(self) -> None:
        """Write down what runs now, and how long builds have taken so far."""
        async with self._looking:
            await self._meter.write()
            began = monotonic()
            try:
                await self._look()
            except NotAllowed:
                if not self.blind:
                    app_log.warning(_BLIND)
                self.blind = True
            except HubUnavailable:
                app_log.warning("Who runs what is not known: the Hub does not answer")
            self._took = monotonic() - began

    def soon(self) -> None:
        """Look again before it is time: something has changed."""
        self._wanted.set()

    async def pause(self) -> None:
        """Wait until it is time for another look."""
        least = min(max(_LEAST_PAUSE, _SHARE * self._took), self._every)
        await asyncio.sleep(least)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), self._every - least)
        self._wanted.clear()

    async def store_day(self, day: date) -> None:
        """Write down what everybody's homes and volumes take, as of a day (UTC)."""
        models = [model async for model in self._hub.items(self._me, "users")]
        groups = {model["name"]: tuple(model.get("groups") or ()) for model in models}
        days = [
            StorageDay(day, "home", user, user, groups[user], size)
            for user, size in (await self._stored.homes(groups)).items()
        ]
        for volume, size in await self._stored.volumes():
            owner = owner_of(volume)
            of = groups.get(owner, ()) if owner else tuple(filter(None, [group_of(volume.owner)]))
            days.append(StorageDay(day, "volume", volume.id, owner, of, size))
        await self._ledger.stored(days)

    # ---- inside

    async def _look(self) -> None:
        now, when = read_clocks(), datetime.now(UTC)
        passed = now.since(self._last) if self._last else 0.0
        active = self._hub.items(self._me, "users", state="active")
        models = [model async for model in active]
        runs = {run.key: run for model in models for run in self._runs(model)}
        starts = [key for model in models for key in _starts(model)]
        stopped: dict[Key, float] = {}
        missing = [key for key in await self._ledger.open_runs() if key not in runs]
        for user in dict.fromkeys(key.user for key in missing):
            model = await self._person(user)
            runs |= {run.key: run for run in self._runs(model)}
            stopped |= _stops(model, [key for key in missing if key.user == user])
        watched = max(_WATCHED * self._every, _WATCHED * _LEAST_PAUSE)
        measured = await self._measured_now(runs.values())
        await self._ledger.looked(runs.values(), stopped, now, watched, measured)
        self._starting = {key: self._starting.get(key, 0.0) + passed for key in starts}
        self._known, self._last, self.blind = runs, now, False
        self.servers, self.looked = dict(_servers(models)), when

    async def _measured_now(self, runs: Iterable[Run]) -> Measured:
        """What servers use: all of them if it is time to look, or else those of which nothing is
        known yet, as one that runs for seconds is seen no more than once."""
        now, launches = monotonic(), {run.key: run.launch for run in runs if run.launch}
        before = {key: self._measured[key] for key in launches if key in self._measured}
        every = now - self._all_measured >= self._every
        asked = {key: one for key, one in launches.items() if every or key not in before}
        uses: Mapping[Key, Use] = {}
        if asked:
            self._all_measured = now if every else self._all_measured
            with alone("Looking what servers use"):
                found = await self._measure(list(asked.values()))
                uses = dict(zip(asked, found, strict=True))
        known = [key for key in asked if every or uses.get(key, UNKNOWN) != UNKNOWN]
        self._measured = {**before, **dict.fromkeys(known, now)}
        return Measured(uses, {key: now - before.get(key, now - self._every) for key in uses})

    async def _person(self, user: str) -> Mapping[str, Any]:
        path = f"users/{quote(user, safe='')}"
        asked = {"include_stopped_servers": "1"}
        async with self._hub.call("GET", self._me, path, params=asked) as response:
            if response.status == 404:
                return {}
            await check(response)
            model: Mapping[str, Any] = await response.json()
            return model

    def _runs(self, model: Mapping[str, Any]) -> Iterable[Run]:
        for server in (model.get("servers") or {}).values():
            if _runs(server) and server.get("started"):
                key = Key(model["name"], server["name"], server["started"])
                yield self._known.get(key) or self._run(key, model, server)

    def _run(self, key: Key, model: Mapping[str, Any], server: Mapping[str, Any]) -> Run:
        ticket = Server.from_model(dict(server)).ticket
        launch = self._tickets.of(key.user, key.name, ticket)
        memory, cpu, gpu = self._given.of(launch)
        return Run(
            key,
            read_moment(key.mark),
            self._starting.get(key, 0.0),
            tuple(model.get("groups") or ()),
            launch.commit.repo.identity if launch and launch.commit else "",
            launch.size if launch else "",
            memory,
            cpu,
            gpu,
            launch,
        )


def _servers(models: Iterable[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, str], Server]]:
    """Everybody's servers that do not stand still."""
    for model in models:
        for server in map(Server.from_model, (model.get("servers") or {}).values()):
            if server.state is not State.STOPPED:
                yield (model["name"], server.name), server


def _runs(server: Mapping[str, Any]) -> bool:
    """Whether it runs: what a restarted Hub still looks after does, and what is about to stop."""
    return bool(server.get("ready")) or server.get("pending") in ("stop", "check")


def _starts(model: Mapping[str, Any]) -> Iterable[Key]:
    """The servers of a person that are about to run."""
    for server in (model.get("servers") or {}).values():
        if server.get("pending") == "spawn" and server.get("started"):
            yield Key(model["name"], server["name"], server["started"])


def _stops(model: Mapping[str, Any], missing: Sequence[Key]) -> dict[Key, float]:
    """When servers stopped, of those of which the Hub knows: it was their last activity."""
    servers = model.get("servers") or {}
    stops = {}
    for key in missing:
        server = servers.get(key.name) or {}
        if server.get("stopped") and not server.get("started") and server.get("last_activity"):
            stops[key] = read_moment(server["last_activity"])
    return stops
