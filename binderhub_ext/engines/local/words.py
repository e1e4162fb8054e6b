"""What a build tells, and how it says that a step failed."""

from __future__ import annotations

import re

from ...core.errors import BinderError, BuildFailed, NoSpace
from ...core.progress import Event, Phase
from ...programs import ProcessFailed
from . import uv

_NETWORK_TROUBLE = re.compile(
    r"dns error|error sending request|Could not connect|Failed to fetch|Network is unreachable"
    r"|Temporary failure in name resolution|connection refused",
    re.IGNORECASE,
)


def network_trouble(failure: ProcessFailed) -> bool:
    """Whether it failed because something could not be reached."""
    return _NETWORK_TROUBLE.search(failure.tail) is not None


def say(message: str, progress: int | None = None) -> Event:
    return Event(Phase.BUILDING, message, {} if progress is None else {"progress": progress})


def output(line: str) -> Event:
    return Event(Phase.BUILDING, line, {"log": True})


def status(failure: ProcessFailed) -> str:
    if failure.status in (-9, 137):
        return "signal 9; it may have used more memory than a build may"
    return f"signal {-failure.status}" if failure.status < 0 else f"status {failure.status}"


def explained(failure: ProcessFailed, otherwise: str, *, uv_says: bool = True) -> BinderError:
    """The error for people: what uv, the disk or the network said, or the step's own words."""
    if NoSpace.in_text(failure.tail):
        return NoSpace(
            "The disk was full during the build. Ask the administrator to make room.",
            detail=failure.tail,
        )
    if uv_says and network_trouble(failure):
        return BuildFailed(
            "A package index or another host could not be reached during the build. "
            "Try again later.",
            detail=failure.tail,
        )
    return BuildFailed((uv_says and uv.explain(failure.tail)) or otherwise, detail=failure.tail)
