"""The event log: one JSON object per successful launch, per change of the catalogue and per act of
an administrator or a teacher.

Fields and schema of launches are BinderHub's (`binderhub.jupyter.org/launch`, version 6), so that
what reads mybinder.org's logs reads ours; `jupyter_events` would put other names around them. The
person's name is not in them. A change and an act have the name of whoever did it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tornado.log import app_log

from ...core.launch import LaunchRequest

SCHEMA = "binderhub.jupyter.org/launch"
SCHEMA_VERSION = 6
ACT_SCHEMAS = {"administrator": "binder-at-home/administration", "teacher": "binder-at-home/class"}
"""By what whoever acted is."""
CATALOGUE_SCHEMA = "binder-at-home/catalogue"


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
        if self._path:
            await self._write(entry(request, host=host, origin=origin, now=datetime.now(UTC)))

    async def acted(
        self, who: str, action: str, subject: str, *, role: str = "administrator"
    ) -> None:
        """Write what an administrator or a teacher did; the service's own log has it in any case.

        Args:
            role: one of `ACT_SCHEMAS`, what they did it as.
        """
        app_log.warning("The %s %s: %s %s", role, who, action, subject)
        await self._done(ACT_SCHEMAS[role], {role: who, "action": action, "subject": subject})

    async def catalogued(self, person: str, action: str, entry: str, link: str) -> None:
        """Write what somebody did to an entry of the catalogue, or said of it."""
        app_log.info("Catalogue: %s of %s by %s", action, entry, person)
        fields = {"person": person, "action": action, "entry": entry, "link": link}
        await self._done(CATALOGUE_SCHEMA, fields)

    async def _done(self, schema: str, fields: Mapping[str, str]) -> None:
        if self._path:
            moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
            await self._write({"timestamp": moment, "schema": schema, "version": 1, **fields})

    async def _write(self, fields: dict[str, object]) -> None:
        line = json.dumps(fields)
        try:
            await asyncio.to_thread(self._append, line)
        except OSError as error:
            app_log.error("The event log %s cannot be written: %s", self._path, error)

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
