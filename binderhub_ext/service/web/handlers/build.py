"""BinderHub's `/build/<provider>/<spec>`: launching by an event stream, for API clients.

PROTOCOL 1.4, exactly where a client can see it: always status 200, refusals as `failed` events,
no event names. Better: a dropped client that sends `Last-Event-ID` finds its own launch again.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .... import via
from ....core.errors import BadLink, NotAllowed
from ....core.launch import LaunchRequest
from ....core.links import read_link
from ....core.progress import Event, Phase
from ....core.provider import Provider
from ....core.providers import find
from ....core.repo import Commit
from ....core.sentences import Sentence
from ...failures import Failure
from ...launching.launchstate import State
from ...launching.orders import LaunchOrder
from ...launching.quotas import Allowance
from .api import on_change
from .base import Api
from .links import raw_spec
from .streams import EventStream

_DAY = 24 * 3600
_RESUME = re.compile(r"([A-Za-z0-9_-]{16,64})\.(\d{1,9})")


class Build(EventStream):
    """One launch or build, from the request to its last event."""

    _left: Allowance | None = None

    async def prepare(self) -> None:
        if self.request.method == "OPTIONS":
            return
        if "text/event-stream" not in re.split(r"[,;\s]+", self.request.headers.get("Accept", "")):
            raise BadLink("Send the header “Accept: text/event-stream”: this is an event stream.")
        await super().prepare()

    async def get(self, provider: str, _spec: str) -> None:
        spec = raw_spec(self)
        self._check_consent(provider, spec)
        via.came(self.request.headers.get(via.HEADER, ""))
        self.open_stream()
        if resumed := self._resumed():
            await self._stream(*resumed)
            return
        request = read_link(
            provider, spec.rstrip("/"), self.request.query, providers=self.service.providers
        )
        try:
            state = await self.service.launches.start(self._order(request))
        finally:
            self._left = await self.service.launches.allowance(self.me)
        self._tell_allowance()
        await self._stream(state, 0)

    def asked_language(self) -> str:
        return ""

    # ---- checks

    def _check_consent(self, provider: str, spec: str) -> None:
        """A token was put there by a program on purpose; a cookie goes along unasked.

        Raises:
            NotAllowed: signed in by a cookie, and no page of ours gave a build token.
        """
        given = self.get_query_argument("build_token", "")
        if given:
            self.service.build_tokens.read(given, provider, spec)
        elif not self.by_token:
            raise NotAllowed(
                "A signed-in page needs a build token; programs send a token of the Hub as "
                "“Authorization: Bearer …”."
            )

    def _order(self, request: LaunchRequest) -> LaunchOrder:
        build_only = self.get_query_argument("build_only", "").lower() == "true"
        if build_only and not self.service.api_only:
            raise BadLink("build_only is allowed only where the service is API-only.")
        answer = on_change(self.query_fields())
        return LaunchOrder(
            self.me,
            request,
            answer,
            build_only=build_only,
            origin=self.origin(),
            host=self.request.host,
            language=self.language.tag,
            say=self.language.say,
        )

    def _resumed(self) -> tuple[State, int] | None:
        """The launch a dropped client watched, and the last event it has."""
        said = self.request.headers.get("Last-Event-ID") or self.get_query_argument("last", "")
        match = _RESUME.fullmatch(said)
        running = match and self.service.launches.running(self.me, match[1])
        return (running.state, int(match[2])) if match and running else None

    # ---- answers

    def _tell_allowance(self) -> None:
        if left := self._left:
            self.set_header("X-RateLimit-Limit", str(left.limit))
            self.set_header("X-RateLimit-Remaining", str(left.remaining))
            self.set_header("X-RateLimit-Reset", str(left.reset))

    async def _stream(self, state: State, after: int) -> None:
        running = self.service.launches.running(self.me, state.id)
        if running is None:
            return
        client = self._client(running.order.request)
        self.number_prefix = f"{state.id}."
        build_only = running.order.build_only

        async def shape(event: Event) -> Event | None:
            if build_only and event.phase is Phase.BUILT:
                return None
            if event.phase is Phase.READY and not build_only:
                token = await self._server_token(running.state.server)
                return client.ready(event, running.state, token)
            return event

        await self.follow(running.history, after, shape)

    async def _server_token(self, server: str) -> str:
        """What a client on another site opens the server with, such as Thebe.

        Clients send the token to the server, which runs a stranger's code: so it is good for
        this server alone. Pages of this hub have their cookies and need none.
        """
        made = None
        if self.by_token:
            made = await self.service.hub.token_for_server(self.me, server, seconds=_DAY)
        return made.token if made else secrets.token_urlsafe(16)

    def _client(self, request: LaunchRequest) -> Client:
        provider = find(self.service.providers, request.repo.provider if request.repo else "image")
        address = self.request.remote_ip or ""
        return Client(self.host_url, self.service.prefix, provider, request, address)

    def show_failure(self, failure: Failure) -> None:
        """As an event: clients of this protocol read no status."""
        self.set_status(200)
        self.open_stream()
        self._tell_allowance()
        self.tell_once(failure.event)
        self.finish()


@dataclass(frozen=True)
class Client:
    """What the last event tells a BinderHub client besides ours."""

    base: str
    prefix: str
    provider: Provider
    request: LaunchRequest
    address: str

    def ready(self, event: Event, state: State, token: str) -> Event:
        """The event with BinderHub's fields; `url` is the server's own, for the client to join."""
        server = event.data.get("server_url", "")
        fields: dict[str, Any] = {
            **event.data,
            "url": server if "://" in server else self.base + server,
            "token": token,
            "repo_url": self.request.repo.url if self.request.repo else "",
            "binder_launch_host": f"{self.base}{self.prefix}",
            "binder_client_ip": self.address,
            **self._names(state.commit),
        }
        message = Sentence("server running at {url}", url=fields["url"])
        return Event(event.phase, message, fields)

    def _names(self, commit: str) -> dict[str, str]:
        repo = self.request.repo
        if repo is None:
            name = f"v2/image/{quote(self.request.image, safe='')}"
            return {
                "binder_request": name,
                "binder_persistent_request": name,
                "binder_ref_url": "",
            }
        spec, pinned = (self.provider.spec(repo, ref) for ref in (self.request.ref, commit))
        return {
            "binder_request": f"v2/{self.provider.id}/{spec}",
            "binder_persistent_request": f"v2/{self.provider.id}/{pinned}",
            "binder_ref_url": self.provider.commit_url(Commit(repo, self.request.ref, commit)),
        }


class BuildTokenApi(Api):
    """`POST /api/build-tokens`: for a page of ours that wants to read one build stream."""

    async def post(self) -> None:
        link = str(self.json_body().get("link", ""))
        _, _, rest = link.partition("v2/")
        provider, _, spec = rest.partition("?")[0].partition("/")
        read_link(provider, spec, providers=self.service.providers)
        token = self.service.build_tokens.make(provider, spec, self.request.host)
        self.write({"build_token": token, "path": f"build/{provider}/{spec}"})
