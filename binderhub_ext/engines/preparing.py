"""The order of a start, the same for every engine: what happens before a server is started.

What may be refused comes first, so that a refused start makes nothing. The project comes before
the places of mounts, because a new project needs its folder empty; the places come before
whatever mounts, because that would make them behind a link; and the limits come last, because
they hold for what is there by then.

An engine supplies verbs and has no say in their order. A class that lacks one cannot be used.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from ..abstract import Abstract
from ..core.errors import LaunchFailed
from ..core.launch import Access, Files, Launch
from ..core.sentences import Sentence
from ..core.volumes import SHOWN, Placed
from ..storage.homes import ensure_mount_points, ensure_state, is_free
from ..storage.mounts import Mount, content_of, mounts_for, shown_in
from ..storage.sync.words import Request
from ..storage.volumes import mount_of
from .projects import ProjectsMixin
from .rundir import Owner, RunDirectory
from .volumes import VolumesMixin

_NOT_SHOWN = "Your volumes are not in {folder}: the project has something there."


@dataclass(frozen=True)
class Prepared:
    """What a launch came to, for the start that follows.

    Attributes:
        launch: what was admitted.
        image: what the engine found to run it from.
        owner: whose the person's files are, and as whom the server runs.
        mounts: everything the server sees of files of people, outermost first; the first is its
            home.
        groups: groups of the host its processes need to use its volumes' files.
    """

    launch: Launch
    image: Any
    owner: Owner
    mounts: tuple[Mount, ...]
    groups: tuple[int, ...]


class PreparingMixin(VolumesMixin, ProjectsMixin, metaclass=Abstract):
    """The part of a spawner that orders a start."""

    prepared: Prepared | None = None
    """What is being started; `None` for a plain start, and when nothing is."""

    last_words = ""
    """The end of what the server said, which :meth:`clean_up` keeps when the log goes."""

    shows_folders = False
    """Whether servers of this engine can see folders of the machine."""

    # --- what an engine supplies ------------------------------------------------------------

    @property
    @abstractmethod
    def run_directory(self) -> RunDirectory:
        """This server's own; it need not exist."""

    @abstractmethod
    async def begin(self) -> None:
        """Get ready, and remove what a Hub that was killed left: once, before the first start.

        Raises:
            BinderError: nothing can be started now; the next start tries again.
        """

    def check_launch(self, launch: Launch) -> None:
        """Refuse what this engine cannot start as it is configured. By default nothing.

        Raises:
            BinderError: why not.
        """

    @abstractmethod
    async def find_image(self, launch: Launch) -> Any:
        """What the server will run from; `None` if it is no longer kept. Never believe its name.

        Raises:
            BinderError: that cannot be found out.
        """

    @abstractmethod
    async def ensure_person(self, launch: Launch) -> Owner:
        """Make the person's home if there is none, and say whose it is.

        Raises:
            BinderError: it cannot be used.
        """

    @abstractmethod
    async def clean_up(self) -> None:
        """End the server, and remove everything that was its own. Safe to repeat."""

    @abstractmethod
    async def run_sync(self, prepared: Prepared, requests: tuple[Request, ...]) -> list[bytes]:
        """Run the program that updates projects, as the owner of the files: for each in turn.

        Returns:
            What it printed; of fewer than were asked for if one could not be done.

        Raises:
            BinderError: it cannot be run, or took too long.
        """

    @abstractmethod
    async def start_server(self) -> Any:
        """Start what was :attr:`prepared`; returns its URL, or address and port.

        This one is the start of the JupyterHub spawner behind the engine's.

        Raises:
            BinderError: it cannot be started.
        """
        return await super().start()  # type: ignore[misc]

    @abstractmethod
    async def explain_failure(self) -> str:
        """The end of what the server said, for a failure of its own; empty if unknown."""

    # --- the order --------------------------------------------------------------------------

    async def begin_once(self) -> None:
        """Let every start of this Hub wait for one :meth:`begin`."""
        # By the method, not the class: an administrator's subclass is the same engine.
        key = (type(self).begin, self.layout.root)
        if key not in _begun or (_begun[key].done() and _failed(_begun[key])):
            _begun[key] = asyncio.create_task(self.begin())
        await asyncio.shield(_begun[key])

    async def prepare(self, launch: Launch) -> None:
        """Have everything in place that :meth:`start_server` needs.

        Raises:
            BinderError: it cannot be started.
        """
        await self.find_room(launch)
        placed = await self.find_volumes(launch)
        self.check_launch(launch)
        if launch.live and not self.shows_folders:
            raise LaunchFailed("Servers of this hub cannot see folders of its machine.")
        image = await self.find_image(launch)
        if image is None:
            raise LaunchFailed(
                "The environment of this server is no longer kept here. Launch again from its link:"
                " that builds it anew, and your files are as you left them."
            )
        owner = await self.ensure_person(launch)
        mounts, groups = self._mounts(launch, placed), groups_of(placed)
        self.prepared = prepared = Prepared(launch, image, owner, mounts, groups)
        await self._make_room_of_its_own(launch, owner)
        run = partial(self.run_sync, prepared)
        await self.bring_projects(launch, self.project_home(launch), run)
        mounts = (*mounts, *self._shown(launch, placed))
        self.prepared = replace(prepared, mounts=mounts)
        ensure_mount_points(mounts, *owner)
        await self.keep_limits(launch, [each.volume for each in placed])

    async def _make_room_of_its_own(self, launch: Launch, owner: Owner) -> None:
        """Make what is this server's alone, without anything of an earlier start."""
        await self.clean_up()
        self.last_words = ""
        await self.run_directory.make(owner)
        if launch.files is Files.NONE:
            self.run_directory.make_theirs(self.run_directory.home, owner)
        else:
            ensure_state(self.layout, launch.user, launch.project, *owner)

    def _mounts(self, launch: Launch, placed: tuple[Placed, ...]) -> tuple[Mount, ...]:
        home = self.run_directory.home
        theirs = mounts_for(launch, self.layout) or (
            Mount(home.parent, PurePosixPath(home.name), PurePosixPath("."), Access.RW),
        )
        content = content_of(launch, self.project_home(launch))
        return (*theirs, *content, *(mount_of(volume, self.layout) for volume in placed))

    def _shown(self, launch: Launch, placed: tuple[Placed, ...]) -> tuple[Mount, ...]:
        """The volumes in a folder of the project, unless the repository has one of that name.

        In a folder of the machine nothing is made.
        """
        directory, project = self.run_directory, PurePosixPath(launch.project)
        frame = Mount(directory.path, PurePosixPath(directory.shown.name), project, Access.RO)
        volumes = [(each.volume.name, mount_of(each, self.layout)) for each in placed]
        shows = launch.project and not launch.live
        mounts = shown_in(project, frame, volumes) if shows else ()
        if not mounts:
            return ()
        if not is_free(self.project_home(launch), mounts[0].target):
            self.tell(35, Sentence(_NOT_SHOWN, folder=SHOWN))
            return ()
        directory.make_shown()
        return mounts

    def project_home(self, launch: Launch) -> Path:
        """Where the project's folder is made; the person's own home unless nothing is kept."""
        if launch.files is Files.NONE:
            return self.run_directory.home
        return self.layout.home(launch.user)


def groups_of(placed: tuple[Placed, ...]) -> tuple[int, ...]:
    """Groups of the host that volumes' files belong to."""
    return tuple(sorted({each.volume.gid for each in placed} - {0}))


def _failed(task: asyncio.Task[None]) -> bool:
    return task.cancelled() or task.exception() is not None


_begun: dict[tuple[Any, Path], asyncio.Task[None]] = {}
