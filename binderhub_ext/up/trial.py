"""What `helm test` runs in the cluster: whether a launch works, and what a server reaches.

    python -P -m binderhub_ext.up.trial launch LINK
    python -P -m binderhub_ext.up.trial reach YES… --not NO…

The first launches as the person `binder-test`, whom only it can be. The second runs in a pod that
network policies take for somebody's server.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from ..client import Client
from ..core.errors import BinderError

PERSON = "binder-test"
TOKEN = "BINDER_TEST_TOKEN"
"""Name of the variable with what `helm test` shows the Hub."""

_PATIENCE = 3.0
_SETTLED = 30.0
"""Seconds in which a cluster lets a new pod through where its policies say so, and nowhere else."""
_HOUR = 3600


def main(argv: list[str]) -> int:
    """Try, and say what came of it.

    Returns:
        0 if all is as it should be.
    """
    options = _parser().parse_args(argv)
    if options.trial == "launch":
        return launch(options.link)
    return reach(options.yes, options.no)


def launch(link: str) -> int:
    """Launch something real, and stop it."""
    hub, service = os.environ["BINDER_HUB_API"], os.environ["BINDER_SERVICE"]
    for place in map(_place, (hub, service)):
        _becomes(place, time.monotonic() + _SETTLED, answering=True)
    token = _ask(hub, "POST", f"users/{PERSON}/tokens", os.environ[TOKEN], {"expires_in": _HOUR})
    try:
        ready = _launched(Client(service, token["token"], encrypted=False), link)
    except (BinderError, OSError, HTTPException) as error:
        print(f"The launch failed: {error}")
        return 1
    for name in _ask(hub, "GET", f"users/{PERSON}", token["token"])["servers"]:
        _ask(hub, "DELETE", f"users/{PERSON}/servers/{name}", token["token"])
    return 0 if ready else 1


def _launched(client: Client, link: str) -> bool:
    last: dict[str, Any] = {}
    for last in client.events(client.start(link)):
        print(last.get("phase", ""), last.get("message", "").rstrip(), flush=True)
    return last.get("phase") == "ready"


def _ask(hub: str, method: str, path: str, token: str, body: object = None) -> Any:
    request = Request(
        f"{hub.rstrip('/')}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {token}"},
    )
    with build_opener(ProxyHandler({})).open(request, timeout=60) as response:
        said = response.read()
    return json.loads(said) if said else {}


def reach(yes: list[str], no: list[str]) -> int:
    """Whether this pod reaches just what it should.

    Args:
        yes: `host:port` of what it has to reach.
        no: of what it must not.
    """
    until = time.monotonic() + _SETTLED
    shut = [place for place in yes if not _becomes(place, until, answering=True)]
    for place in shut:
        print(f"{place} is not reached, and should be.")
    open_ = [place for place in no if not _becomes(place, until, answering=False)]
    for place in open_:
        print(f"{place} is reached, and must not be.")
    if open_:
        print("Does this cluster's network enforce network policies?")
    return 1 if shut or open_ else 0


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 80}"


def _becomes(place: str, until: float, *, answering: bool) -> bool:
    """Whether a place answers, or does not, as soon as policies had time to be in force."""
    while _answers(place) != answering:
        if time.monotonic() > until:
            return False
        time.sleep(0.5)
    return True


def _answers(place: str) -> bool:
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except OSError:
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="trial", description=__doc__)
    trials = made.add_subparsers(dest="trial", required=True)
    trials.add_parser("launch").add_argument("link")
    reached = trials.add_parser("reach")
    reached.add_argument("yes", nargs="*", metavar="YES")
    reached.add_argument("--not", dest="no", nargs="*", default=[], metavar="NO")
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
