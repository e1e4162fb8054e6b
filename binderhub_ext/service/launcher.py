"""A launch in five steps: resolve, admit, image, server, redirect.

Each step is one method that yields events and, last, what it found; the work itself is done in
the room it belongs to. Nothing here knows of requests, connections or pages.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from enum import StrEnum
from time import time

from traitlets import Float, Integer, default
from traitlets.config import LoggingConfigurable

from ..core.changes import changes
from ..core.errors import BadTicket, LaunchFailed, NoSpace, ServerDiffers
from ..core.launch import Files, Launch, LaunchRequest, read_ticket, sign_ticket
from ..core.policy import Policy, admit
from ..core.progress import Event, Phase
from ..core.repo import Commit
from ..core.space import NOT_BUILT
from ..core.targets import Targets
from ..core.updates import Keep
from ..engines.base import Image
from .builds import Builds
from .flow import closing
from .hub import HubClient, Person, Server, State
from .landing import Landing
from .space import SpaceDesk
from .starts import Starts
from .steps import Name, Step
from .turns import Turns
from .updates import Updates
from .volumes import VolumeDesk

_SHARED = (
    "Your server {} runs in the same project, at commit {}: its files change too. What you have "
    "changed stays."
)


class OnChange(StrEnum):
    """What to do about a running server that was started with another launch."""

    ASK = "ask"
    RESTART = "restart"
    KEEP = "keep"


@dataclass(frozen=True)
class Order:
    """A launch somebody wants.

    Attributes:
        person: who wants it, and in whose name the Hub is asked.
        request: what they want.
        on_change: what to do if their server runs with something else.
        keep: whose version keeps the name of a file that they and the repository changed; `None`
            to ask them where there are such files.
        build_only: end with the image; start nothing.
        origin: host the request came from, for the records; empty if unknown.
        host: of this hub, as the person reached it.
        project: the folder in which they have the repository; known once it is a launch.
    """

    person: Person
    request: LaunchRequest
    on_change: OnChange = OnChange.ASK
    keep: Keep | None = Keep.BOTH
    build_only: bool = False
    origin: str = ""
    host: str = ""
    project: str = ""

    @property
    def answers(self) -> dict[str, str]:
        """What the person has answered already, as fields of a form."""
        on_change = "" if self.on_change is OnChange.ASK else str(self.on_change)
        return {"on_change": on_change, "keep": str(self.keep or "")}


@dataclass(frozen=True)
class Found:
    """A fact of the launch that became known; told to whoever keeps its record."""

    commit: Commit | None = None
    launch: Launch | None = None
    image: Image | None = None
    url: str = ""


class Launcher(LoggingConfigurable):
    """Knows how to launch; keeps nothing."""

    start_timeout = Float(
        600,
        help="""Seconds a server may take from the Hub's first word to being ready (default 600).
        Pulling a large image onto a new node is the slowest thing that is still fine.""",
    ).tag(config=True)

    concurrent_starts = Integer(
        min=1,
        help="""Servers that start at the same time (default: two for each processor of this
        machine). Further ones wait their turn and say how many are ahead, so that a class that
        opens one link in the same minute gets its servers, one after the other: a start is all
        computing, and where all start at once, none is ready in time. Where servers run on other
        machines, set it to what those can do.""",
    ).tag(config=True)

    @default("concurrent_starts")
    def _two_a_processor(self) -> int:
        return 2 * (os.cpu_count() or 1)

    def setup(
        self,
        *,
        policy: Policy,
        targets: Targets,
        builds: Builds,
        hub: HubClient,
        landing: Landing,
        updates: Updates,
        volumes: VolumeDesk,
        space: SpaceDesk,
        secret: str,
    ) -> None:
        """Give it those it works with; none of them is configuration."""
        self._policy = policy
        self._targets = targets
        self._builds = builds
        self._hub = hub
        self._landing = landing
        self._updates = updates
        self._volumes = volumes
        self._space = space
        self._secret = secret
        self._starts = Starts(hub, Turns(self.concurrent_starts), self.start_timeout)

    async def launch(self, order: Order) -> AsyncIterator[Event | Found]:
        """Launch; the last event is `ready`, and before it facts as they become known.

        Raises:
            BinderError: in words, whichever step says no.
        """
        resolved = Step(Name.RESOLVE, self.resolve(order))
        async for event in resolved:
            yield event
        yield resolved.result
        admitted = Step(Name.ADMIT, self.admit(order, resolved.result.commit))
        async for event in admitted:
            yield event
        yield Found(launch=admitted.result)
        built = Step(Name.IMAGE, self.image(order, admitted.result))
        async for event in built:
            yield event
        yield Found(image=built.result)
        if order.build_only:
            yield Event(Phase.READY, "The image is ready.", _ready(built.result.name))
            return
        keep = order.keep or Keep.BOTH
        launch = replace(admitted.result, image=built.result.name, keep=keep)
        served = Step(Name.SERVER, self.server(order, launch))
        async for event in served:
            yield event
        landed = Step(Name.REDIRECT, self.redirect(order, launch, served.result))
        async for event in landed:
            yield event
        yield Found(url=landed.result)
        ready = _ready(launch.image, landed.result, served.result.url)
        yield Event(Phase.READY, f"Ready: {landed.result}", ready)

    # ---- the steps

    async def resolve(self, order: Order) -> AsyncIterator[Event | Found]:
        """Which commit is meant?"""
        repo, ref = order.request.repo, order.request.ref
        if repo is None:
            yield Found()
            return
        yield Event(Phase.WAITING, f"Looking for {ref} of {repo.name}.")
        provider, person = self._builds.provider(repo.provider), order.person.name
        yield Found(commit=await provider.resolve(repo, ref, reader=person))

    async def admit(self, order: Order, commit: Commit | None) -> AsyncIterator[Event | Launch]:
        """Is it allowed, and what exactly is it?"""
        if commit:
            yield Event(Phase.WAITING, f"{commit.ref} is commit {commit.id}.", _found(commit))
        launch = admit(
            self._policy,
            order.request,
            commit,
            user=order.person.name,
            project=order.project,
            targets=self._targets,
        )
        placed = await self._volumes.placed(order.person, launch.volumes, launch.project)
        for request, volume in zip(launch.volumes, placed, strict=True):
            if request.access not in (None, volume.access):
                words = f"You may only read the volume {request.name}."
                yield Event(Phase.WAITING, words)
        if words := await self._no_room(launch):
            yield Event(Phase.WAITING, words)
        yield launch

    async def image(self, order: Order, launch: Launch) -> AsyncIterator[Event | Image]:
        """The environment: prebuilt, found or built; the files may follow.

        Whoever has to choose something is asked before anything is built.
        """
        async for event in self._ask(order, launch):
            yield event
        if launch.image:
            async for event in self._files(launch):
                yield event
            images = self._builds.prebuilt(launch.image)
        elif launch.commit is None:
            raise LaunchFailed("There is neither a repository nor an image to launch.")
        elif await self._no_room(launch):
            yield await self._built_before(launch.commit)
            return
        else:
            images = self._builds.image(launch.commit)
        async with closing(images) as items:
            async for item in items:
                if isinstance(item, Image):
                    yield Event(Phase.BUILT, "The environment is ready.", _built(item.name))
                yield item

    async def server(self, order: Order, launch: Launch) -> AsyncIterator[Event | Server]:
        """A running server: the one that is there, or a new start."""
        person, name = order.person, launch.server
        there = await self._hub.server(person, name)
        if there and there.state is State.STOPPING:
            yield Event(Phase.LAUNCHING, "Your server is stopping; waiting for that.")
            await self._hub.stopped(person, name)
            there = replace(there, state=State.STOPPED)
        start, differs = self._decide(order, there, launch)
        for sentence in differs:
            yield Event(Phase.LAUNCHING, sentence)
        if start and there and there.state is not State.STOPPED:
            yield Event(Phase.LAUNCHING, "Stopping the server that runs.")
            await self._hub.stop(person, name)
            await self._hub.stopped(person, name)
        if start:
            async for event in self._neighbours(order, start):
                yield event
            if start is launch:
                async for event in self._files(launch):
                    yield event
            events = self._starts.start(
                person, name, lambda: sign_ticket(_checked(start, launch), self._secret)
            )
        else:
            events = self._starts.watch(person, name)
        async with closing(events):
            async for event in events:
                yield event
        self._space.launched(person.name)
        running = await self._hub.server(person, name)
        if running is None or running.state is not State.RUNNING:
            raise LaunchFailed("The server started and ended at once. Launch it again.")
        yield running

    async def redirect(
        self, order: Order, launch: Launch, server: Server
    ) -> AsyncIterator[Event | str]:
        """Where the browser goes: below this server, and to something that answers."""
        async for item in self._landing.find(order.person, launch, server):
            yield item

    # ---- parts of steps

    async def _no_room(self, launch: Launch) -> str:
        """Why nothing new should come in for this person; empty if it may."""
        if launch.files is Files.NONE and not await self._space.full():
            return ""
        return await self._space.no_room(launch.user)

    async def _built_before(self, commit: Commit) -> Image:
        if image := await self._builds.built(commit):
            return image
        raise NoSpace(NOT_BUILT)

    async def _ask(self, order: Order, launch: Launch) -> AsyncIterator[Event]:
        """Ask about the project's files, unless nothing will happen to them.

        Raises:
            FilesDiffer: the person has to choose.
        """
        if order.keep or order.build_only or launch.commit is None:
            return
        there = await self._hub.server(order.person, launch.server)
        running = there is not None and there.state is not State.STOPPED
        if order.on_change is OnChange.KEEP or (running and order.on_change is OnChange.ASK):
            return
        if await self._no_room(launch):
            # Nothing new is fetched then, so nothing can be looked at.
            return
        async for event in self._updates.ask(launch, launch.commit):
            yield event

    async def _files(self, launch: Launch) -> AsyncIterator[Event]:
        """The repository's files, where the launch has any and there is room for them."""
        if launch.commit is None or await self._no_room(launch):
            return
        async for event in self._builds.files(launch.commit):
            yield event

    def _decide(
        self, order: Order, there: Server | None, launch: Launch
    ) -> tuple[Launch | None, tuple[str, ...]]:
        """What to start, or nothing to use what runs; and what that changes, in sentences.

        A stopped server is started with what is asked for: nothing that runs is interrupted, and
        its files are the same. Only a running one is worth a question.

        Raises:
            ServerDiffers: it runs with something else, and the person has not said what to do.
        """
        if there is None:
            return launch, ()
        running = there.state is not State.STOPPED
        old = self._ticket(order, there)
        differs = changes(old, launch) if old else ("It was started in another way.",)
        if not differs:
            return (None, ()) if running else (launch, ())
        if order.on_change is OnChange.KEEP and (running or old):
            return (None if running else old), ()
        if running and order.on_change is not OnChange.RESTART:
            raise ServerDiffers(there.name, differs)
        return launch, differs

    async def _neighbours(self, order: Order, launch: Launch) -> AsyncIterator[Event]:
        """Name the person's running servers whose project changes with this start."""
        if launch.commit is None or launch.files is Files.NONE:
            return
        for server in await self._hub.servers(order.person):
            if server.name == launch.server or server.state is not State.RUNNING:
                continue
            other = self._ticket(order, server)
            if other and other.project == launch.project and other.files is not Files.NONE:
                assert other.commit is not None
                if other.commit.id != launch.commit.id:
                    yield Event(Phase.LAUNCHING, _SHARED.format(server.name, other.commit.short))

    def _ticket(self, order: Order, there: Server) -> Launch | None:
        """What a server was last started with, if it was by us."""
        try:
            return read_ticket(
                there.ticket, self._secret, user=order.person.name, server=there.name
            )
        except BadTicket:
            return None


def _checked(start: Launch, launch: Launch) -> Launch:
    """What is started; for a private repository, with the time of this launch's check."""
    if not (start.commit and launch.commit and launch.commit.repo.reader):
        return start
    one, other = start.commit.repo, launch.commit.repo
    same = (one.identity, one.reader) == (other.identity, other.reader)
    return replace(start, checked=int(time())) if same else start


def _found(commit: Commit) -> dict[str, str]:
    return {"commit": commit.id}


def _built(image: str) -> dict[str, str]:
    return {"imageName": image}


def _ready(image: str, url: str = "", server_url: str = "") -> dict[str, str | int]:
    """What the last event tells; BinderHub's clients want the image under two names."""
    end: dict[str, str | int] = {"progress": 100, "step": str(Name.REDIRECT)}
    return {"image": image, "imageName": image, "url": url, "server_url": server_url, **end}
