"""What is said before a launch of what cannot be built here, with the ways on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...core.badges import elsewhere
from ...core.errors import BadLink, BinderError, BuildFailed, Unsupported
from ...core.launch import LaunchRequest
from ...core.links import write_link
from ...core.parameters import PLAIN
from ...core.repo import Commit
from ...core.sentences import Sentence
from ...core.url import SCHEMES, read_url
from ...engines.base import Environment
from ...repos.network import is_public
from .context import Service

_PUBLIC_ONLY = ("mybinder.org",)
"""Hubs that are nobody's own, and reach what everybody reaches."""


@dataclass(frozen=True)
class Refusal:
    """Why an environment cannot be built, and what can be done instead.

    Attributes:
        error: the engine's own.
        ways: words and addresses.
    """

    error: BinderError
    ways: tuple[tuple[Sentence, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """For pages and the API."""
        ways = [{"words": words, "url": url} for words, url in self.ways]
        return {**self.error.to_dict(), "ways": ways}


async def look(
    service: Service, request: LaunchRequest, commit: Commit
) -> Environment | Refusal | None:
    """What a commit's environment is, or why there is none; nothing if that takes longer."""
    try:
        return await service.builds.look(commit)
    except (Unsupported, BuildFailed) as error:
        return Refusal(error, await _ways(service, request, commit))


async def _ways(
    service: Service, request: LaunchRequest, commit: Commit
) -> tuple[tuple[Sentence, str], ...]:
    plain = write_link(replace(request, environment=PLAIN), providers=service.providers)
    ways = [(Sentence("Open its files in the plain environment"), service.prefix + plain)]
    public = not commit.repo.reader and await _is_public(commit.repo.url)
    for hub in await service.hubs.taking(commit.repo.provider):
        if not public and hub.url.partition("://")[2].rstrip("/") in _PUBLIC_ONLY:
            continue
        try:
            url = elsewhere(request, hub.url, service.targets, ours=hub.ours)
        except BadLink:
            continue
        words = Sentence("Launch it on {hub}, where your files are not", hub=hub.name)
        ways.append((words, url))
    return tuple(ways)


async def _is_public(url: str) -> bool:
    try:
        return await is_public(read_url(url, SCHEMES))
    except (BinderError, OSError, TimeoutError):
        return False
