"""For Hubs that need no proxy: requests go straight to the Hub's port and to each server's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyterhub.proxy import Proxy

CONFIG = f"""
import sys
sys.path.append({str(Path(__file__).parent)!r})
c.JupyterHub.proxy_class = "noproxy.NoProxy"
"""
"""Lines of a Hub's configuration that leave the proxy out."""


class NoProxy(Proxy):  # type: ignore[misc]
    """Remembers routes, and routes nothing."""

    should_start = False

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._routes: dict[str, dict[str, Any]] = {}

    async def get_all_routes(self) -> dict[str, dict[str, Any]]:
        return self._routes

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        self._routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec: str) -> None:
        self._routes.pop(routespec, None)
