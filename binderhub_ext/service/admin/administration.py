"""Everybody's builds, environments, servers and files, for administrators of the Hub.

Whoever asks was found to be one before. Of the Hub nothing is asked but in their own name, so
that it has the last word here too. Every change is in the event log, with who made it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ...core.errors import Conflict, NotFound
from ...core.launch import Launch, Tickets
from ...core.volumes import Volume
from ...engines.base import Builder, Check, Image
from ...storage.volumes import VolumeStore
from ..announcement import Announcement
from ..hub import HubClient, Person, Server, State
from ..launching.builds import Builds
from ..launching.eventlog import EventLog
from ..person.space import DiskUsage
from ..records.everybody import Everybody, Uses
from ..records.tables import BuildRow, LaunchRow, TrustRow
from .pins import Pins


@dataclass(frozen=True)
class Kept:
    """An environment that an engine keeps.

    Attributes:
        image: as the engine has it.
        build: the latest that made it, if that is on record.
        uses: of its launches.
        pinned: whether it stays, however long nobody uses it.
    """

    image: Image
    build: BuildRow | None
    uses: Uses
    pinned: bool


@dataclass(frozen=True)
class Somebody:
    """A person of the Hub.

    Attributes:
        name: as the Hub knows them.
        admin: whether they administer it.
        last_activity: ISO time, or empty.
        bytes: what their home takes as last measured; `None` if it was not.
        running: servers of theirs that run.
        launches: how many are on record.
    """

    name: str
    admin: bool
    last_activity: str
    bytes: int | None
    running: int
    launches: int


@dataclass(frozen=True)
class TheirServer:
    """A server of anybody; with what it was started with, if that was by us."""

    user: str
    server: Server
    launch: Launch | None


class Administration:
    """What administrators see and do.

    Args:
        hub, builds, builder, space, tickets: those who know.
        everybody: what is on record.
        log: gets every change.
    """

    def __init__(
        self,
        *,
        hub: HubClient,
        builds: Builds,
        builder: Builder,
        everybody: Everybody,
        space: DiskUsage,
        tickets: Tickets,
        log: EventLog,
    ) -> None:
        self._hub, self._builds, self._builder = hub, builds, builder
        self._everybody, self._space, self._tickets = everybody, space, tickets
        self._volumes = VolumeStore(space.layout)
        self._announcement, self._log = Announcement.of(space.layout), log
        self._pins = Pins.of(space.layout)

    # ---- looking

    async def builds(self) -> tuple[Sequence[tuple[BuildRow, Sequence[str]]], int]:
        """The latest builds, each with who waited for it; and how many wait for their turn."""
        return await self._everybody.builds(), self._builds.waiting

    async def launch(self, id: str) -> LaunchRow | None:
        """A launch of anybody, whatever became of it."""
        return await self._everybody.launch(id)

    def at_work(self, build: str) -> bool:
        """Whether a build is under way in this service, so that it can be ended."""
        return self._builds.at_work(build)

    async def failures(self) -> Sequence[LaunchRow]:
        """The latest launches of anybody that failed."""
        return await self._everybody.failures()

    async def environments(self) -> list[Kept]:
        """Every environment the engine keeps, the longest unused first."""
        images = await self._builder.images()
        made = await self._everybody.builds_of([image.key for image in images])
        uses = await self._everybody.uses([image.name for image in images])
        pinned = self._pins.keys()
        return [
            Kept(
                image,
                made.get(image.key),
                uses.get(image.name, Uses()),
                pinned=image.key in pinned,
            )
            for image in images
        ]

    async def servers(self, admin: Person) -> list[TheirServer]:
        """Every server that does not stand still, whosever."""
        servers = []
        async for model in self._hub.people(admin):
            for one in map(Server.from_model, (model.get("servers") or {}).values()):
                if one.state is not State.STOPPED:
                    launch = self._tickets.of(model["name"], one.name, one.ticket)
                    servers.append(TheirServer(model["name"], one, launch))
        return servers

    async def people(self, admin: Person) -> list[Somebody]:
        """Everybody the Hub knows, those whose homes take most first."""
        launches = await self._everybody.launches()
        models = {model["name"]: model async for model in self._hub.people(admin)}
        homes = await self._space.known_homes(models)
        people = [
            Somebody(
                name=name,
                admin=bool(model.get("admin")),
                last_activity=model.get("last_activity") or "",
                bytes=homes[name],
                running=_running(model),
                launches=launches.get(name, 0),
            )
            for name, model in models.items()
        ]
        return sorted(people, key=lambda person: (-(person.bytes or 0), person.name))

    async def volumes(self) -> list[tuple[Volume, int | None]]:
        """Every volume with its bytes as last measured, those that take most first."""

        def look() -> list[tuple[Volume, int | None]]:
            root = self._space.layout.volumes
            return [
                (volume, self._space.known((root, PurePosixPath(volume.id))))
                for volume in self._volumes.all()
            ]

        found = await asyncio.to_thread(look)
        return sorted(found, key=lambda one: -(one[1] or 0))

    async def trust(self) -> Sequence[TrustRow]:
        """Every decision by which somebody trusts a repository."""
        return await self._everybody.trust()

    async def checks(self) -> list[Check]:
        """What of the engine works here and what does not."""
        return await self._builder.checks()

    # ---- changing

    async def cancel_build(self, admin: Person, build: str) -> None:
        """End a build, for all who wait for it.

        Raises:
            NotFound: none of that id is under way here.
        """
        if not self._builds.cancel(build):
            raise NotFound("No build of that id is under way. It may have ended meanwhile.")
        await self._acted(admin, "cancel-build", build)

    async def remove_environment(self, admin: Person, key: str) -> None:
        """Remove an environment; whoever launches it again has it built again.

        Raises:
            NotFound: there is none.
            Conflict: it is in use.
            Unsupported: this engine cannot.
        """
        image = await self._image(key)
        if not await self._builder.remove(image):
            raise Conflict("A server uses this environment, or it is being built. Stop that first.")
        self._pins.unpin(key)
        await self._acted(admin, "remove-environment", image.name)

    async def pin_environment(self, admin: Person, key: str, *, pinned: bool) -> None:
        """Have an environment stay, however long nobody uses it, or go as all others do.

        Raises:
            NotFound: there is none.
        """
        image = await self._image(key)
        if pinned:
            self._pins.pin(key)
        else:
            self._pins.unpin(key)
        await self._acted(admin, f"{'' if pinned else 'un'}pin-environment", image.name)

    async def remove_unused(self) -> list[Image]:
        """Remove environments over the configured age and total size, but for those pinned."""
        return await self._builder.collect_garbage(self._pins.keys())

    async def stop_server(self, admin: Person, user: str, name: str) -> None:
        """Stop somebody's server; their files stay.

        Raises:
            NotAllowed: the Hub says no.
        """
        await self._hub.stop(admin, name, of=user)
        await self._acted(admin, "stop-server", f"{user}/{name}")

    async def revoke_trust(self, admin: Person, id: str) -> None:
        """Take back somebody's word that links to a repository start without a question.

        Raises:
            NotFound: there is none.
        """
        row = await self._everybody.revoke(id)
        if row is None:
            raise NotFound("It was taken back already.")
        await self._acted(admin, "revoke-trust", f"{row.user}: {row.repo}")

    async def announce(self, admin: Person, words: str) -> None:
        """Tell everybody something at the top of every page, or nothing any more.

        Raises:
            BadLink: it cannot be told so.
        """
        told = await asyncio.to_thread(self._announcement.make, words)
        await self._acted(admin, "announce", told)

    async def _image(self, key: str) -> Image:
        for image in await self._builder.images():
            if image.key == key:
                return image
        raise NotFound("There is no such environment. It may have been removed meanwhile.")

    async def _acted(self, admin: Person, action: str, subject: str) -> None:
        await self._log.acted(admin.name, action, subject)


def _running(model: Mapping[str, Any]) -> int:
    servers = map(Server.from_model, (model.get("servers") or {}).values())
    return sum(server.state is not State.STOPPED for server in servers)


def as_json(check: Check) -> dict[str, Any]:
    """A check as pages and the API have it: what was found with what the sentence is made of."""
    return {
        "name": check.name,
        "ok": check.ok,
        "required": check.required,
        "message": check.message,
        **check.message.data,
        "fix": check.fix,
    }
