"""What anybody may ask: health, versions, figures, providers (PROTOCOL 1.9)."""

from __future__ import annotations

import json
from importlib.metadata import version

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from tornado.web import HTTPError

from .... import __version__
from ....core.folders import FOLDER
from .base import Api


class Public(Api):
    """Answers everybody."""

    public = True


class Health(Public):
    """`/health`: 200 if launches can work, 503 if not; looked at every 15 s at most."""

    async def get(self) -> None:
        checks = await self.service.health.checks()
        ok = all(check["ok"] for check in checks)
        self.set_status(200 if ok else 503)
        self.write({"ok": ok, "checks": checks})

    async def head(self) -> None:
        ok = all(check["ok"] for check in await self.service.health.checks())
        self.set_status(200 if ok else 503)


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
        offered = dict(self.service.providers)
        if not self.service.policy.folders:
            offered.pop(FOLDER.id, None)
        entries = [provider.display() for provider in offered.values()]
        self.write(json.dumps(entries))


class NotFoundApi(Public):
    """Every address of the API that is nothing."""

    async def prepare(self) -> None:
        raise HTTPError(404)
