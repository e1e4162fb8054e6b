"""The launch event log: one JSON object per successful launch, for statistics.

Fields and schema are BinderHub's (`binderhub.jupyter.org/launch`, version 6), so that what reads
mybinder.org's logs reads ours. The person's name is not in it.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

from tornado.log import app_log

from ...core.launch import LaunchRequest

SCHEMA = "binderhub.jupyter.org/launch"
SCHEMA_VERSION = 6


class EventLog:
    """Appends launches to a file.

    Args:
        path: of the file; empty for none.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    async def launched(self, request: LaunchRequest, *, host: str, origin: str) -> None:
        """Write one launch.

        Args:
            request: what was launched.
            host: of this hub.
            origin: host of the page that asked, or empty.
        """
        if not self._path:
            return
        line = json.dumps(entry(request, host=host, origin=origin, now=datetime.now(UTC)))
        try:
            await asyncio.to_thread(self._append, line)
        except OSError as error:
            app_log.error("The launch event log %s cannot be written: %s", self._path, error)

    def _append(self, line: str) -> None:
        with Path(self._path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def entry(request: LaunchRequest, *, host: str, origin: str, now: datetime) -> dict[str, object]:
    """The object of one launch."""
    repo = request.repo
    return {
        "timestamp": now.isoformat().replace("+00:00", "Z"),
        "schema": SCHEMA,
        "version": SCHEMA_VERSION,
        "provider": repo.provider if repo else "image",
        "spec": f"{repo.name}/{request.ref}" if repo else request.image,
        "ref": request.ref if repo else "",
        "status": "success",
        "build_token": False,
        "origin": host,
        "request_origin": origin,
    }
