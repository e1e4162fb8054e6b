"""Docker's own socket, for what every launch asks: a program for it takes ten times as long.

Only where the command line would use the same socket; what it takes to reach any other engine, of
contexts, other machines and their keys, the command line alone knows.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import ClientError, ClientSession, ClientTimeout, UnixConnector

_DEFAULT = "/var/run/docker.sock"
_TIMEOUT = ClientTimeout(total=60)


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
    address = f"http://docker/images/{quote(image, safe='/:@')}/json"
    connector = UnixConnector(socket)
    try:
        async with (
            ClientSession(connector=connector, timeout=_TIMEOUT) as session,
            session.get(address) as answer,
        ):
            if answer.status == 404:
                return None
            answer.raise_for_status()
            facts: dict[str, Any] = await answer.json()
            return facts
    except (ClientError, OSError, TimeoutError, ValueError) as error:
        raise Unanswered from error


def _context() -> str:
    """The context somebody chose for Docker's command line, if any."""
    if chosen := os.environ.get("DOCKER_CONTEXT"):
        return chosen
    folder = os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker"
    with suppress(OSError, ValueError, AttributeError):
        return str(json.loads(Path(folder, "config.json").read_text()).get("currentContext", ""))
    return ""
