"""What anybody may ask: health, versions, figures, providers (PROTOCOL 1.9)."""

from __future__ import annotations

import json
import time
from importlib.metadata import version
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from tornado.web import HTTPError

from .... import __version__
from ..context import Service
from .base import Api

_HEALTH_SECONDS = 15


class Public(Api):
    """Answers everybody."""

    public = True


class Health(Public):
    """`/health`: 200 if launches can work, 503 if not; looked at every 15 s at most."""

    async def get(self) -> None:
        checks = await self._checks()
        ok = all(check["ok"] for check in checks)
        self.set_status(200 if ok else 503)
        self.write({"ok": ok, "checks": checks})

    async def head(self) -> None:
        ok = all(check["ok"] for check in await self._checks())
        self.set_status(200 if ok else 503)

    async def _checks(self) -> list[dict[str, Any]]:
        cached: tuple[float, list[dict[str, Any]]] | None = self.settings.get("health")
        if cached and time.monotonic() - cached[0] < _HEALTH_SECONDS:
            return cached[1]
        checks = await health(self.service)
        self.settings["health"] = (time.monotonic(), checks)
        return checks


class Versions(Public):
    """`/versions`; open to every site, as BinderHub's."""

    async def get(self) -> None:
        self.set_header("Access-Control-Allow-Origin", "*")
        self.write(
            {
                "binderhub": __version__,
                "builder_info": {"repo2docker-version": version("jupyter-repo2docker")},
                "name": "binder-at-home",
                "engine": type(self.service.builder).__name__,
            }
        )


class Metrics(Public):
    """`/metrics` in Prometheus' text format."""

    async def get(self) -> None:
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.write(generate_latest())


class Providers(Public):
    """`/api/repoproviders`: what the paste box and BinderHub's pages need to know."""

    async def get(self) -> None:
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        entries = [provider.display() for provider in self.service.providers.values()]
        self.write(json.dumps(entries))


class NotFoundApi(Public):
    """Every address of the API that is nothing."""

    async def prepare(self) -> None:
        raise HTTPError(404)


async def health(service: Service) -> list[dict[str, Any]]:
    """Whether what launches depend on answers."""
    return [
        {"service": "JupyterHub API", "ok": await service.hub.health()},
        {"service": "Database", "ok": await _database_answers(service)},
    ]


async def _database_answers(service: Service) -> bool:
    try:
        await service.records.check()
    except SQLAlchemyError:
        return False
    return True
