"""What was used, by day or person, and what it costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from ...core.spending import HOUR, Prices, Resource, Stretch, What, by_day
from ..records.ledger import Ledger, StorageDay
from ..records.tables import IntervalRow

K = TypeVar("K")


class Component(StrEnum):
    """What costs are of, in the words of jupyterhub-cost-monitoring; builds besides."""

    COMPUTE = "compute"
    STORAGE = "home storage"
    BUILD = "build"


@dataclass(frozen=True)
class Figures:
    """What was used.

    Attributes:
        hours: that servers ran.
        memory, cpu, gpu: GiB-hours and hours that were asked for.
        peak: GiB of memory that a server was seen to use at most.
        worked: hours that processors were seen to work.
        minutes: of builds.
        stored: GiB-days of files.
        cost: by the price list.
        groups: of the person, while they used it.
    """

    hours: float = 0
    memory: float = 0
    cpu: float = 0
    gpu: float = 0
    peak: float = 0
    worked: float = 0
    minutes: float = 0
    stored: float = 0
    cost: float = 0
    groups: frozenset[str] = field(default_factory=frozenset)

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.hours + other.hours,
            self.memory + other.memory,
            self.cpu + other.cpu,
            self.gpu + other.gpu,
            max(self.peak, other.peak),
            self.worked + other.worked,
            self.minutes + other.minutes,
            self.stored + other.stored,
            self.cost + other.cost,
            self.groups | other.groups,
        )


@dataclass(frozen=True)
class Line:
    """What somebody used of one thing on one day."""

    day: date
    user: str
    component: Component
    figures: Figures


class Reports:
    """Reads the ledger.

    Args:
        ledger: what was used.
        prices: what it costs.
    """

    def __init__(self, ledger: Ledger, prices: Prices) -> None:
        self._ledger, self.prices = ledger, prices

    async def lines(self, days: int, user: str | None = None, since: float = 0) -> list[Line]:
        """What was used each day, in the order of days, people and components.

        Args:
            days: how many, with today.
            user: of one person; `None` for everybody.
            since: nothing that was over before, in seconds since 1970.
        """
        now = time.time()
        first = datetime.fromtimestamp(now, UTC).date() - timedelta(days=days - 1)
        first = max(first, datetime.fromtimestamp(since, UTC).date())
        begin = datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()
        begin = max(begin, since)
        stretches = await self._ledger.stretches(begin, now, user)
        storage = await self._ledger.storage(first, user)
        # a year of thousands of people takes a while, and others want to be served meanwhile
        return await asyncio.to_thread(self._lines, stretches, storage, begin, now)

    def _lines(
        self, stretches: Iterable[Stretch], storage: Iterable[StorageDay], begin: float, now: float
    ) -> list[Line]:
        sums: dict[tuple[date, str, Component], Figures] = {}
        for one in stretches:
            component = Component.BUILD if one.what is What.BUILD else Component.COMPUTE
            for day, seconds in by_day(one, begin, now):
                _add(sums, (day, one.user, component), self._used(one, seconds))
        for stored in storage:
            gib = stored.bytes / 2**30
            figures = Figures(stored=gib, cost=self.prices.of_storage(stored.bytes))
            figures = replace(figures, groups=frozenset(stored.groups))
            _add(sums, (stored.day, stored.user, Component.STORAGE), figures)
        return [Line(*key, figures) for key, figures in sorted(sums.items(), key=lambda i: i[0])]

    async def people(self, days: int) -> list[tuple[str, Figures]]:
        """What everybody used; whoever costs most, or else used most memory, first."""
        lines = await self.lines(days)

        def add_up() -> dict[str, Figures]:
            return totals(lines, lambda line: line.user)

        sums = await asyncio.to_thread(add_up)
        return sorted(sums.items(), key=lambda i: (-i[1].cost, -i[1].memory, i[0]))

    async def latest(self, user: str, since: float) -> list[IntervalRow]:
        """A person's latest servers and builds, of those that were not over before a moment."""
        rows = await self._ledger.rows(user, limit=30)
        return [row for row in rows if row.seen.timestamp() >= since]

    def _used(self, one: Stretch, seconds: float) -> Figures:
        hours = seconds / HOUR
        return Figures(
            hours=hours if one.what is What.SERVER else 0,
            memory=one.hourly(Resource.MEMORY) * hours / 2**30,
            cpu=one.hourly(Resource.CPU) * hours,
            gpu=one.hourly(Resource.GPU) * hours,
            peak=(one.used.peak or 0) / 2**30,
            worked=(one.used.worked or 0) / HOUR * seconds / one.seconds,
            minutes=one.hourly(Resource.BUILD) * hours,
            cost=self.prices.of(one, seconds),
            groups=frozenset(one.groups),
        )


def totals(lines: Iterable[Line], key: Callable[[Line], K]) -> dict[K, Figures]:
    """The sums of lines."""
    sums: dict[K, Figures] = {}
    for line in lines:
        _add(sums, key(line), line.figures)
    return sums


def _add(sums: dict[K, Figures], key: K, figures: Figures) -> None:
    sums[key] = sums.get(key, Figures()) + figures


MOST_DAYS = 366
"""Days a report has at most."""
