"""What was used within a time that rolls on, and when there is room again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import pairwise

from .using import NONE, Used

HOUR = 3600.0
DAY = 24 * HOUR


class Resource(StrEnum):
    """What can be limited and priced."""

    MEMORY = "memory"
    CPU = "cpu"
    GPU = "gpu"
    BUILD = "build_minutes"
    STORAGE = "storage"


class What(StrEnum):
    """What a stretch of use is of."""

    SERVER = "server"
    BUILD = "build"


@dataclass(frozen=True)
class Stretch:
    """A time in which a person used something: a server's run, or their part of a build.

    Attributes:
        what: which of both.
        user: whose.
        end: seconds since 1970; now, if it goes on.
        seconds: how long it took until then.
        memory: bytes that were asked for.
        cpu, gpu: how many.
        groups: of the person, at that time.
        repo: of which repository, as its identity; empty for none.
        size: the administrator's name for what was asked for; empty for none.
        used: what was used of it, as far as is known.
    """

    what: What
    user: str
    end: float
    seconds: float
    memory: int = 0
    cpu: float = 0
    gpu: float = 0
    groups: tuple[str, ...] = ()
    repo: str = ""
    size: str = ""
    used: Used = NONE

    @property
    def start(self) -> float:
        return self.end - self.seconds

    def hourly(self, resource: Resource) -> float:
        """What an hour of it uses: byte-hours, processor-hours, minutes of builds."""
        if self.what is What.BUILD:
            return 60.0 if resource is Resource.BUILD else 0.0
        match resource:
            case Resource.MEMORY:
                return float(self.memory)
            case Resource.CPU:
                return self.cpu
            case Resource.GPU:
                return self.gpu
        return 0.0

    def within(self, begin: float, end: float) -> float:
        """Seconds of it between two moments."""
        return max(min(self.end, end) - max(self.start, begin), 0.0)


def used(stretches: Iterable[Stretch], resource: Resource, begin: float, end: float) -> float:
    """What was used of a resource between two moments."""
    return sum(
        one.hourly(resource) * one.within(begin, end) / HOUR for one in stretches if one.seconds
    )


def room_again(
    stretches: Iterable[Stretch], resource: Resource, *, limit: float, window: float, now: float
) -> float:
    """The moment from which less than a limit was used within a rolling window.

    If nothing more is used until then: what runs now is taken to stop.

    Args:
        limit: of what :func:`used` gives; above 0.
        window: seconds.
        now: seconds since 1970.
    """
    counted = [one for one in stretches if one.hourly(resource) and one.within(now - window, now)]
    edges = {now, *(one.start + window for one in counted), *(one.end + window for one in counted)}
    moments = sorted(moment for moment in edges if moment >= now)
    figures = [used(counted, resource, moment - window, now) for moment in moments]
    if figures[0] < limit:
        return now
    # It falls, in straight lines between the edges, and at the last of them nothing is left.
    for (left, right), (more, less) in zip(pairwise(moments), pairwise(figures), strict=True):
        if less < limit:
            return left + (more - limit) / (more - less) * (right - left)
    return moments[-1]


def by_day(one: Stretch, begin: float, end: float) -> Iterator[tuple[date, float]]:
    """The days (UTC) a stretch lies in between two moments, each with its seconds."""
    moment, last = max(one.start, begin), min(one.end, end)
    while moment < last:
        midnight = (moment // DAY + 1) * DAY
        until = min(midnight, last)
        yield datetime.fromtimestamp(moment, UTC).date(), until - moment
        moment = until


@dataclass(frozen=True)
class Prices:
    """What things cost; what has no price costs nothing.

    Attributes:
        sizes: an hour of a server of a size, by its name; instead of memory and processors.
        memory: a GiB for an hour.
        cpu, gpu: one for an hour.
        build: a minute.
        storage: a GiB for a day.
        currency: such as `EUR`.
    """

    sizes: Mapping[str, float]
    memory: float = 0
    cpu: float = 0
    gpu: float = 0
    build: float = 0
    storage: float = 0
    currency: str = ""

    def __bool__(self) -> bool:
        figures = (self.memory, self.cpu, self.gpu, self.build, self.storage)
        return any(figures) or any(self.sizes.values())

    def hour(self, *, size: str, memory: int, cpu: float, gpu: float) -> float:
        """What an hour of a server costs."""
        if size in self.sizes:
            return self.sizes[size]
        return self.memory * memory / 2**30 + self.cpu * cpu + self.gpu * gpu

    def of(self, one: Stretch, seconds: float) -> float:
        """What some seconds of a stretch cost."""
        if one.what is What.BUILD:
            return self.build * seconds / 60
        hour = self.hour(size=one.size, memory=one.memory, cpu=one.cpu, gpu=one.gpu)
        return hour * seconds / HOUR

    def of_storage(self, size: int) -> float:
        """What bytes cost for a day."""
        return self.storage * size / 2**30
