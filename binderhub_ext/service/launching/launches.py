"""Launches as things of their own: they outlive requests, connections and impatience.

A launch is started once and watched by anybody of its owner's tabs. A second click on the same
thing joins the first; whoever reloads finds it; what has ended is in the records.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Hashable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import perf_counter

from tornado.log import app_log

from ...core.contents import projects_of
from ...core.errors import BadLink, BinderError, Cancelled, Conflict, NotFound, TargetMissing
from ...core.launch import LaunchRequest
from ...core.links import write_link
from ...core.policy import Policy, judge, server_of
from ...core.progress import Event
from ...core.projects import folder_of
from ...core.providers import Providers, at_forge
from ...core.repo import Commit, Repo
from ...core.sentences import fixed
from ...jobs import History
from ..accounting.bookkeeper import Bookkeeper
from ..accounting.buildmeter import BuildMeter
from ..hub import Person
from ..person.secrets import Secrets
from ..records.records import Records, now
from ..records.tables import LaunchRow
from . import metrics
from .classes import Classes
from .eventlog import EventLog
from .launcher import Launcher
from .launchstate import State, outcome_of, row_of
from .meaning import opened, same
from .news import News
from .notebooks import Notebooks
from .orders import LaunchOrder
from .quotas import Allowance, Quotas
from .running import RunningLaunch

_Key = tuple[str, str, Hashable]
"""A person, a server of theirs and what is opened in it."""

_ID_BYTES = 16
_HOUR = timedelta(hours=1)


class Launches:
    """Every launch of this service. Made once, closed with the service.

    Args:
        launcher: does them.
        records: of those that were.
        policy: what may be launched.
        providers: what links may name.
        event_log: gets those that worked.
        quotas: how many there may be.
        kept: ended ones whose events stay in memory.
        news: wakes the pages of those whose launch goes on.
        meter: counts how long they wait for builds.
        bookkeeper: looks what runs, once something was started.
        classes: hears of launches of their links.
        mine: secrets that people have.
        notebooks: those that people brought.
    """

    def __init__(
        self,
        launcher: Launcher,
        records: Records,
        *,
        policy: Policy,
        providers: Providers,
        event_log: EventLog,
        quotas: Quotas,
        kept: int,
        news: News,
        meter: BuildMeter,
        bookkeeper: Bookkeeper,
        classes: Classes,
        mine: Secrets,
        notebooks: Notebooks,
    ) -> None:
        self._launcher, self._records, self._event_log = launcher, records, event_log
        self._policy, self._providers = policy, providers
        self._quotas, self._kept, self._news = quotas, kept, news
        self._meter, self._bookkeeper, self._classes = meter, bookkeeper, classes
        self._secrets, self._notebooks = mine, notebooks
        self._all: dict[str, RunningLaunch] = {}
        self._over: deque[str] = deque()
        self._current: dict[_Key, RunningLaunch] = {}
        self._starting = asyncio.Lock()
        self._closing = False

    async def close(self) -> None:
        """End every launch; builds nobody else wants end with them, servers that start do not."""
        self._closing = True
        every = [running for running in self._current.values() if running.task]
        for running in every:
            running.cancel()
        tasks = (running.task for running in every)
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)

    def __len__(self) -> int:
        return len(self._current)

    async def start(self, order: LaunchOrder) -> State:
        """Start a launch, or join the one that is under way for the same thing.

        What differs only in what is opened is a launch of its own, of the same server.

        Raises:
            NotAllowed, BadLink: the policy says no before anything is looked up.
            NotFound: the person has no such secret.
            Conflict: that server is being started with something else.
            TooMany: the person has too many.
        """
        order = order.as_said()
        await self._secrets.check(order.person.name, order.request.secrets)
        judge(self._policy.of(order.person.groups), order.request)
        order = await self._notebooks.brought(await self._of_class(order))
        own, content = await self.folders(order.person, order.request)
        order = replace(order, project=own, content=content)
        user, server = order.person.name, server_of(order.request, own, content)
        key = (user, server, opened(order.request))
        async with self._starting:
            others = [one for k, one in self._current.items() if k[:2] == (user, server)]
            if not all(same(other.order, order) for other in others):
                raise Conflict(
                    "Your server {server} is being started with something else right now. "
                    "Wait until it is there, or cancel that launch.",
                    server=server,
                )
            if current := self._current.get(key):
                return current.state
            under_way = [launch.order for launch in self._current.values() if launch not in others]
            self._quotas.check(order, under_way, await self._within_an_hour(order.person))
            return (await self._start(key, order)).state

    async def folders(self, person: Person, request: LaunchRequest) -> tuple[str, tuple[str, ...]]:
        """In which folders a person has, or will have, what a link asks for.

        Returns:
            That of the environment's repository, empty for none, and those of the content.
        """
        if not request.sources:
            return "", ()
        past = await self._records.past(person.name)
        past = [replace(launch, repo=_named_now(launch.repo, self._providers)) for launch in past]
        own = folder_of(request.repo, past) if request.repo else ""
        return own, tuple(folder_of(content.repo, past) for content in request.content)

    async def get(self, person: Person, id: str) -> State:
        """A launch of this person.

        Raises:
            NotFound: there is none, or it is somebody else's, which is not told apart.
        """
        if running := self.running(person, id):
            return running.state
        row = await self._records.launch(id)
        if row is None or row.user != person.name:
            raise NotFound("There is no such launch. It may belong to somebody else.")
        return State.of_row(row)

    async def recent(self, person: Person) -> list[State]:
        """A person's launches, newest first, with those under way as they are now."""
        return [*map(self._now, await self._records.launches(person.name))]

    async def unfinished(self, person: Person) -> list[State]:
        """Those of them that are under way."""
        states = map(self._now, await self._records.unfinished(person.name))
        return [state for state in states if not state.finished]

    async def failed(self, person: Person) -> list[State]:
        """A person's launches that came to nothing and were not dismissed, newest first."""
        return [State.of_row(row) for row in await self._records.failed(person.name)]

    def running(self, person: Person, id: str) -> RunningLaunch | None:
        """A launch of this person that this process still knows, under way or ended."""
        running = self._all.get(id)
        return running if running and running.state.user == person.name else None

    def history(self, person: Person, id: str) -> History | None:
        """What was told of a launch, if this process still knows."""
        running = self.running(person, id)
        return running.history if running else None

    async def cancel(self, person: Person, id: str) -> State:
        """End a launch; its build too, if nobody else wants it. Harmless if it has ended.

        Raises:
            NotFound: no such launch of this person.
        """
        running = self.running(person, id)
        if running is None or running.task is None or running.task.done():
            return await self.get(person, id)
        await self.end(running, _BY_THEM)
        return running.state

    def under_way(self, id: str) -> RunningLaunch | None:
        """A launch of anybody that has not ended."""
        running = self._all.get(id)
        return running if running and running.state.finished is None else None

    def who(self, id: str) -> Person | None:
        """Whose a launch is, with their sign-in of then, if this process still knows it."""
        running = self._all.get(id)
        return running.order.person if running else None

    async def end(self, running: RunningLaunch, why: str) -> None:
        """End a launch of anybody; its build and the start of its server, if nobody else waits."""
        if running.task and not running.task.done():
            running.cancel(why)
            await asyncio.wait([running.task])
            if running.after:
                await asyncio.wait([running.after])

    async def allowance(self, person: Person) -> Allowance | None:
        """What is left of a person's launches per hour; none if they are not limited."""
        if not self._quotas.per_hour:
            return None
        used = await self._within_an_hour(person)
        return Allowance.of(self._quotas.per_hour, used, now() + _HOUR)

    # ---- inside

    def _now(self, row: LaunchRow) -> State:
        running = self._all.get(row.id)
        return running.state if running else State.of_row(row)

    async def _of_class(self, order: LaunchOrder) -> LaunchOrder:
        """An order without a class that it is not of; whoever only builds is of none."""
        if order.build_only:
            return replace(order, request=replace(order.request, class_id=""))
        return replace(order, request=(await self._classes.counted(order.request)).request)

    async def _within_an_hour(self, person: Person) -> int:
        """How many a person has started, where that is limited."""
        if not self._quotas.per_hour:
            return 0
        return await self._records.launches_since(person.name, _HOUR)

    async def _start(self, key: _Key, order: LaunchOrder) -> RunningLaunch:
        running = RunningLaunch(order, self._first_state(key, order))
        await self._records.launch_started(row_of(running.state, order))
        await self._classes.opened(order, key[1], running.state.id)
        self._all[running.state.id] = self._current[key] = running
        running.task = asyncio.create_task(self._run(running))
        running.task.add_done_callback(lambda _: self._ended(key, running))
        self._news.tell(running.state.user)
        return running

    def _first_state(self, key: _Key, order: LaunchOrder) -> State:
        request = order.request
        return State(
            id=secrets.token_urlsafe(_ID_BYTES),
            user=key[0],
            server=key[1],
            repo=request.repo,
            ref=request.ref if request.repo else "",
            link=write_link(request, providers=self._providers),
            started=now(),
            answers=order.answers,
            prepares=order.build_only,
            content=projects_of(
                request,
                [Commit(content.repo, content.ref, "") for content in request.content],
                order.content,
            ),
        )

    def _ended(self, key: _Key, running: RunningLaunch) -> None:
        self._current.pop(key, None)
        # the launch is remembered for long, and what was brought to it is large
        running.order = replace(running.order, notebook=None)
        if not self._closing:
            running.after = asyncio.create_task(self._take_back(running))
        self._over.append(running.state.id)
        while len(self._over) > self._kept:
            del self._all[self._over.popleft()]

    async def _run(self, running: RunningLaunch) -> None:
        began = perf_counter()
        with metrics.INPROGRESS_LAUNCHES.track_inprogress():
            last = await self._follow(running)
        running.over, state = True, running.state
        provider = state.repo.provider if state.repo else "image"
        result = state.error.code if state.error else "success"
        metrics.launch_ended(provider, result, perf_counter() - began)
        await self._write_down(running, last)
        await self._notebooks.ended(running)
        # told only now, so that whoever hears of it finds it in the records
        running.tell(last)
        running.state = replace(running.state, finished=now(), progress=100)
        running.history.close()
        self._changed(running)
        self._bookkeeper.soon()
        self._started(running)

    async def _write_down(self, running: RunningLaunch, last: Event) -> None:
        state, order = running.state, running.order
        try:
            await self._records.launch_ended(state.id, **outcome_of(state, last))
        except Exception:
            app_log.exception("The outcome of launch %s could not be recorded", state.id)
        if state.error is None:
            await self._event_log.launched(order.request, host=order.host, origin=order.origin)

    def _tell(self, running: RunningLaunch, event: Event) -> None:
        """Keep an event; whoever does not watch this launch hears when it comes a step further."""
        step = running.state.step
        running.tell(event)
        if build := event.data.get("build"):
            self._meter.waits(build, running.order.person)
        if running.state.step != step:
            self._changed(running)

    def _changed(self, running: RunningLaunch) -> None:
        self._news.tell(running.state.user)
        self._classes.told(running.order.request.class_id)

    def _started(self, running: RunningLaunch) -> None:
        """Let the teacher of its class, and no other's, stop the server it started."""
        state, order = running.state, running.order
        if state.error is None or state.error.code == TargetMissing.code:
            class_id = order.request.class_id
            self._classes.started(class_id, order.person, state.server, state.id)

    async def _take_back(self, running: RunningLaunch) -> None:
        """Stop a server that was being started for a launch that is over, and for no other."""
        person, server = running.order.person, running.state.server
        if any(key[:2] == (person.name, server) for key in self._current):
            return
        try:
            if await self._launcher.take_back(person, server):
                self._changed(running)
        except BinderError as error:
            app_log.warning("%s/%s may run for nobody: %s", person.name, server, error)

    async def _follow(self, running: RunningLaunch) -> Event:
        """Launch; the last event is returned instead of told."""
        try:
            launched = await self._launcher.launch(running.order, partial(self._tell, running))
            return running.succeed(launched)
        except asyncio.CancelledError:
            return running.fail(Cancelled(running.why))
        except Exception as error:
            return running.fail(error)


_BY_THEM = fixed("You cancelled this launch.")


def _named_now(repo: Repo, providers: Providers) -> Repo:
    """A repository on record as links name it today."""
    try:
        return at_forge(repo, providers)
    except BadLink:
        return repo
