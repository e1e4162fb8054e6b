"""The Hub answers at its own host alone.

The proxy leads whatever nobody else has to the Hub, at every host. A page of a person's server
could so meet the Hub's pages at its own origin, and sign in there wherever signing in asks for
nothing (JupyterHub only logs that it sets a cookie at the wrong host).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from jupyterhub.handlers import BaseHandler
from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import Application, HTTPError

from .network import is_loopback

_FOR_PROGRAMS = ("api", "error", "health", "metrics", "static")
"""What servers, the proxy and monitoring ask the Hub for at whatever address they know it by."""


def keep_to_own_host(application: Application, public_url: str, hub_prefix: str) -> None:
    """Make a Hub whose people have hosts of their own refuse to be met there.

    Args:
        application: the Hub's.
        public_url: where people reach the Hub.
        hub_prefix: such as `/hub/`.
    """
    elsewhere = _Elsewhere(urlsplit(public_url).hostname or "", hub_prefix)
    rule = Rule(elsewhere, WrongHost, {"public_url": public_url})
    application.default_router.rules.insert(0, rule)


class _Elsewhere(Matcher):
    """Requests at another host than the Hub's."""

    def __init__(self, own: str, hub_prefix: str) -> None:
        self._own = own
        self._open = tuple(f"{hub_prefix}{name}" for name in _FOR_PROGRAMS)

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        name = request.host_name.lower()
        if name == self._own:
            return None
        if not is_below(name, self._own) and request.path.startswith(self._open):
            return None
        return {}


class WrongHost(BaseHandler):
    """Sends people on to the Hub's own host, and lets nothing happen here."""

    def initialize(self, public_url: str) -> None:
        self._hub = urlsplit(public_url)

    def check_xsrf_cookie(self) -> None:
        """Nothing, since nothing happens here."""

    async def prepare(self) -> None:
        name = self.request.host_name.lower()
        own = self._hub.hostname or ""
        same = is_below(name, own) or (is_loopback(name) and is_loopback(own))
        if same and self.request.method in ("GET", "HEAD"):
            self.redirect(f"{self._hub.scheme}://{self._hub.netloc}{self.request.uri}")
            return
        await super().prepare()
        raise HTTPError(
            421,
            f"This hub is at {self._hub.geturl()} and nowhere else. If people should reach it here,"
            " set c.JupyterHub.subdomain_host to this address; a proxy in front has to pass the"
            " header Host on. On one person's machine, “up --no-subdomains” takes any address.",
        )


def is_below(name: str, domain: str) -> bool:
    """Whether a host is one of those below a domain."""
    return name.endswith(f".{domain}")
