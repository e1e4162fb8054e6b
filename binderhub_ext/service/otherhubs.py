"""Other Binders on which the same can be launched: which of them are up, and what they take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from ..bodies import whole_body
from ..core.badges import lost_elsewhere
from ..core.jsontext import parse_json
from ..core.launch import LaunchRequest
from ..core.sentences import Sentence

_TIMEOUT = 4
_UP_FOR, _DOWN_FOR = 600, 60
_LARGEST = 1 << 20
"""Bytes of an answer."""
_OURS = "binder-at-home"


@dataclass(frozen=True)
class OtherHub:
    """Another Binder, as it was when it was asked last.

    Attributes:
        name: what people call it.
        url: absolute; what links begin with.
        providers: ids of those it has; nothing if it does not say.
        ours: whether it is one like this, which understands all of our links.
    """

    name: str
    url: str
    providers: frozenset[str] | None = None
    ours: bool = False

    def takes(self, provider: str) -> bool:
        """Whether it has a repository provider, as far as is known."""
        return self.providers is None or provider in self.providers

    def without(self, request: LaunchRequest) -> list[Sentence]:
        """What a launch lacks there, in words; a person's files in any case."""
        return [] if self.ours else lost_elsewhere(request)


class OtherHubs:
    """The Binders that an administrator named, each asked once in a while.

    Args:
        hubs: their absolute URLs, by name.
    """

    def __init__(self, hubs: Mapping[str, str]) -> None:
        self._hubs = dict(hubs)
        self._known: dict[str, tuple[float, OtherHub | None]] = {}
        self._locks = {name: asyncio.Lock() for name in hubs}

    async def taking(self, provider: str) -> list[OtherHub]:
        """Those that are up and have a repository provider, in the administrator's order."""
        hubs = await asyncio.gather(*(self._look(name) for name in self._hubs))
        return [hub for hub in hubs if hub and hub.takes(provider)]

    async def _look(self, name: str) -> OtherHub | None:
        async with self._locks[name]:
            good_until, hub = self._known.get(name, (0.0, None))
            if time.monotonic() >= good_until:
                hub = await _probe(name, self._hubs[name])
                good_until = time.monotonic() + (_UP_FOR if hub else _DOWN_FOR)
                self._known[name] = good_until, hub
            return hub


async def _probe(name: str, url: str) -> OtherHub | None:
    """A hub as it is now; nothing where no Binder answers that all is well with it."""
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT)
    try:
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            paths = ("health", "versions", "api/repoproviders")
            answers = (_ask(session, f"{url.rstrip('/')}/{path}") for path in paths)
            health, versions, providers = await asyncio.gather(*answers)
    except (aiohttp.ClientError, OSError, ValueError):  # also a timeout, and what is no URL
        return None
    if not (isinstance(health, dict) and health.get("ok") and isinstance(versions, dict)):
        return None
    return OtherHub(name, url, _ids(providers), versions.get("name") == _OURS)


async def _ask(session: aiohttp.ClientSession, url: str) -> Any:
    """What is there as JSON; nothing where a hub has no such page."""
    async with session.get(url) as response:
        return parse_json(await whole_body(response, _LARGEST)) if response.status == 200 else None


def _ids(providers: Any) -> frozenset[str] | None:
    """Of what `/api/repoproviders` lists (PROTOCOL 1.9), which older Binders do not have."""
    if not isinstance(providers, list):
        return None
    return frozenset(str(entry.get("id")) for entry in providers if isinstance(entry, dict))
