"""The builder of the `docker` engine: one repo2docker build for each environment."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from ...core.errors import BuildFailed, BuildTimeout, NoSpace
from ...core.launch import Launch
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...core.updates import Update
from ...core.using import Use
from ...housekeeping import alone
from ...programs import Log, ProcessFailed, program, run
from ...repos.base import Source
from ...storage.scratch import scratch_folder
from .. import blame
from ..base import Check, Environment, Image
from ..buildfolder import fill
from ..containers.caches import asks_for_caches
from ..containers.finish import build_on_top
from ..containers.lockfiles import place_lock
from ..containers.made import facts_of, keep_made
from ..containers.order import REPO_DIR, LockedPackages
from ..containers.people import known_person
from ..containers.planning import Plan, Recipe, repo2docker_base
from ..projects import preview
from ..solver import conflict, other_file
from . import health, seeding
from .daemon import Daemon, cli_environment
from .images import LABEL, UNFINISHED, ImageStore, trusting
from .job import PODMAN, Job
from .limits import podman_arguments
from .machine import Machine
from .prebuilt import PrebuiltImages
from .registry import Registry
from .settings import Settings
from .shared import SharedImages
from .sweep import NO_SERVER
from .uses import uses_of

RECIPE = "docker 6"
"""Goes into every key: raise it when a build makes another environment of the same files."""


class DockerBuilder(Settings):
    """Builds container images on this machine's daemon, and keeps them there."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.daemon = Daemon(self.cli)
        self.machine = Machine(self, self.daemon)
        self.store = ImageStore(self, self.daemon)
        registry = Registry(self)
        self._shared = SharedImages(self, self.store, registry)
        self._prebuilt = PrebuiltImages(self, self.daemon, self.store, registry, self.machine)

    # --- the interface --------------------------------------------------------------------

    async def preview(self, launch: Launch) -> Update | None:
        """What starting a launch would do to its person's project; see :class:`Builder`."""
        owner = known_person(self.layout, launch.user)
        if owner is None:
            return None
        return await preview(self.layout, launch, partial(seeding.run, owner=owner))

    async def find(self, environment: Environment) -> Image | None:
        """See :class:`Builder`. What has to be pushed yet is not found, so that it is built: that
        is quick, and pushes it.
        """
        image = await self.store.find(environment.key)
        return None if image and self._shared.is_unpushed(environment.key) else image

    async def build(self, environment: Environment, source: Source | None, tell: Tell) -> Image:
        plan = await self.planned(source)
        if plan.environment.key != environment.key:
            raise BuildFailed("This hub changed since the build was planned. Launch again.")
        async with self.store.keys.locked(environment.key):
            if image := await self._shared.find_or_pull(environment.key, tell):
                return image
            await self.machine.make_ready()
            self._shared.mark_unpushed(environment.key)
            image = await self._build(plan, source, tell)
            await self._shared.push_pending(environment.key, tell)
            return image

    async def prebuilt(self, reference: str, tell: Tell) -> Image:
        return await self._prebuilt.get(reference, tell)

    async def uses(self, launches: Sequence[Launch]) -> list[Use]:
        return await uses_of(self.layout, launches)

    async def images(self) -> list[Image]:
        return await self.store.images()

    async def remove(self, image: Image) -> bool:
        return await self.store.remove(image)

    async def sweep(self) -> list[str]:
        return [*await self.store.sweep(), *await self._prebuilt.sweep()]

    async def collect_garbage(self, keep: Collection[str] = ()) -> list[Image]:
        with alone("Removing what killed builds left"):
            await self.sweep()
        return await self.store.collect_garbage(keep)

    async def checks(self) -> list[Check]:
        return await health.checks(self, self.daemon, self.machine, self.store)

    # --- planning -------------------------------------------------------------------------

    @property
    def recipe(self) -> Recipe:
        return self.recipe_named(RECIPE)

    # --- building -------------------------------------------------------------------------

    async def _build(self, plan: Plan, source: Source | None, tell: Tell) -> Image:
        plan.environment.tell(tell)
        log = Log(lambda line: tell(Event.log(Phase.BUILDING, line)))
        try:
            async with asyncio.timeout(self.build_timeout):
                async with self._context(plan, source) as context:
                    base = self.base_image or repo2docker_base()
                    base = await trusting(self.daemon, self.store, base)
                    lock = await asyncio.to_thread(place_lock, context, plan.detection)
                    job = self._job(plan, source, context, base, lock)
                    before = await asyncio.to_thread(facts_of, context)
                    handed = await self._handed_over(plan, job, source, tell)
                    if not handed:
                        await self._work(job, log)
                if plan.detection.file("postBuild") and not handed:
                    made = job.image, before, REPO_DIR, self.scratch
                    await keep_made(self.daemon, *made, tell)
                message = Sentence("Looking at the new image")
                tell(Event(Phase.BUILDING, message, {"progress": 95}))
                return await self.store.finish(plan.environment.key, job.image, tell)
        except TimeoutError:
            raise BuildTimeout(
                "The build took longer than {minutes:.0f} minutes and was ended. "
                "Make it do less, or ask the administrator for more time.",
                minutes=self.build_timeout / 60,
                detail=log.end,
            ) from None
        except ProcessFailed as error:
            raise _build_failure(error, log) from error

    @asynccontextmanager
    async def _context(self, plan: Plan, source: Source | None) -> AsyncIterator[Path]:
        """A folder with what the build may see: if files determine it, these alone.

        So that commits, forks and other repositories with the same files make the same image.
        """
        with scratch_folder(self.scratch) as folder:
            context = folder / "context"
            if source:
                await fill(context, plan.detection, source, self.scratch)
            context.mkdir(exist_ok=True)
            yield context

    def _job(
        self,
        plan: Plan,
        source: Source | None,
        context: Path,
        base: str,
        lock: LockedPackages | None,
    ) -> Job:
        return Job(
            context=str(context),
            image=self.store.image_name(plan.environment.key) + UNFINISHED,
            labels={
                LABEL: plan.environment.key,
                "binder-at-home.repo": source.commit.repo.url if source else "",
                "binder-at-home.commit": source.commit.id if source else "",
                "binder-at-home.kind": plan.environment.kind,
                **NO_SERVER,
            },
            cache=uuid4().hex if self.cli == "docker" else "",
            apart=asks_for_caches(context, plan.detection),
            buildpack=self.buildpack,
            base_image=base,
            buildx_args=[*self.buildx_args, *self._own_limits()],
            lock=asdict(lock) if lock else {},
            engine=PODMAN if self.cli == "podman" else "docker",
        )

    async def _handed_over(self, plan: Plan, job: Job, source: Source | None, tell: Tell) -> bool:
        """Have the image built elsewhere, where that is wanted and possible; returns whether."""
        binderhub = self.elsewhere(plan.detection, source)
        if not binderhub or not source:
            return False
        reference = await binderhub.build(source.commit, tell)
        image = await self.prebuilt(reference, tell)
        await self.daemon.tag(image.name, job.image)
        same = f"FROM {job.image}\n"
        await build_on_top(self.daemon, job.image, same, self.scratch, job.labels)
        return True

    def _own_limits(self) -> list[str]:
        """What keeps one build to its limits, where the engine offers that."""
        if self.cli == "podman":
            return podman_arguments(self.build_memory, self.build_cpu)
        return []

    async def _work(self, job: Job, log: Log) -> None:
        folder = Path(job.context).parent
        path = folder / "job.json"
        path.write_text(job.to_json())
        argv = [sys.executable, "-P", "-m", f"{__package__}.worker", str(path)]
        # Podman keeps the caches of steps in the folder for temporary files: in none that lasts.
        await run(program(argv, env={**cli_environment(), "TMPDIR": str(folder)}), log)


def _build_failure(error: ProcessFailed, log: Log) -> Exception:
    if NoSpace.in_text(log.end):
        return NoSpace("The disk filled up during the build, which was ended.", detail=log.end)
    said = log.end or error.tail
    return BuildFailed(_reason(said), detail=said)


def _reason(said: str) -> Sentence:
    """The sentence for people: whose fault it is, and what to do."""
    if others := blame.of_others(said):
        return others
    if sentence := other_file(said):
        return sentence
    if sentence := conflict(said):
        return Sentence("The requirements cannot be installed. {why}", why=sentence)
    return Sentence(
        "The image could not be built. The end of the log says what failed; mend it in the "
        "repository and launch again."
    )
