"""A launch in five steps: resolve, admit, image, server, redirect.

Each step is one method; the work itself is done in the room it belongs to. Nothing here knows of
requests, connections or pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from weakref import WeakValueDictionary

from ...core.changes import changes, told_to
from ...core.contents import projects_of
from ...core.errors import LaunchFailed, NoSpace, QuotaExceeded
from ...core.launch import Files, Launch, Project, Tickets
from ...core.policy import Policy, admit
from ...core.progress import Event, Phase, Tell
from ...core.providers import Providers, find
from ...core.repo import Commit
from ...core.sentences import NOTHING, Sentence
from ...core.space import NOT_BUILT
from ...core.targets import Targets
from ...core.updates import Keep
from ...engines.base import Image
from ..accounting.limits import UsageLimits
from ..hub import HubClient, Person, Server, State
from ..person.invitations import Invitations
from ..person.shares import Shares
from ..person.space import DiskUsage
from ..person.volumes import PersonVolumes
from .builds import Builds
from .deciding import decide
from .landing import Landing
from .orders import LaunchOrder, OnChange
from .resolving import checked, noting, resolve
from .result import LaunchResult
from .starts import ENDED, Starts
from .steps import ProgressBar, Step
from .updates import Updates

_SHARED = (
    "Your server {server} runs in the same project, at commit {commit}: its files change too. What "
    "you have changed stays."
)


class Launcher:
    """Knows how to launch; keeps nothing.

    Args:
        policy: what may be launched.
        providers: how what was found is said.
        targets: the interfaces on offer.
        tickets: signs what is started.
        builds, hub, landing, shares, invitations, starts, updates, volumes, space, limits: those it
            works with.
    """

    def __init__(
        self,
        *,
        policy: Policy,
        providers: Providers,
        targets: Targets,
        tickets: Tickets,
        builds: Builds,
        hub: HubClient,
        landing: Landing,
        shares: Shares,
        invitations: Invitations,
        starts: Starts,
        updates: Updates,
        volumes: PersonVolumes,
        space: DiskUsage,
        limits: UsageLimits,
    ) -> None:
        self._policy, self._targets, self._tickets = policy, targets, tickets
        self._providers = providers
        self._builds, self._updates = builds, updates
        self._hub, self._landing, self._shares, self._starts = hub, landing, shares, starts
        self._invitations = invitations
        self._volumes, self._space, self._limits = volumes, space, limits
        self._servers: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def launch(self, order: LaunchOrder, tell: Tell) -> LaunchResult:
        """Go from a request to a server to open; a `BinderError` of any step ends it."""
        bar = ProgressBar(tell)
        commits = await self.resolve(order, bar.step(Step.RESOLVE))
        launch = await self.admit(order, commits, bar.step(Step.ADMIT))
        image = await self.image(order, launch, bar.step(Step.IMAGE))
        if order.build_only:
            where = await self.prepull(order, launch, image, bar.step(Step.PREPULL))
            return LaunchResult(image.name, where=where)
        launch = replace(launch, image=image.name, keep=order.keep or Keep.BOTH)
        launch = replace(launch, language=order.language)
        server = await self.server(order, launch, bar.step(Step.SERVER))
        url = await self.redirect(order, launch, server, bar.step(Step.REDIRECT))
        return LaunchResult(image.name, url, server.url)

    # ---- the steps

    async def resolve(self, order: LaunchOrder, tell: Tell) -> tuple[Commit, ...]:
        """Which commits are meant? Never others than those that the person was shown."""
        sources, reader = order.request.sources, order.person.name
        return await resolve(self._builds, sources, order.shown, reader=reader, tell=tell)

    async def admit(self, order: LaunchOrder, commits: tuple[Commit, ...], tell: Tell) -> Launch:
        """Is it allowed, and what exactly is it?"""
        commit, content = order.request.told_apart(commits)
        for found in commits:
            message = find(self._providers, found.repo.provider).resolved(found)
            data = {"commit": found.id, "short": found.short} if found is commit else {}
            tell(Event(Phase.WAITING, message, data))
        if order.withheld:
            tell(Event(Phase.WAITING, order.withheld_words))
        launch = admit(
            self._policy.of(order.person.groups),
            order.request,
            commit,
            user=order.person.name,
            project=order.project,
            content=projects_of(order.request, content, order.content),
            targets=self._targets,
        )
        if content:
            names = ", ".join(found.repo.shown for found in content)
            message = Sentence("It comes with content of {names}.", names=names)
            tell(Event(Phase.WAITING, message, {"content": [found.id for found in content]}))
        placed = await self._volumes.placed(order.person, launch.volumes, launch.project)
        for request, volume in zip(launch.volumes, placed, strict=True):
            if request.access not in (None, volume.access):
                message = Sentence("You may only read the volume {volume}.", volume=request.name)
                tell(Event(Phase.WAITING, message))
        if why := await self._no_room(launch):
            tell(Event(Phase.WAITING, why))
        return launch

    async def image(self, order: LaunchOrder, launch: Launch, tell: Tell) -> Image:
        """The environment: prebuilt, found or built; the files may follow.

        Whoever has to choose something is asked before anything is built.
        """
        await self._check_use(order, launch, tell)
        await self._ask(order, launch, tell)
        image = await self._kept(order, launch) or await self._environment(order, launch, tell)
        tell(Event(Phase.BUILT, Sentence("The environment is ready."), {"imageName": image.name}))
        return image

    async def prepull(
        self, order: LaunchOrder, launch: Launch, image: Image, tell: Tell
    ) -> Sentence:
        """Of what is only prepared: the image comes to where its servers may run; gives where."""
        if not order.prepull:
            return NOTHING
        return await self._builds.prepull(image, launch.size, order.person.name, tell)

    async def server(self, order: LaunchOrder, launch: Launch, tell: Tell) -> Server:
        """A running server: the one that is there, or a new start.

        Launches of one server follow each other: what starts is what the next one finds.
        """
        person, name = order.person, launch.server
        turn = self._turn(person, name)
        if turn.locked():
            tell(Event(Phase.LAUNCHING, Sentence("Another launch of yours starts this server.")))
        async with turn:
            server = await self._running(order, launch, tell)
        self._space.launched(person.name)
        await self._share(order, launch, server, tell)
        return server

    async def redirect(self, order: LaunchOrder, launch: Launch, server: Server, tell: Tell) -> str:
        """Where the browser goes: below this server, and to something that answers."""
        return await self._landing.find(order.person, launch, server, tell, order.notebook)

    # ---- what was begun for nobody

    async def take_back(self, person: Person, server: str) -> bool:
        """Stop a server that is being started for launches of which none waits any more.

        Whoever launches it meanwhile waits for that, as for any launch before theirs.

        Returns:
            Whether there was one.

        Raises:
            HubUnavailable, NotAllowed: it cannot be stopped now.
        """
        async with self._turn(person, server):
            return await self._starts.take_back(person, server)

    # ---- parts of steps

    def _turn(self, person: Person, server: str) -> asyncio.Lock:
        return self._servers.setdefault((person.name, server), asyncio.Lock())

    async def _running(self, order: LaunchOrder, launch: Launch, tell: Tell) -> Server:
        """The server a launch ends with; it runs."""
        person, name = order.person, launch.server
        server = await self._hub.server(person, name)
        if server and await self._landing.gone(server):
            tell(Event(Phase.LAUNCHING, ENDED))
            server = await self._stopped(person, server)
        if server and server.state is State.STOPPING:
            tell(Event(Phase.LAUNCHING, Sentence("Your server is stopping; waiting for that.")))
            server = await self._stopped(person, server)
        told = await self._told_to(order, server, launch)
        old = self._ticket(order, server) if server else None
        start, differs = decide(order, server, old, launch, told)
        near = await self._limits.check_start(person, start, new=server is None) if start else []
        for sentence in differs:
            tell(Event(Phase.LAUNCHING, sentence))
        if start and server and server.state is not State.STOPPED:
            tell(Event(Phase.LAUNCHING, Sentence("Stopping the server that runs.")))
            await self._stopped(person, server)
        if start:
            await self._start(order, start, launch, near, tell)
        else:
            if server and server.state is State.RUNNING:
                await self._start_if_ended(order, server, launch, tell)
            await self._starts.watch(person, name, tell)
        running = await self._hub.server(person, name)
        if running is None or running.state is not State.RUNNING:
            raise LaunchFailed("The server started and ended at once. Launch again.")
        return running

    async def _start_if_ended(
        self, order: LaunchOrder, server: Server, launch: Launch, tell: Tell
    ) -> None:
        """Have the Hub look whether a server is there; else it starts again as it was."""
        if old := self._ticket(order, server):
            ticket = self._tickets.sign(checked(old if changes(old, launch) else launch, launch))
            await self._starts.again(order.person, server.name, ticket, tell)

    async def _stopped(self, person: Person, server: Server) -> Server:
        await self._hub.stop(person, server.name)
        await self._hub.stopped(person, server.name)
        return replace(server, state=State.STOPPED)

    async def _no_room(self, launch: Launch) -> Sentence:
        """Why nothing new should come in for this person; empty if it may."""
        if launch.files is Files.NONE and not await self._space.full():
            return NOTHING
        return await self._space.no_room(launch.user)

    async def _built_before(self, commit: Commit) -> Image:
        if image := await self._builds.built(commit):
            return image
        raise NoSpace(NOT_BUILT)

    async def _ask(self, order: LaunchOrder, launch: Launch, tell: Tell) -> None:
        """Ask about the project's files, unless nothing will happen to them.

        Raises:
            FilesDiffer: the person has to choose.
        """
        if order.keep or order.build_only or not launch.projects:
            return
        server = await self._hub.server(order.person, launch.server)
        running = server is not None and server.state is not State.STOPPED
        if server and await self._landing.gone(server):
            running = False
        if order.on_change is OnChange.KEEP or (running and order.on_change is OnChange.ASK):
            return
        if await self._no_room(launch):
            # Nothing new is fetched then, so nothing can be looked at.
            return
        await self._updates.ask(launch, tell)

    async def _kept(self, order: LaunchOrder, launch: Launch) -> Image | None:
        """What a server that is kept as it is runs in; nothing new is built for it."""
        if order.on_change is not OnChange.KEEP or order.build_only:
            return None
        server = await self._hub.server(order.person, launch.server)
        old = self._ticket(order, server) if server else None
        return Image(old.image, key="") if old else None

    async def _environment(self, order: LaunchOrder, launch: Launch, tell: Tell) -> Image:
        if launch.image:
            await self._files(launch, launch.projects, tell)
            return await self._builds.prebuilt(launch.image, tell)
        if launch.commit is None:
            raise LaunchFailed("There is neither a repository nor an image to launch.")
        if order.request.environment:
            await self._files(launch, launch.projects, tell)
            return await self._builds.plain(tell)
        if await self._no_room(launch):
            return await self._built_before(launch.commit)
        # before the build, so that nobody waits for one whose content cannot be had
        await self._files(launch, launch.content, tell)
        try:
            await self._limits.check_build(order.person)
        except QuotaExceeded:
            if image := await self._builds.built(launch.commit):
                return image
            raise
        return await self._builds.image(launch.commit, tell)

    async def _check_use(self, order: LaunchOrder, launch: Launch, tell: Tell) -> None:
        """Before anything is built for a start: whether it may be; and what is nearly used up.

        What is built for a start to come is held to the same.

        Raises:
            QuotaExceeded: it may not.
        """
        server = None if order.build_only else await self._hub.server(order.person, launch.server)
        if server is None or server.state is State.STOPPED:
            new = server is None
            for warning in await self._limits.check_start(order.person, launch, new=new):
                tell(Event(Phase.WAITING, warning))

    async def _files(self, launch: Launch, projects: Iterable[Project], tell: Tell) -> None:
        """The files of repositories that a launch brings, if there is room for them."""
        if not await self._no_room(launch):
            for project in projects:
                await self._builds.files(project.commit, tell)

    async def _start(
        self,
        order: LaunchOrder,
        start: Launch,
        launch: Launch,
        near: Sequence[Sentence],
        tell: Tell,
    ) -> None:
        """Start a server with what is asked for now or, where that is kept, was before.

        Args:
            near: what its person has nearly used up.
        """
        await self._neighbours(order, start, tell)
        if start is launch:
            # clients know one order of phases, in which nothing is fetched any more here
            def told(event: Event) -> None:
                tell(replace(event, phase=Phase.LAUNCHING))

            await self._files(launch, launch.projects, told)

        def ticket() -> str:
            return self._tickets.sign(noting(checked(start, launch), near, order.say))

        await self._starts.start(order.person, launch.server, ticket, tell)

    async def _told_to(
        self, order: LaunchOrder, server: Server | None, launch: Launch
    ) -> tuple[Sentence, ...]:
        """Who else would read what a server is given now, in sentences."""
        if server is None or not launch.secrets:
            return ()
        shared = await self._shares.of(order.person, server.name)
        invites = bool(await self._invitations.of(order.person, server.name))
        return told_to(shared, invites=invites, old=self._ticket(order, server), new=launch)

    async def _share(self, order: LaunchOrder, launch: Launch, running: Server, tell: Tell) -> None:
        """Let in whom the launch names, unless what runs was kept and is something else."""
        old = self._ticket(order, running)
        if old and not changes(old, launch):
            await self._shares.give_all(order.person, running.name, launch.share, tell)

    async def _neighbours(self, order: LaunchOrder, launch: Launch, tell: Tell) -> None:
        """Name the person's running servers whose project changes with this start."""
        if launch.files is Files.NONE:
            return
        commits = {project.folder: project.commit for project in launch.projects}
        for server in await self._hub.servers(order.person):
            if server.name == launch.server or server.state is not State.RUNNING:
                continue
            other = self._ticket(order, server)
            for project in other.projects if other and other.files is not Files.NONE else ():
                commit = project.commit
                if commits.get(project.folder, commit).id != commit.id:
                    message = Sentence(_SHARED, server=server.name, commit=commit.short)
                    tell(Event(Phase.LAUNCHING, message))

    def _ticket(self, order: LaunchOrder, server: Server) -> Launch | None:
        """What a server was last started with, if it was by us."""
        return self._tickets.of(order.person.name, server.name, server.ticket)
