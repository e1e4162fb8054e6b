"""One origin for the Hub and our service, another for each person's servers.

What a server shows is a stranger's work. At the Hub's own address a browser would take its
scripts for the Hub's: they could launch, and make themselves a token. On this machine a host for
each person takes no set-up, because browsers take every name below `localhost` for it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from jupyterhub.utils import url_path_join
from traitlets.config import Config

from ..hub import SERVICE
from . import signin
from .network import Ports

SHARED = (
    "Several people can sign in, and their servers have the Hub's own address: a page that one"
    " person's server shows can act as whoever opens it."
)
MEND = (
    "Give each person's servers an address of their own by c.JupyterHub.subdomain_host;"
    " docs/how-to/let-people-in.md says how."
)

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_PROGRAMS = ("api", "build")


def separate(c: Config, ip: str, ports: Ports) -> None:
    """Give people's servers hosts of their own, where it takes nothing but this machine.

    Not where an administrator chose how people sign in: a proxy may be in front then, and the
    name people use is another.

    Args:
        c: the whole configuration, an administrator's included.
        ip: where the proxy listens.
        ports: of this `up`.
    """
    hub = c.JupyterHub
    if not {"subdomain_host", "public_url"} & set(hub) and _is_for_this_machine(c, ip):
        hub.subdomain_host = f"http://localhost:{ports.public}".removesuffix(":80")
    if not hub.get("subdomain_host"):
        return
    if "://" not in hub.subdomain_host:
        hub.subdomain_host = f"https://{hub.subdomain_host}"  # as JupyterHub takes it
    if hub.subdomain_host.startswith("https:"):
        # A page of a server may set cookies for the domain above its host, but none of this kind.
        hub.setdefault("cookie_host_prefix_enabled", True)
    hub.services = [
        {**service, **_service(hub, service)} if service.get("name") == SERVICE else service
        for service in hub.get("services", [])
    ]
    if urlsplit(hub.subdomain_host).hostname == "localhost":
        c.Proxy.extra_routes = {**_for_programs(c, ports), **c.Proxy.get("extra_routes", {})}


def are_shared(c: Config) -> bool:
    """Whether several people's servers and the Hub are one to a browser."""
    return not c.JupyterHub.get("subdomain_host") and signin.several_people(c)


def _service(hub: Config, service: dict[str, Any]) -> dict[str, Any]:
    """What our service needs beside a Hub whose people have hosts of their own."""
    changed: dict[str, Any] = {}
    if hub.get("cookie_host_prefix_enabled"):
        # the Hub tells it to people's servers alone
        variable = {"JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": "1"}
        changed["environment"] = {**service.get("environment", {}), **variable}
    if urlsplit(hub.subdomain_host).port:
        # JupyterHub's menu leaves the port out of links to services with a host.
        changed["display"] = False
    return changed


def _is_for_this_machine(c: Config, ip: str) -> bool:
    encrypted = "ssl_key" in c.JupyterHub or c.JupyterHub.get("bind_url", "").startswith("https:")
    return ip in _THIS_MACHINE and not encrypted and signin.is_generated(c)


def _for_programs(c: Config, ports: Ports) -> dict[str, str]:
    """Routes by which programs, which keep no cookies, find the service at 127.0.0.1 too."""
    prefix = url_path_join("127.0.0.1", c.JupyterHub.get("base_url", "/"), "services", SERVICE)
    service = f"http://127.0.0.1:{ports.service}"
    return {url_path_join(prefix, part, "/"): service for part in _PROGRAMS}
