"""Whether what launches depend on answers, asked once in a while however many ask us."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ...core.errors import DatabaseUnavailable, NoSpace
from ..hub import HubClient
from ..records.records import Records

_GOOD_FOR = 15


class Health:
    """The checks of a service.

    Args:
        hub, records: what is looked at.
    """

    def __init__(self, hub: HubClient, records: Records) -> None:
        self._hub, self._records = hub, records
        self._checks: list[dict[str, Any]] = []
        self._good_until = 0.0
        self._asking = asyncio.Lock()

    async def checks(self) -> list[dict[str, Any]]:
        """Each with `service`, `ok` and perhaps why it is not, as `message`; at most 15 s old."""
        async with self._asking:
            if time.monotonic() >= self._good_until:
                self._checks = [
                    {"service": "JupyterHub API", "ok": await self._hub.health()},
                    await self._database(),
                ]
                self._good_until = time.monotonic() + _GOOD_FOR
        return self._checks

    async def _database(self) -> dict[str, Any]:
        try:
            await self._records.check()
        except (DatabaseUnavailable, NoSpace) as error:
            return {"service": "Database", "ok": False, "message": error.message}
        return {"service": "Database", "ok": True}
