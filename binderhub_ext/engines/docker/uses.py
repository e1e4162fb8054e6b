"""What the containers of servers use, as the engine counts it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ...core.launch import Launch
from ...core.layout import DataDirectory
from ...core.using import UNKNOWN, Use
from . import endpoint
from .endpoint import Engine, Unanswered
from .rundir import RunDirectory
from .sweep import HUB, RUN, hub_label

_PATIENCE = 1.0
"""Seconds for all answers; the page that shows them waits no longer."""

_CACHES = ("inactive_file", "total_inactive_file")
"""What the engine calls memory that is given back when somebody needs it: of control groups of
version 2, and 1."""


async def uses_of(layout: DataDirectory, launches: Sequence[Launch]) -> list[Use]:
    """What each launch's server uses; nothing is known where the engine does not say it at once."""
    names = [RunDirectory.of(layout, launch.user, launch.server).name for launch in launches]
    found: dict[str, Use] = {}
    if names and (socket := endpoint.socket_path()):
        with suppress(Unanswered, TimeoutError):
            async with asyncio.timeout(_PATIENCE), endpoint.connected(socket) as engine:
                await _look(engine, hub_label(layout), names, found)
    return [found.get(name, UNKNOWN) for name in names]


async def _look(engine: Engine, hub: str, names: Sequence[str], found: dict[str, Use]) -> None:
    """Fill in what is found, as it is found."""
    filters = json.dumps({"label": [f"{HUB}={hub}"]})
    listed = await engine.get("containers/json", filters=filters)
    ids = {one["Labels"].get(RUN, ""): one["Id"] for one in listed or ()}

    async def look(name: str) -> None:
        # without `one-shot` the engine watches a second to say how busy the processors are
        path = f"containers/{ids[name]}/stats"
        if facts := await engine.get(path, stream="false", **{"one-shot": "true"}):
            found[name] = use_in(facts)

    await asyncio.gather(*(look(name) for name in names if name in ids))


def use_in(facts: Mapping[str, Any]) -> Use:
    """What the engine's figures of a container say; of one that has ended it has none."""
    memory = facts.get("memory_stats") or {}
    details = memory.get("stats") or {}
    cache = next((details[name] for name in _CACHES if name in details), 0)
    used = memory.get("usage")
    worked = ((facts.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage")
    return Use(max(used - cache, 0) if used else None, worked / 1e9 if worked else None)
