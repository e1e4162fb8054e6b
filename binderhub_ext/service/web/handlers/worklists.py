"""The lists of the main page: a person's servers and projects, a page of them at a time.

The Hub and the database are asked at the same time, as either takes as long as the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlencode

from ....core.launch import Launch
from ....core.sharees import Sharee
from ...hub import Person, Server, State
from ...launching import launchstate
from ...members import Member
from ...person.invitations import Invitation
from ...person.shares import SharedServer
from ...records.tables import LaunchRow
from .. import views
from ..context import Service
from ..longlists import has_words, number_of, part_of
from ..workviews import WorkRow, work_rows
from .base import Page

ROWS = 25
"""Servers and projects on one page."""

_FIND_MAX = 64
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Part:
    """What of somebody's work is looked at.

    Attributes:
        find: words that a row has; all rows if empty.
        page: from 1.
    """

    find: str = ""
    page: int = 1

    @classmethod
    def asked(cls, page: Page) -> Part:
        """What the address of a page asks for, or that of the page on which a form was sent."""
        address = page.request.uri or ""
        if page.request.method == "POST":
            address = page.request.headers.get("Referer", "")
        query = parse_qs(address.partition("?")[2])
        find, number = (query.get(name, [""])[0] for name in ("find", "page"))
        return cls(find.strip()[:_FIND_MAX], number_of(number))

    @property
    def query(self) -> str:
        """Of its address, with the question mark; empty for the beginning of all rows."""
        asked = {"find": self.find, "page": str(self.page) if self.page > 1 else ""}
        asked = {name: value for name, value in asked.items() if value}
        return f"?{urlencode(asked)}" if asked else ""


@dataclass(frozen=True)
class AtHub:
    """What the Hub knows of a person's servers.

    Attributes:
        member: the person.
        servers: theirs.
        given: who else may enter each, by its name; `None` if that is not known.
        invitations: those that hold, likewise.
    """

    member: Member
    servers: Sequence[Server]
    given: Mapping[str, Sequence[Sharee]] | None
    invitations: Mapping[str, Sequence[Invitation]]

    @classmethod
    async def ask(cls, service: Service, person: Person) -> AtHub:
        member, servers = await service.hub.member_and_servers(person)
        if not servers:
            return cls(member, servers, {}, {})
        given, invitations = await asyncio.gather(
            service.shares.given(person), service.invitations.given(person)
        )
        return cls(member, servers, given, invitations)


@dataclass(frozen=True)
class Work:
    """A person's servers, launches and projects.

    Attributes:
        hub: what the Hub knows.
        received: servers of others that they may enter.
        under_way, failed: launches.
        projects: the latest launch of each.
    """

    hub: AtHub
    received: Sequence[SharedServer]
    under_way: Sequence[launchstate.State]
    failed: Sequence[launchstate.State]
    projects: Sequence[LaunchRow]

    @classmethod
    async def ask(cls, service: Service, person: Person) -> Work:
        return cls(
            *await asyncio.gather(
                AtHub.ask(service, person),
                service.shares.received(person),
                service.launches.unfinished(person),
                service.launches.failed(person),
                service.records.projects(person.name),
            )
        )


async def list_values(
    page: Page, work: Work, part: Part, refused: Mapping[str, Any] = _NOTHING
) -> dict[str, Any]:
    """What the lists' template takes.

    Args:
        refused: to whom a server was not opened just now, and why; it is on the page then.
    """
    service, prefix, user = page.service, page.service.prefix, page.me.name
    service.upstream.look(user, work.projects)
    launches = _launches(service, page.me, work.hub.servers)
    views_of = await _views(service, page.me, work.hub, launches)
    rows = work_rows(views_of, work.projects, await service.choices.shown(user))
    if part.find:
        rows = [row for row in rows if has_words(page.language.said(row.texts), part.find)]
    number = _page_with(refused.get("server"), rows) or part.page
    shown, places = part_of(rows, {"find": part.find}, number, prefix, ROWS)
    sizes = await service.files.sizes_of(user, [row.path for row in shown if row.path])
    newer = service.upstream.newer(work.projects)
    names = {row.server["name"] for row in shown if row.server}
    running = await _running(service, [s for s in work.hub.servers if s.name in names], launches)
    return {
        "launches": [views.launch_view(state, prefix) for state in work.under_way],
        "failed": [views.launch_view(state, prefix) for state in work.failed],
        "work": [
            {
                **row.view(sizes, newer, prefix),
                **(running[row.server["name"]] if row.server else {}),
            }
            for row in shown
        ],
        "shared": [views.shared_view(share) for share in work.received],
        "share_refused": refused,
        "find": part.find,
        "part": replace(part, page=places["page"]).query,
        **places,
    }


async def servers_of(service: Service, person: Person) -> list[dict[str, Any]]:
    """All of a person's servers, as the API has them."""
    hub = await AtHub.ask(service, person)
    launches = _launches(service, person, hub.servers)
    running = await _running(service, hub.servers, launches)
    return [
        {**view, **running[view["name"]]} for view in await _views(service, person, hub, launches)
    ]


def _launches(
    service: Service, person: Person, servers: Iterable[Server]
) -> dict[str, Launch | None]:
    """What each server was last started with, by its name."""
    return {
        server.name: service.tickets.of(person.name, server.name, server.ticket)
        for server in servers
    }


async def _views(
    service: Service, person: Person, hub: AtHub, launches: Mapping[str, Launch | None]
) -> list[dict[str, Any]]:
    """The servers, without what they have while they run."""
    if not hub.servers:
        return []
    latest = await service.records.latest_of_servers(person.name, list(launches))
    stops = await service.teaching.stops(person)
    return [
        views.server_view(
            server,
            launch=launches[server.name],
            row=latest.get(server.name),
            prefix=service.prefix,
            sharees=None if hub.given is None else hub.given.get(server.name, ()),
            invitations=hub.invitations.get(server.name, ()),
            stop=stops.get(latest[server.name].id) if server.name in latest else None,
        )
        for server in hub.servers
    ]


async def _running(
    service: Service, servers: Sequence[Server], launches: Mapping[str, Launch | None]
) -> dict[str, dict[str, Any]]:
    """What servers have while they run, by their names; nothing of one that does not.

    Args:
        launches: what each server was started with, by its name.
    """
    of_running = (launches[server.name] for server in servers if server.state is State.RUNNING)
    running = [launch for launch in of_running if launch]

    beside = asyncio.gather(*map(service.builder.programs_beside, running))
    uses, programs = await asyncio.gather(service.builder.uses(running), beside)
    has = {
        launch.server: (those, use.memory)
        for launch, use, those in zip(running, uses, programs, strict=True)
    }
    return {
        server.name: views.running_view(server.url, *has.get(server.name, ())) for server in servers
    }


def _page_with(server: str | None, rows: Sequence[WorkRow]) -> int:
    """The page on which a server is, from 1; 0 if it is on none."""
    for at, row in enumerate(rows):
        if server is not None and row.server.get("name") == server:
            return at // ROWS + 1
    return 0
