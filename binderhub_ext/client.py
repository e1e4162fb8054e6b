"""A program's side of a service: start a launch, watch it, give it up. Standard library only.

The token goes into a header and nowhere else: redirects are refused, because they would carry it
to another address, and addresses without encryption are for this machine alone.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from importlib import import_module
from itertools import chain
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPHandler, HTTPRedirectHandler, Request, build_opener

from .core.errors import BadLink, BinderError, NotAllowed, RepoUnavailable
from .core.sse import Parser

TOKEN_VARIABLES = ("BINDER_AT_HOME_TOKEN", "JUPYTERHUB_API_TOKEN")
KEYRING = "binder-at-home"
SERVICE_PATH = "services/binder/"

_SILENCE = 75
"""Seconds without a sign of life after which a stream counts as dropped; three keep-alives."""
_TRIES = 5
_PASSING = (502, 503, 504)
_FINAL = ("ready", "failed", "failure")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Unreachable(RepoUnavailable):
    """The hub does not answer."""

    code, status = "hub-unreachable", 502


class Refused(BinderError):
    """The hub says no; code and words are its own, where it has some."""

    code, status = "refused", 502

    def __init__(self, code: str, status: int, message: str, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.code, self.status = code, status


def is_this_machine(host: str) -> bool:
    return host in _LOOPBACK or host.endswith(".localhost")


@dataclass(frozen=True)
class Started:
    """A launch that was accepted.

    Attributes:
        events: absolute address of its event stream.
        cancel: absolute address to give it up, or empty.
    """

    events: str
    cancel: str = ""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class _ThisMachine(HTTPHandler):
    """Finds names below `localhost` as browsers do; the system's resolver need not know them."""

    def http_open(self, req: Request) -> HTTPResponse:
        name, colon, port = req.host.partition(":")
        if name.endswith(".localhost"):
            # the header Host is in the request already
            req.host = f"127.0.0.1{colon}{port}"
        return super().http_open(req)


class Client:
    """One person at one service.

    Args:
        hub: address of a JupyterHub, or of the service itself.
        token: of the person, with access to the service.
        encrypted: whether the way there has to be; one inside a cluster is not.

    Raises:
        BadLink: not a web address, or one to which a token must not be sent.
    """

    def __init__(self, hub: str, token: str, *, encrypted: bool = True) -> None:
        parts = urlsplit(hub)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadLink(
                "{hub} is not the address of a hub, such as https://hub.example.org.", hub=hub
            )
        if encrypted and parts.scheme == "http" and not is_this_machine(parts.hostname):
            raise BadLink("{hub} is not encrypted: a token must not go there. Use https.", hub=hub)
        hub = hub.rstrip("/") + "/"
        self.service = hub if "/services/" in parts.path else urljoin(hub, SERVICE_PATH)
        self._headers = {"Authorization": f"token {token}", "Accept": "application/json"}
        self._opener = build_opener(_NoRedirects, _ThisMachine)

    @property
    def on_this_machine(self) -> bool:
        """Whether the hub is one of this machine."""
        return is_this_machine(urlsplit(self.service).hostname or "")

    def person(self) -> str:
        """What the Hub calls whose token it is.

        Raises:
            Refused, Unreachable.
        """
        with self._open("../../hub/api/user") as response:
            return str(json.load(response)["name"])

    def start(self, paste: str) -> Started:
        """Start a launch of anything the paste box takes.

        Raises:
            Refused, Unreachable.
        """
        with self._open("api/launches", body={"repo": paste}) as response:
            view = json.load(response)
        events = urljoin(self.service, view["events"])
        return Started(events, events.removesuffix("events") + "cancel")

    def start_build(self, link: str) -> Started:
        """Build without launching, where the service is for that.

        Args:
            link: `v2/<provider>/<spec>`, relative to the service.
        """
        path = link.removeprefix("v2/").partition("?")[0]
        return Started(f"{self.service}build/{path}?build_only=true")

    def cancel(self, started: Started) -> None:
        """Give a launch up; a build that others wait for goes on."""
        if started.cancel:
            with suppress(BinderError):
                self._open(started.cancel, body={}).close()

    def events(self, started: Started) -> Iterator[dict[str, Any]]:
        """What happens until it is ready or failed; a dropped stream is taken up again.

        Raises:
            Refused: the hub does not let us watch.
            Unreachable: it did not come back.
        """
        parser, failures = Parser(), 0
        while True:
            try:
                parser = Parser(parser.last)
                with self._watch(started.events, parser.last) as response:
                    for event in chain.from_iterable(map(parser.feed, response)):
                        failures = 0
                        yield event
                        if event.get("phase") in _FINAL:
                            return
            except (OSError, HTTPException, Unreachable):
                pass
            failures += 1
            if failures > _TRIES:
                raise Unreachable(
                    "Lost contact with the hub during the launch. Look at its main page."
                )
            time.sleep(min(2**failures, 20) / 4)

    def absolute(self, url: str) -> str:
        """An address the service gave, as a browser needs it."""
        return urljoin(self.service, url)

    def _watch(self, url: str, last: str) -> HTTPResponse:
        resume = {"Last-Event-ID": last} if last else {}
        return self._open(url, headers={"Accept": "text/event-stream", **resume})

    def _open(
        self, path: str, *, body: object = None, headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        request = Request(
            urljoin(self.service, path),
            data=None if body is None else json.dumps(body).encode(),
            headers={**self._headers, "Content-Type": "application/json", **(headers or {})},
        )
        try:
            response: HTTPResponse = self._opener.open(request, timeout=_SILENCE)
        except HTTPError as error:
            # It is an answer, too, and stays open until somebody closes it.
            with error:
                if error.code in _PASSING:
                    raise Unreachable(
                        "The hub answered with status {status}.", status=error.code
                    ) from error
                raise _refusal(error) from None
        except (URLError, OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise Unreachable(
                "The hub at {service} does not answer: {reason}.",
                service=self.service,
                reason=reason,
            ) from error
        return response


def find_token(hub: str) -> str:
    """A person's token for a hub: from the environment, else from the keyring if there is one.

    Raises:
        NotAllowed: none; says how to make one.
    """
    for name in TOKEN_VARIABLES:
        if token := os.environ.get(name, ""):
            return token
    with suppress(ImportError):
        if token := import_module("keyring").get_password(KEYRING, hub) or "":
            return str(token)
    raise NotAllowed(
        "There is no token for {hub}. Make one on the page {base}/hub/token and put "
        "it into the environment variable {variable}, or into the keyring by "
        "“keyring set {keyring} {hub}”.",
        hub=hub,
        base=hub.rstrip("/"),
        variable=TOKEN_VARIABLES[0],
        keyring=KEYRING,
    )


def _refusal(error: HTTPError) -> Refused:
    try:
        body = json.loads(error.read() or b"{}")
    except ValueError:
        body = {}
    words = body.get("message") or f"The hub answered with status {error.code}."
    if error.code in (301, 302, 303, 307, 308):
        words = "The hub sends us elsewhere. Check its address, and that the token is valid."
    return Refused(body.get("code", Refused.code), error.code, words, body.get("detail", ""))
