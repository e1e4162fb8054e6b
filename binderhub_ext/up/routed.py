"""What a proxy in a container of its own is asked before anybody is sent to it: has it its routes?

They are in its memory, and the Hub tells a new one all of them; until then it would send people to
pages that are not there.

    python -P -m binderhub_ext.up.routed
"""

from __future__ import annotations

import json
import os
import sys
from urllib.request import ProxyHandler, Request, build_opener

SERVICE = "binder"
_ROUTES = "http://127.0.0.1:8001/api/routes"
_PATIENCE = 3


def main() -> int:
    """Ask the proxy of this container.

    Returns:
        0 if it has the service's route, which the Hub tells last.
    """
    token = os.environ["CONFIGPROXY_AUTH_TOKEN"]
    request = Request(_ROUTES, headers={"Authorization": f"token {token}"})
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=_PATIENCE) as response:
            routes = json.loads(response.read())
    except OSError as error:
        print(error)
        return 1
    return 0 if any(route.get("service") == SERVICE for route in routes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
