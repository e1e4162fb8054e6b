"""From a commit to an image: fetched once, detected once, built once, watched by everyone.

Two things are shared between launches. *Looking* at a commit (fetch it, detect its environment)
is shared by everyone who wants that commit; *building* is shared by everyone who wants that
environment, from whichever commit. Both live as long as somebody wants them: a dropped
connection changes nothing, because a launch, not a connection, is what wants a build.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import perf_counter

from tornado.log import app_log

from ...core.errors import (
    BinderError,
    BuildFailed,
    RepoUnavailable,
    UnknownProvider,
    Unsupported,
)
from ...core.layout import DataDirectory
from ...core.progress import Event, Phase, Tell, unheard
from ...core.repo import Commit
from ...core.sentences import Sentence, fixed
from ...engines.base import Builder, Environment, Image
from ...folders import offered
from ...housekeeping import alone
from ...jobs import Jobs
from ...repos.about import About, about
from ...repos.base import RepoProvider, Source
from ...repos.blob import blob
from ...repos.readme import Readme, readme
from ..accounting.buildmeter import BuildMeter
from ..records.records import Records, outcome
from ..settings import BuildSettings
from . import metrics
from .buildlog import BuildLog
from .prepulls import Prepulls
from .semaphore import FairSemaphore

_ONE_AHEAD = "{count} build is ahead of this one."
_AHEAD = "{count} builds are ahead of this one."
_BY_ADMINISTRATOR = fixed("An administrator ended this build.")

_GLANCES = 4
"""Pages that look at something new at the same time: a browser can be made to open many."""


@dataclass(frozen=True)
class BuildRequest:
    """An environment that has to be built, and the files it is built from, if it is of any."""

    environment: Environment
    source: Source | None


class Builds:
    """Every build of this service. Made once, closed with the service.

    Args:
        settings: the administrator's.
        layout: of the data directory.
        builder: the engine's.
        providers: what fetches repositories, by the provider of their links.
        records: of what was built.
        meter: counts how long it took.
    """

    def __init__(
        self,
        settings: BuildSettings,
        *,
        layout: DataDirectory,
        builder: Builder,
        providers: Mapping[str, RepoProvider],
        records: Records,
        meter: BuildMeter,
    ) -> None:
        self._settings, self._layout = settings, layout
        self._builder, self._providers, self._records = builder, providers, records
        self._meter = meter
        self._semaphore = FairSemaphore(settings.concurrency)
        self._looks: Jobs[Image | BuildRequest] = Jobs()
        self._builds: Jobs[Image] = Jobs()
        self._prepulls = Prepulls(builder, settings.concurrency)
        self._glances = 0
        self._at_work: dict[str, str] = {}

    async def close(self) -> None:
        await self._looks.close()
        await self._builds.close()
        await self._prepulls.close()
        for provider in self._providers.values():
            await provider.close()

    def __len__(self) -> int:
        return len(self._builds)

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return len(self._builds) - len(self._at_work)

    def at_work(self, build: str) -> bool:
        """Whether a build of this id is under way in this process."""
        return build in self._at_work

    def cancel(self, build: str) -> bool:
        """End a build for all who wait for it; gives whether there was one."""
        key = self._at_work.get(build, "")
        return self._builds.end(key, _BY_ADMINISTRATOR)

    def provider(self, id: str) -> RepoProvider:
        """How repositories of a provider are got.

        Raises:
            UnknownProvider: links may name it, this deployment cannot fetch it.
        """
        try:
            return self._providers[id]
        except KeyError:
            raise UnknownProvider("This hub cannot fetch from “{id}”.", id=id) from None

    async def image(self, commit: Commit, tell: Tell) -> Image:
        """The image of a commit, found or built.

        Where it is found, the commit's files may still be on their way: :meth:`files` waits.

        Raises:
            RepoNotFound, RepoUnavailable, Unsupported, BuildFailed, NoSpace: as repositories
                and engines raise them.
        """
        outcome = await self._look_together(commit, tell)
        if isinstance(outcome, Image):
            return outcome
        key = outcome.environment.key
        return await self._builds.join(key, partial(self._build_in_turn, outcome), tell)

    async def plain(self, tell: Tell) -> Image:
        """The environment of an empty repository, found or built.

        Raises:
            Unsupported, BuildFailed, NoSpace: as engines do.
        """
        environment = await self._builder.plain()
        if image := await self._builder.find(environment):
            return image
        build = partial(self._build_in_turn, BuildRequest(environment, None))
        return await self._builds.join(environment.key, build, tell)

    async def look(self, commit: Commit) -> Environment | None:
        """What would be built of a commit, if that is known or found out in a moment.

        Raises:
            Unsupported, BuildFailed: it cannot be, whatever is done.
        """
        if known := await self.known(commit):
            return known[0]
        if self._glances >= _GLANCES:
            return None
        self._glances += 1
        try:
            async with asyncio.timeout(self._settings.look_time):
                await self._look_together(commit, unheard)
        except (Unsupported, BuildFailed):
            raise
        except (TimeoutError, BinderError):  # the launch will tell
            return None
        finally:
            self._glances -= 1
        return await self._records.environment(commit, await self._builder.basis())

    async def files(self, commit: Commit, tell: Tell) -> Source:
        """The files of a commit, kept; immediate if they are.

        Raises:
            RepoNotFound, RefNotFound, RepoUnavailable, AddressNotAllowed, TooLarge, NoSpace.
        """
        return await self.provider(commit.repo.provider).fetch(commit, tell)

    async def prebuilt(self, reference: str, tell: Tell) -> Image:
        """An image made elsewhere, got once for all who want it.

        Raises:
            ImageNotFound, RegistryUnavailable, Unsupported, BuildFailed, NoSpace: as engines do.
        """
        work = partial(self._builder.prebuilt, reference)
        return await self._builds.join(f"image {reference}", work, tell)

    async def prepull(self, image: Image, size: str, person: str, tell: Tell) -> Sentence:
        """Get an image to where servers of a size may run; as of :meth:`.prepulls.Prepulls.get`."""
        return await self._prepulls.get(image, size, person, tell)

    async def known(self, commit: Commit) -> tuple[Environment, Image | None] | None:
        """What is already known of a commit, without fetching or building anything."""
        environment = await self._records.environment(commit, await self._builder.basis())
        if environment is None:
            return None
        return environment, await self._builder.find(environment)

    async def about(self, commit: Commit) -> About | None:
        """What a commit says of itself, if it was fetched before."""
        return await about(self._layout, commit)

    async def readme(self, commit: Commit) -> Readme | None:
        """A commit's README, if it was fetched before."""
        return await readme(self._layout, commit)

    async def blob(self, commit: Commit, path: str, most: int) -> bytes | None:
        """What is in a file of a commit, if that was fetched before; as of :mod:`.repos.blob`."""
        return await blob(self._layout, commit, path, most)

    async def place(self, commit: Commit) -> str:
        """Where the folder of this machine is that a commit is of; empty for every other.

        Raises:
            RepoNotFound, NotAllowed: whom it was resolved for cannot open it any more.
        """
        if not commit.repo.live:
            return ""
        repo = commit.repo
        return str((await asyncio.to_thread(offered, self._layout, repo, repo.reader)).path)

    async def built(self, commit: Commit) -> Image | None:
        """The image of a commit if there is one; fetches it if it was never looked at."""
        if known := await self.known(commit):
            return known[1]
        outcome = await self._look_together(commit, unheard)
        return outcome if isinstance(outcome, Image) else None

    async def remove_old_logs(self) -> None:
        """Delete logs of builds that ended long ago. Safe to repeat."""
        for build in await self._records.builds_before(timedelta(days=self._settings.log_days)):
            with alone(f"Removing the log of build {build}"):
                self.log_path(build).unlink(missing_ok=True)

    def log_path(self, build: str) -> Path:
        return self._layout.builds / f"{build}.log"

    # ---- looking

    async def _look_together(self, commit: Commit, tell: Tell) -> Image | BuildRequest:
        key = (*commit.repo.source, commit.described)
        return await self._looks.join(key, partial(self._look, commit), tell)

    async def _look(self, commit: Commit, tell: Tell) -> Image | BuildRequest:
        """Whether there is an image already; fetches as much of the commit as that takes."""
        known = await self.known(commit)
        if known and known[1]:
            return known[1]
        provider = self.provider(commit.repo.provider)
        source = await provider.readable(commit, tell)
        tell(Event(Phase.FETCHING, Sentence("Looking at what the repository asks for.")))
        try:
            outcome = await self._look_at(source)
        except RepoUnavailable:  # what is not kept can be gone again
            outcome = await self._look_at(await provider.fetch(commit, unheard))
        if isinstance(outcome, BuildRequest):
            await provider.fetch(commit, unheard)
        return outcome

    async def _look_at(self, source: Source) -> Image | BuildRequest:
        basis = await self._builder.basis()
        environment = await self._builder.plan(source)
        remembering = self._records.remember(source.commit, basis, environment)
        _, image = await asyncio.gather(remembering, self._builder.find(environment))
        return image or BuildRequest(environment, source)

    # ---- building

    async def _build_in_turn(self, request: BuildRequest, tell: Tell) -> Image:
        def waiting(ahead: int) -> None:
            message = Sentence.counted(_ONE_AHEAD, _AHEAD, count=ahead)
            tell(Event(Phase.WAITING, message, {"ahead": ahead}))

        async with self._semaphore.acquired(waiting):
            return await self._recorded(request, tell)

    async def _recorded(self, request: BuildRequest, tell: Tell) -> Image:
        """Build, with a row, a log and figures that say how it went."""
        build, began = secrets.token_hex(8), perf_counter()
        environment = request.environment
        commit = request.source.commit if request.source else None
        await self._records.build_started(build, environment, commit)
        error: BaseException | None = None
        metrics.INPROGRESS_BUILDS.inc()
        self._at_work[build] = environment.key
        self._meter.began(build, commit.repo.identity if commit else "")
        try:
            message = Sentence("Building: {kind}.", kind=environment.kind)
            tell(Event(Phase.BUILDING, message, {"build": build}))
            with BuildLog(self.log_path(build), self._settings.log_limit) as log:
                return await self._build(request, log, tell)
        except BaseException as raised:
            error = raised
            raise
        finally:
            metrics.INPROGRESS_BUILDS.dec()
            del self._at_work[build]
            metrics.build_ended(
                commit.repo.provider if commit else "", outcome(error), perf_counter() - began
            )
            await self._meter.ended(build, outcome(error))
            said = error.message if isinstance(error, BinderError) else str(error or "")
            await self._records.build_ended(build, outcome(error), said)

    async def _build(self, request: BuildRequest, log: BuildLog, tell: Tell) -> Image:
        def logged(event: Event) -> None:
            log.write(event.message)
            tell(event)

        try:
            return await self._builder.build(request.environment, request.source, logged)
        except BuildFailed as error:
            log.write(error.message)
            log.write(error.detail)
            raise
        except Exception:
            app_log.exception("The builder broke on %s", request.environment.key)
            raise
