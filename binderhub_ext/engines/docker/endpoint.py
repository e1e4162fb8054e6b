"""Docker's own socket, for what every launch asks: a program for it takes ten times as long.

Only where the command line would use the same socket; what it takes to reach any other engine, of
contexts, other machines and their keys, the command line alone knows.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector

_DEFAULT = "/var/run/docker.sock"
_TIMEOUT = ClientTimeout(total=60)
_AT_ONCE = 16
"""Questions that the engine is asked at the same time."""


class Unanswered(Exception):
    """The socket gave no answer that says anything; the command line finds words for it."""


def socket_path() -> str:
    """Path of the socket that Docker's command line uses; empty if it uses anything else."""
    host = os.environ.get("DOCKER_HOST", "")
    if not host and _context() in ("", "default"):
        return _DEFAULT
    return host.removeprefix("unix://") if host.startswith("unix://") else ""


async def image_facts(socket: str, image: str) -> dict[str, Any] | None:
    """Everything the engine behind a socket knows of an image, or `None` where there is none.

    Raises:
        Unanswered
    """
    async with connected(socket) as engine:
        facts: dict[str, Any] | None = await engine.get(f"images/{quote(image, safe='/:@')}/json")
        return facts


@dataclass(frozen=True)
class Engine:
    """The engine behind a socket."""

    _session: ClientSession

    async def get(self, path: str, **asked: str) -> Any:
        """What it answers; `None` where there is no such thing.

        Raises:
            Unanswered
        """
        try:
            async with self._session.get(f"http://docker/{path}", params=asked) as answer:
                if answer.status == 404:
                    return None
                answer.raise_for_status()
                return await answer.json()
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unanswered from error


@asynccontextmanager
async def connected(socket: str) -> AsyncIterator[Engine]:
    """The engine behind a socket, for a few questions."""
    connector = UnixConnector(socket, limit=_AT_ONCE)
    async with ClientSession(connector=connector, timeout=_TIMEOUT) as session:
        yield Engine(session)


def _context() -> str:
    """The context somebody chose for Docker's command line, if any."""
    if chosen := os.environ.get("DOCKER_CONTEXT"):
        return chosen
    folder = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    with suppress(OSError, ValueError, AttributeError):
        return str(json.loads(Path(folder, "config.json").read_text()).get("currentContext", ""))
    return ""
