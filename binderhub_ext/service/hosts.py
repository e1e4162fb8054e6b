"""Where the Hub, this service and people's servers are to a browser. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ..core.errors import CannotStart


def server_hosts(hub_host: str, environ: Mapping[str, str]) -> str:
    """The hosts of people's servers, as a browser's policy names them; empty without any.

    Args:
        hub_host: the Hub's public host, or empty where it knows none.
        environ: as JupyterHub starts a service.

    Raises:
        CannotStart: our pages would be on another host than the Hub's.
    """
    hub, ours = urlsplit(hub_host), urlsplit(environ.get("JUPYTERHUB_PUBLIC_URL", ""))
    if hub.netloc and ours.netloc and hub.netloc != ours.netloc:
        raise CannotStart(
            "This service belongs on the Hub's own host, {hub}, and is to be at"
            " {ours}. Set c.JupyterHub.subdomain_hook to binderhub_ext.hub.host_of, or"
            " have yours return `domain` for it.",
            hub=hub.netloc,
            ours=ours.netloc,
        )
    return f"{hub.scheme}://*.{hub.netloc}" if hub.netloc else ""
