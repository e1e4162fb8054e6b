"""The page *Files*: a person's projects, volumes and trash, and what they may do with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from tornado.log import app_log

from ...core.errors import Conflict, NotFound, TooMany
from ...core.launch import Files, Launch, Tickets
from ...core.layout import DataDirectory
from ...core.space import Taken
from ...core.volumes import SHARED
from ...housekeeping import alone
from ...storage.projects import (
    check_project,
    delete_project,
    has_project,
    list_projects,
    place_of,
    restore_project,
)
from ...storage.trash import Trashed, doom, doom_old, empty_trash, list_trash
from ...storage.usage import home_places
from ...storage.zipped import zipped
from ..hub import HubClient, Person, Server, State
from ..records.records import Records
from ..records.tables import LaunchRow
from ..turns import Turns
from .space import DiskUsage, Place
from .volumes import PersonVolumes, VolumeAccess

_DAY = 24 * 3600
_ZIPPED_AT_ONCE = 2
"""Pieces that are made at the same time, one for whoever waits longest: who reads slowly holds up
nobody."""
_EACH, _ALL = 2, 32
"""Archives that one person, and everybody, may have under way."""


@dataclass(frozen=True)
class InUse:
    """A server that runs and sees something.

    Attributes:
        server: which.
        url: where in it that is; empty if its file browser does not reach there.
        own: whether the server was started for just this.
    """

    server: Server
    url: str
    own: bool


@dataclass(frozen=True)
class Project:
    """A project as it is in a home.

    Attributes:
        path: relative to the home.
        bytes: what it took when it was last measured, if it was.
        used_by: servers that see it now.
        row: its last launch, if it is remembered.
    """

    path: str
    bytes: int | None
    used_by: tuple[InUse, ...]
    row: LaunchRow | None


@dataclass(frozen=True)
class InTrash:
    """Something deleted: a project, or a volume with its name."""

    thing: Trashed
    name: str
    kind: str
    until: float


@dataclass(frozen=True)
class Overview:
    """Everything the page shows."""

    home: Taken
    full: bool
    projects: tuple[Project, ...]
    volumes: tuple[tuple[VolumeAccess, tuple[InUse, ...]], ...]
    trash: tuple[InTrash, ...]


class PersonFiles:
    """Everything a person may do with their files from outside a server.

    Args:
        layout: of the data directory.
        volumes: theirs.
        space: figures of use.
        hub: knows the person's servers.
        records: know what was launched.
        tickets: say what servers were started with.
        days: how long the trash keeps.
    """

    def __init__(
        self,
        layout: DataDirectory,
        *,
        volumes: PersonVolumes,
        space: DiskUsage,
        hub: HubClient,
        records: Records,
        tickets: Tickets,
        days: int,
    ) -> None:
        self._layout, self._volumes, self._space = layout, volumes, space
        self._hub, self._records, self._tickets = hub, records, tickets
        self._days = days
        self._emptying: set[asyncio.Task[None]] = set()
        self._alone = asyncio.Lock()
        self._zipping = asyncio.Semaphore(_ZIPPED_AT_ONCE)
        self._turns = Turns(_EACH, _ALL)

    # ---- looking

    async def overview(self, person: Person) -> Overview:
        """What is theirs, what uses it, what they deleted."""
        running = await self._running(person)
        mine = await self._volumes.mine(person)
        self._volumes.measure(mine)
        return Overview(
            home=await self._space.home(person.name),
            full=await self._space.full(),
            projects=await self.projects(person, running),
            volumes=tuple((access, _seeing_volume(running, access)) for access in mine),
            trash=await self.trash(person),
        )

    async def projects(
        self, person: Person, running: list[tuple[Server, Launch]] | None = None
    ) -> tuple[Project, ...]:
        """The projects in a person's home, the last used first."""
        user = person.name
        running = await self._running(person) if running is None else running
        rows = {row.project: row for row in await self._records.projects(user)}
        projects = [
            Project(path, size, _seeing_project(running, path), rows.get(path))
            for path, size in (await self.sizes(user)).items()
        ]
        return tuple(sorted(projects, key=_last_used, reverse=True))

    async def sizes(self, user: str) -> dict[str, int | None]:
        """What each project in a person's home took when it was last measured, by its path."""
        return await self._sizes(user, await asyncio.to_thread(list_projects, self._layout, user))

    async def sizes_of(self, user: str, paths: Iterable[str]) -> dict[str, int | None]:
        """The same of some, without those that are not in the home."""

        def there() -> list[str]:
            return [path for path in paths if has_project(self._layout, user, path)]

        return await self._sizes(user, await asyncio.to_thread(there))

    async def _sizes(self, user: str, paths: Sequence[str]) -> dict[str, int | None]:
        sizes = await self._space.looked_at([self._place(user, path) for path in paths])
        return dict(zip(paths, sizes, strict=True))

    async def trash(self, person: Person) -> tuple[InTrash, ...]:
        """What a person deleted and can have back, the latest first."""
        return await asyncio.to_thread(self._in_trash, person.name)

    async def zipped(self, person: Person, path: str) -> AsyncGenerator[bytes]:
        """A project as a zip archive, piece by piece.

        Raises:
            NotFound: they have none there.
            TooMany: they have others under way.
        """
        await asyncio.to_thread(check_project, self._layout, person.name, path)
        pieces = zipped(*self._place(person.name, path))
        full = TooMany("Too many archives are being made at once. Try again in a moment.")
        with self._turns.taken(person.name, full):
            try:
                while (piece := await self._next(pieces)) is not None:
                    if piece:
                        yield piece
            finally:
                await asyncio.to_thread(pieces.close)

    # ---- changing

    async def delete_project(self, person: Person, path: str) -> Trashed:
        """Move a project to the trash.

        Raises:
            NotFound: they have none there.
            Conflict: a server that was started for it still runs.
        """
        await asyncio.to_thread(check_project, self._layout, person.name, path)
        running = await self._running(person)
        if users := [use.server for use in _seeing_project(running, path) if use.own]:
            names = ", ".join(server.name or "default" for server in users)
            raise Conflict(
                "Your server {names} is working in this project. Stop it first, then delete.",
                names=names,
            )
        thing = await asyncio.to_thread(
            delete_project, self._layout, person.name, path, time.time()
        )
        self._space.measure(*home_places(self._layout, person.name))
        return thing

    async def restore(self, person: Person, id: str) -> str:
        """Bring something back; gives what it is called.

        Raises:
            NotFound: they have nothing of that id in the trash.
            Conflict: something else has come in its place.
        """
        thing = await self._find(person, id)
        if thing.kind == "volume":
            return (await self._volumes.restore(person, id)).name
        await asyncio.to_thread(restore_project, self._layout, person.name, id)
        self._space.measure(*home_places(self._layout, person.name))
        return thing.name

    async def remove(self, person: Person, id: str) -> None:
        """Remove something in the trash for good; the disk has its room a moment later.

        Raises:
            NotFound: they have nothing of that id in the trash.
        """
        await self._find(person, id)
        await asyncio.to_thread(doom, self._layout, id, person.name)
        task = asyncio.create_task(self._empty())
        self._emptying.add(task)
        task.add_done_callback(self._emptying.discard)

    async def empty(self) -> None:
        """Remove for good what was deleted so long ago as is set. Call it once a day."""
        now = time.time()
        before = now - self._days * _DAY
        for thing in await asyncio.to_thread(doom_old, self._layout, before, now):
            app_log.info("Removing %s of %s, deleted long ago", thing.path, thing.owner)
        await self._empty()

    async def _empty(self) -> None:
        """Remove what nobody can restore; one after another, however many ask for it."""
        async with self._alone:
            with alone("Emptying the trash"):
                await asyncio.to_thread(empty_trash, self._layout, time.time())

    # ---- parts

    async def _next(self, pieces: Generator[bytes]) -> bytes | None:
        async with self._zipping:
            return await asyncio.to_thread(next, pieces, None)

    async def _running(self, person: Person) -> list[tuple[Server, Launch]]:
        return [
            (server, launch)
            for server in await self._hub.servers(person)
            if server.state is not State.STOPPED
            and (launch := self._tickets.of(person.name, server.name, server.ticket))
        ]

    async def _find(self, person: Person, id: str) -> InTrash:
        for trashed in await self.trash(person):
            if trashed.thing.id == id:
                return trashed
        raise NotFound("That is not in the trash any more.")

    def _place(self, user: str, path: str) -> Place:
        return self._layout.homes, place_of(self._layout, user, path)

    def _in_trash(self, user: str) -> tuple[InTrash, ...]:
        names = {thing.id: volume.name for thing, volume in self._volumes.store.deleted(user)}
        things = []
        for thing in list_trash(self._layout, user):
            until = thing.time + self._days * _DAY
            if thing.id in names:
                things.append(InTrash(thing, names[thing.id], "volume", until))
            elif thing.place == self._layout.homes.name and not thing.part_of:
                path = PurePosixPath(*PurePosixPath(thing.path).parts[1:])
                things.append(InTrash(thing, str(path), "project", until))
        return tuple(things)


def _seeing_project(running: Iterable[tuple[Server, Launch]], path: str) -> tuple[InUse, ...]:
    uses = []
    for server, launch in running:
        own = launch.files is not Files.NONE and path in launch.folders
        if own or launch.files is Files.HOME:
            tree = f"lab/tree/{quote(path)}" if launch.files is Files.HOME else "lab"
            uses.append(InUse(server, server.url + tree, own))
    return tuple(uses)


def _seeing_volume(
    running: Iterable[tuple[Server, Launch]], mine: VolumeAccess
) -> tuple[InUse, ...]:
    uses = []
    for server, launch in running:
        for request in launch.volumes:
            if request.name in (mine.volume.name, mine.volume.id):
                place = request.mount or f"{SHARED}/{mine.volume.name}"
                whole = launch.files is Files.HOME
                url = f"{server.url}lab/tree/{quote(place)}" if whole else ""
                uses.append(InUse(server, url, True))
    return tuple(uses)


def _last_used(project: Project) -> tuple[float, str]:
    return (project.row.started.timestamp() if project.row else 0.0, project.path)
