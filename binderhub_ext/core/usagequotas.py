"""Rolling limits of use, in the form of jupyterhub-usage-quotas, and who is under which. Pure.

A policy names a resource, a limit, a window in days and a scope. To its resources `memory` and
`cpu`, of which byte-hours and processor-hours are counted as they were asked for, come `gpu`
(hours), `build_minutes` and `storage` (bytes as last measured, whatever the window).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from .errors import QuotaExceeded
from .sentences import NOTHING, Sentence, fixed
from .spending import Resource

NEAR = 0.8
"""Share of a limit from which people are warned."""

EVERY_START = frozenset({Resource.MEMORY, Resource.CPU})
"""What every server needs; without the others some start."""

NEW_SERVER = EVERY_START | {Resource.STORAGE}
"""What a server needs that somebody has not used before; in another, files can be deleted."""

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_LIMIT = re.compile(r"(\d{1,15})([KMGT]?)", re.IGNORECASE | re.ASCII)
_KEYS = {"resource", "limit", "window", "scope"}
_SCOPES = {"group", "user"}
_DAY = 86400.0


class Intersection(StrEnum):
    """Which of several limits of one resource and window holds."""

    MIN = "min"
    MAX = "max"
    SUM = "sum"


@dataclass(frozen=True)
class Policy:
    """A limit.

    Attributes:
        resource: of what.
        limit: in the resource's own unit: byte-hours, hours, minutes or bytes.
        window: days.
        unit: of the limit as it was written: empty, K, M, G or T.
        groups, users: whom it is for; everybody, if `everybody`.
    """

    resource: Resource
    limit: float
    window: float
    unit: str = ""
    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    everybody: bool = False

    @property
    def seconds(self) -> float:
        """The window."""
        return self.window * _DAY

    def holds_for(self, user: str, groups: Iterable[str]) -> bool:
        return self.everybody or user in self.users or not {*groups}.isdisjoint(self.groups)


@dataclass(frozen=True)
class Policies:
    """All limits of a hub.

    Attributes:
        all: each with its scope.
        empty: what holds for whom none of those is.
        intersection: which holds, if several do.
    """

    all: tuple[Policy, ...] = ()
    empty: tuple[Policy, ...] = ()
    intersection: Intersection = Intersection.MIN

    def __bool__(self) -> bool:
        return bool(self.all or self.empty)

    def of(self, user: str, groups: Sequence[str]) -> list[Policy]:
        """The limits a person is under: one for each resource and window."""
        mine = [policy for policy in self.all if policy.holds_for(user, groups)]
        if not mine:
            return list(self.empty)
        merged: dict[tuple[Resource, float], list[Policy]] = {}
        for policy in mine:
            # of files only what is there now counts, whatever the window
            window = 0 if policy.resource is Resource.STORAGE else policy.window
            merged.setdefault((policy.resource, window), []).append(policy)
        return [_merged(same, self.intersection) for same in merged.values()]


def _merged(same: list[Policy], how: Intersection) -> Policy:
    limits = [one.limit for one in same]
    chosen = {Intersection.MIN: min(limits), Intersection.MAX: max(limits)}
    return replace(
        same[0],
        limit=chosen.get(how, sum(limits)),
        groups=tuple(sorted({group for one in same for group in one.groups})),
        users=tuple(sorted({user for one in same for user in one.users})),
    )


def read_policy(fields: Mapping[str, Any], *, scoped: bool = True) -> Policy:
    """A policy as an administrator writes it.

    Args:
        scoped: whether it says for whom it is; one that could and does not is for everybody.

    Raises:
        ValueError, TypeError, KeyError: it is none.
    """
    if unknown := set(fields) - (_KEYS if scoped else _KEYS - {"scope"}):
        raise ValueError(f"{min(unknown)!r} is nothing of a policy")
    scope = fields.get("scope") or {}
    if unknown := set(scope) - _SCOPES:
        raise ValueError(f"a scope is of groups and users, not of {min(unknown)!r}")
    if any(isinstance(names, str) for names in scope.values()):
        raise TypeError("a scope lists names")
    limit, unit = _read_limit(fields["limit"])
    window = float(fields["window"])
    if not 0 < window <= 3660:
        raise ValueError(f"{window:g} is no number of days")
    return Policy(
        Resource(fields["resource"]),
        limit,
        window,
        unit,
        tuple(map(str, scope.get("group", ()))),
        tuple(map(str, scope.get("user", ()))),
        everybody=scoped and not scope,
    )


def read_policies(
    policies: Iterable[Mapping[str, Any]], strategy: Mapping[str, Any] | None = None
) -> Policies:
    """All policies, and what holds where none or several do.

    Args:
        strategy: jupyterhub-usage-quotas' `scope_fallback_strategy`.

    Raises:
        ValueError, TypeError, KeyError: they are none.
    """
    strategy = strategy or {}
    if unknown := set(strategy) - {"empty", "intersection"}:
        raise ValueError(f"{min(unknown)!r} is nothing of a strategy")
    empty = strategy.get("empty") or []
    several = [empty] if isinstance(empty, Mapping) else list(empty)
    return Policies(
        tuple(map(read_policy, policies)),
        tuple(read_policy(one, scoped=False) for one in several),
        Intersection(strategy.get("intersection", Intersection.MIN)),
    )


def _read_limit(limit: object) -> tuple[float, str]:
    if isinstance(limit, int | float) and not isinstance(limit, bool) and limit > 0:
        return float(limit), ""
    match = _LIMIT.fullmatch(limit) if isinstance(limit, str) else None
    if match is None or not int(match[1]):
        raise ValueError(f"{limit!r} is no limit such as 100 or '500G'")
    return int(match[1]) * float(_UNITS[match[2].upper()]), match[2].upper()


@dataclass(frozen=True)
class Standing:
    """Where a person stands under one limit.

    Attributes:
        policy: the limit.
        used: in the same unit.
        retry: seconds since 1970 when there is room again; `None` where waiting does not help.
    """

    policy: Policy
    used: float
    retry: float | None = None

    @property
    def share(self) -> float:
        return self.used / self.policy.limit

    @property
    def over(self) -> bool:
        return self.used >= self.policy.limit

    @property
    def near(self) -> bool:
        return self.share >= NEAR

    @property
    def words(self) -> Sentence:
        """What was used of what."""
        resource, days = self.policy.resource, f"{self.policy.window:g}"
        return Sentence(
            _USED[resource],
            used=_figure(resource, self.used),
            limit=_figure(resource, self.policy.limit),
            days=Sentence(_ONE_DAY) if days == "1" else Sentence(_DAYS, days=days),
        )

    @property
    def room(self) -> Sentence:
        """When there is room again; empty if there is, or if waiting does not help."""
        if not self.over or self.retry is None:
            return NOTHING
        text = _ROOM if self.policy.resource is Resource.BUILD else _IDLE
        return Sentence(text, when=_moment(self.retry))

    @property
    def warning(self) -> Sentence:
        """What somebody near the limit is told; empty for others."""
        if self.over:
            return Sentence(_REFUSED[self.policy.resource], use=self.words, room=self.room)
        return Sentence("{use} Little is left.", use=self.words) if self.near else NOTHING

    def refusal(self) -> QuotaExceeded:
        """Why nothing more starts."""
        return QuotaExceeded(
            _REFUSED[self.policy.resource],
            use=self.words,
            room=self.room,
            retry_time=iso(self.retry),
        )

    def to_fields(self) -> dict[str, Any]:
        """As jupyterhub-usage-quotas answers, for programs."""
        policy, unit = self.policy, _UNITS[self.policy.unit]
        scope = {"group": list(policy.groups)} if policy.groups else {}
        return {
            "resource": str(policy.resource),
            "pure_used": self.used,
            "used": self.used / unit,
            "pure_limit": policy.limit,
            "limit": policy.limit / unit,
            "unit": policy.unit,
            "readable_unit": readable_unit(policy),
            "window": policy.window,
            "scope": {**scope, **({"user": list(policy.users)} if policy.users else {})},
            "share": round(self.share, 4),
            "retry_time": iso(self.retry) if self.over else "",
            "message": self.words,
        }


def longest(standings: Iterable[Standing]) -> Standing | None:
    """Of the limits that are reached the one that is so for longest; `None` if none is."""
    over = [one for one in standings if one.over]
    return max(over, key=lambda one: math.inf if one.retry is None else one.retry, default=None)


def iso(moment: float | None) -> str:
    """A moment as programs want it, or the first second after it; empty for none."""
    if moment is None:
        return ""
    return datetime.fromtimestamp(math.ceil(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(moment: float) -> str:
    """The first whole minute that is not before it: who is told it comes back then."""
    when = datetime.fromtimestamp(math.ceil(moment / 60) * 60, UTC)
    return f"{when:%H:%M} UTC, {when.day} {when:%B %Y}"


def readable_unit(policy: Policy) -> str:
    """What a limit is counted in, such as `GiB-hours`."""
    if policy.resource in (Resource.CPU, Resource.GPU):
        return f"{policy.unit}{policy.resource.upper()}-hours"
    if policy.resource is Resource.BUILD:
        return f"{policy.unit}minutes"
    byte = f"{policy.unit}iB" if policy.unit else "B"
    return f"{byte}-hours" if policy.resource is Resource.MEMORY else byte


def _figure(resource: Resource, value: float) -> str:
    """So much of a resource, in GiB where it is of bytes."""
    if resource in (Resource.MEMORY, Resource.STORAGE):
        value /= 2**30
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


_DAYS, _ONE_DAY = fixed("{days} days"), fixed("one day")

_USED = {
    Resource.MEMORY: fixed("You have used {used} of {limit} GiB-hours of memory within {days}."),
    Resource.CPU: fixed("You have used {used} of {limit} processor-hours within {days}."),
    Resource.GPU: fixed("You have used {used} of {limit} GPU-hours within {days}."),
    Resource.BUILD: fixed("Builds took {used} of {limit} minutes for you within {days}."),
    Resource.STORAGE: fixed("Your files take {used} of {limit} GiB."),
}
_ROOM = fixed("There is room again at {when}.")
_IDLE = fixed("There is room again at {when}, if nothing of yours runs until then.")
_WAIT = fixed(
    "{use} Nothing new starts for you until there is room; what runs goes on, and your files are"
    " not affected. {room}"
)
_REFUSED = {
    **dict.fromkeys((Resource.MEMORY, Resource.CPU, Resource.GPU), _WAIT),
    Resource.BUILD: fixed(
        "{use} Nothing new is built for you until there is room; what is built already starts."
        " {room}"
    ),
    Resource.STORAGE: fixed(
        "{use} No new server starts for you until there is room. Start one that you have used"
        " before and delete files in its terminal (its file browser puts them in a trash, which"
        " counts too), or delete projects on the page Files."
    ),
}
