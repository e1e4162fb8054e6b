"""How long servers ran, as far as somebody saw them run. Pure.

Whoever keeps the ledger looks at the Hub's list again and again. Between two looks an interval
grows by the time that has passed, which a steady clock says: a wall clock that was set, forwards
or back, costs nobody anything. An interval never shrinks and never has more than was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .using import NONE, UNKNOWN, Use, Used

_NOTHING: Mapping[Any, float] = MappingProxyType({})

_OVERTAKEN = 600.0
"""Seconds by which one look may be later than another and yet be written down before it."""


@dataclass(frozen=True)
class Reading:
    """What the clocks of a machine say at one moment.

    Attributes:
        wall: seconds since 1970; can be set to anything.
        boot: which start of which machine `ticks` is counted from; empty if that is not known.
        ticks: seconds of a steady clock.
    """

    wall: float
    boot: str = ""
    ticks: float = 0

    def since(self, earlier: Reading) -> float:
        """Seconds since another reading; never negative.

        Between two machines, or two starts of one, only the wall clocks are left.
        """
        same = bool(self.boot) and self.boot == earlier.boot
        passed = self.ticks - earlier.ticks if same else self.wall - earlier.wall
        return max(passed, 0.0)

    def before(self, other: Reading) -> bool:
        """Whether it was taken before another one.

        Of two machines' clocks one may be far behind, which says nothing.
        """
        if self.boot and self.boot == other.boot:
            return self.ticks < other.ticks
        return 0 < other.wall - self.wall < _OVERTAKEN


@dataclass(frozen=True)
class Key:
    """One run of a server: whose, its name, and the Hub's word for when it was started."""

    user: str
    name: str
    mark: str


@dataclass(frozen=True)
class Open:
    """An interval that has not ended as far as is known.

    Attributes:
        id: of its row.
        seen: wall clock of the last look that found it.
        seconds: it ran until then.
        used: what it has used until then.
    """

    id: str
    seen: float
    seconds: float
    used: Used = NONE


@dataclass(frozen=True)
class Measured:
    """What runs were found to use.

    Attributes:
        uses: of those of which it is known.
        seconds: since each of them was looked at before.
    """

    uses: Mapping[Key, Use] = field(default_factory=lambda: MappingProxyType({}))
    seconds: Mapping[Key, float] = field(default_factory=lambda: MappingProxyType({}))

    def used(self, key: Key, before: Used, ran: float) -> Used:
        """What a run has used in all.

        Args:
            before: as far as was known.
            ran: seconds that it has run.
        """
        since = min(self.seconds.get(key, 0.0), ran)
        return before.and_now(self.uses.get(key, UNKNOWN), since)


@dataclass(frozen=True)
class Ended:
    """An interval's end: `certain` if the Hub said when, else it is the last time it was seen."""

    id: str
    seen: float
    seconds: float
    certain: bool


@dataclass(frozen=True)
class Changes:
    """What a look found.

    Attributes:
        new: runs that were not there before, with the seconds they have already.
        grown: seconds of those that go on, by the ids of their rows.
        ended: those that are not there any more.
    """

    new: Mapping[Key, float]
    grown: Mapping[str, float]
    ended: Iterable[Ended]


def look(
    known: Mapping[Key, Open],
    running: Mapping[Key, float],
    stopped: Mapping[Key, float],
    *,
    now: Reading,
    last: Reading | None,
    watched: float,
    starting: Mapping[Key, float] = _NOTHING,
) -> Changes:
    """What changed between two looks.

    Args:
        known: intervals that are open, or that a run of now had before.
        running: what runs now, each with the wall clock of the Hub when it was started.
        stopped: wall clock of the Hub when a server stopped, of those of which it says so.
        now: the clocks, read before the Hub was asked.
        last: at the look before this one; `None` if there was none.
        watched: seconds between two looks up to which the Hub is believed when something stopped:
            a Hub that was away says when it noticed.
        starting: seconds for which runs were seen to start, at looks before this one.
    """
    step = now.since(last) if last else 0.0
    return Changes(
        new={
            key: _at_most(now.wall - started, step + starting.get(key, 0.0))
            for key, started in running.items()
            if key not in known
        },
        grown={known[key].id: known[key].seconds + step for key in running if key in known},
        ended=[
            _end(one, stopped.get(key) if step <= watched else None, step)
            for key, one in known.items()
            if key not in running
        ],
    )


def _end(one: Open, stopped: float | None, step: float) -> Ended:
    if stopped is None:
        return Ended(one.id, one.seen, one.seconds, certain=False)
    more = _at_most(stopped - one.seen, step)
    return Ended(one.id, one.seen + more, one.seconds + more, certain=True)


def _at_most(value: float, most: float) -> float:
    return min(max(value, 0.0), most)
