"""People and moments as the Hub knows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Member:
    """What the Hub knows of somebody.

    Attributes:
        groups: those they are in now.
        since: when they became known, in seconds since 1970; 0 if that may not be asked. Whoever
            had their name before was somebody else.
    """

    groups: tuple[str, ...]
    since: float = 0.0

    @classmethod
    def from_model(cls, model: dict[str, Any], groups: tuple[str, ...] = ()) -> Member:
        since = read_moment(model["created"]) if model.get("created") else 0.0
        return cls(tuple(model["groups"]) if "groups" in model else groups, since)


_CLOCKS = timedelta(minutes=1)
"""How far the clocks of Hub and service may be apart."""


def own_since(since: float) -> datetime:
    """The moment from which on what has a person's name is their own.

    Args:
        since: as of :class:`Member`.
    """
    return datetime.fromtimestamp(since, UTC) - (_CLOCKS if since else timedelta())


def read_moment(iso: str) -> float:
    """Seconds since 1970; the Hub writes times without a zone, or with Z, and means UTC."""
    moment = datetime.fromisoformat(iso)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
