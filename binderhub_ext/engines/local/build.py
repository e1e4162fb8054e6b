"""The builder of the `local` engine: what the service asks for, put together.

A plan is remembered per tree, an environment is kept per key; both outlive the service.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...core.environment import Determination, Ingredients, describe, environment_key
from ...core.errors import BuildFailed, BuildTimeout, LaunchFailed, NoSpace, Unsupported
from ...core.launch import Launch
from ...core.progress import Tell, unheard
from ...core.sentences import NOTHING, Sentence
from ...core.updates import Update
from ...housekeeping import alone, tidy_away
from ...repos.base import Source
from ...storage import scratch
from ...storage.trees import TooDeep
from ..base import Check, Environment, Image, Program
from ..buildfolder import fill
from ..detect import DETECTION, Detection, Detector
from ..projects import preview
from . import conda, health, keeping, rlang, seeding, server
from .beside import memory_of_launch, programs_of
from .buildsandbox import BUILD_UID, REPO, BuildSandbox
from .channels import Channels
from .condabuild import Conda
from .detecting import ask_in_sandbox
from .environment import hub_python
from .interpreters import (
    Interpreter,
    download_python,
    find_interpreters,
    serves,
    serving_interpreter,
)
from .limits import Limits
from .network import Network, without
from .people import known_person
from .plan import Plan, notes
from .recipe import Recipe
from .settings import Settings
from .store import START, Record, Store, seal, unique_bytes
from .supervised import in_thread, supervised
from .support import choose_interpreter, is_version, refuse_unsupported, targets_lacking
from .systembuild import on_system
from .systems import Systems, obstacle, period
from .words import say

RECIPE = "local 3"
"""Goes into every key: raise it when the recipe makes another environment of the same files, or
when those of an older one are not to be trusted."""


class LocalBuilder(Settings):
    """Builds `uv` environments beneath the data directory, and keeps them."""

    # --- the interface --------------------------------------------------------------------

    def targets_lacking(self) -> tuple[str, ...]:
        return targets_lacking()

    async def basis(self) -> str:
        machine = " ".join(each.identity for each in await self.machine())
        settings = f"{self.default_python} {self.r_packages} {self.cran_mirror}"
        settings = f"{settings} {self.python_of_conda}"
        detected = f"{DETECTION} {self.lock_files} {self.devcontainers}"
        return f"{self._ingredients(machine)} {self.systems.base_key()} {settings} {detected}"

    async def plan(self, source: Source) -> Environment:
        return (await self._plan(source)).environment

    async def find(self, environment: Environment) -> Image | None:
        record = self.store.find(environment.key)
        return record.image if record else None

    async def plain(self) -> Environment:
        return (await self._plain()).environment

    async def build(self, environment: Environment, source: Source | None, tell: Tell) -> Image:
        plan = await (self._plan(source) if source else self._plain())
        if plan.environment.key != environment.key:
            raise BuildFailed("This machine changed since the build was planned. Launch again.")
        return await self._ensure(plan, source, tell)

    async def prepare(self) -> None:
        """Make the environment of an empty repository, or make it anew if it is old.

        Others begin from it, so the first build of a new machine is quicker after it, and
        works without network if it needs nothing else.

        Raises:
            BuildFailed, BuildTimeout, NoSpace.
        """
        if not self.begin_ready:
            return
        plan = await self._plain()
        if not self._model(plan.interpreter):
            await asyncio.to_thread(self.store.remove, plan.environment.key)
        await self._ensure(plan, None, unheard)

    async def preview(self, launch: Launch) -> Update | None:
        """What starting a launch would do to its person's project; see :class:`Builder`."""
        person = known_person(self.layout, launch.user)
        if person is None:
            return None
        # Without a sandbox only where there is none; then none of this person's servers has one.
        run = partial(seeding.run, person=person, unsafe_no_sandbox=True)
        return await preview(self.layout, launch, run)

    async def programs_beside(self, launch: Launch) -> tuple[Program, ...]:
        return await asyncio.to_thread(programs_of, self.layout, self.store, launch)

    async def memory(self, launch: Launch) -> int | None:
        return await asyncio.to_thread(memory_of_launch, self.layout, launch)

    async def images(self) -> list[Image]:
        return [record.image for record in await asyncio.to_thread(self.store.records)]

    async def remove(self, image: Image) -> bool:
        return await asyncio.to_thread(self.store.remove, image.key)

    async def sweep(self) -> list[str]:
        keys = await asyncio.to_thread(self.store.sweep)
        return [*keys, *await asyncio.to_thread(scratch.sweep, self.store.scratch)]

    async def collect_garbage(self) -> list[Image]:
        removed: list[Image] = []
        with alone("Removing what killed builds left"):
            await self.sweep()
        with alone("Removing unused environments"):
            await asyncio.to_thread(keeping.remove_unused, self, self.store, removed)
        with alone("Keeping the cache of packages small"):
            await keeping.trim_caches(self, self.store, self.cache)
        with alone("Removing unused systems"):
            used = {record.system for record in self.store.records()}
            await self.systems.collect_garbage(used, self.build_timeout, self.max_age)
        return removed

    async def checks(self) -> list[Check]:
        return await health.checks(self, await self.machine(anew=True))

    # --- planning -------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        return Store(self.layout.environments, self.layout.run / "builds")

    @property
    def cache(self) -> Path:
        """uv's cache: beside the environments, since files are shared on one disk only."""
        return self.layout.environments / ".cache"

    @property
    def _conda(self) -> Conda:
        shared = tuple(self.conda_shared_channels)
        channels = Channels(self.conda_channel_alias, shared, self.conda_credentials)
        return Conda(channels, self.store.conda, self.default_python, self.conda_program)

    @property
    def systems(self) -> Systems:
        """Trees with packages of the system: beside the environments, with which they go."""
        packages = ("python3", *self.system_base)
        return Systems(self.store.systems, packages, period(self.system_days, time.time()))

    @property
    def managed(self) -> Path:
        """Interpreters that `uv python install` put here."""
        return self.layout.cache / "python"

    async def machine(self, *, anew: bool = False) -> tuple[Interpreter, ...]:
        """The interpreters of this machine; looked for once."""
        if anew or not getattr(self, "_machine", None):
            self._machine = await find_interpreters(self.managed, self.interpreters)
        return self._machine

    async def _plan(self, source: Source) -> Plan:
        machine = await self.machine()
        minors = [*dict.fromkeys(i.minor for i in machine)]
        plans, counts = self.layout.cache / "plans", (self.lock_files, self.devcontainers)
        detector = Detector(plans, self.default_python, minors, ask_in_sandbox, *counts)
        detection = await detector.of(source, self.store.scratch)
        packages = rlang.packages(detection, self.r_packages)
        refuse_unsupported(detection, packages, obstacle(self) if packages else None)
        r = await rlang.found() if rlang.is_r(detection) else NOTHING
        try:
            interpreter = await self._interpreter(detection)
        except Unsupported:
            if not self.python_of_conda or not is_version(detection.python):
                raise
            own = await self._own_interpreter()
            return self._decide(detection, own, source.whole, r, python=detection.python)
        return self._decide(detection, interpreter, source.whole, r)

    async def _plain(self) -> Plan:
        nothing = Detection("PythonBuildPack", "", self.default_python, "", (), (), False)
        return self._decide(nothing, await self._interpreter(nothing), "")

    async def _interpreter(self, detection: Detection) -> Interpreter:
        if detection.is_conda:
            return await self._own_interpreter()
        try:
            return choose_interpreter(detection, await self.machine())
        except Unsupported:
            if self.allow_python_downloads:
                home, into = self.layout.cache / "python-home", self.managed
                await download_python(detection.python, into, home, self.cache, self.build_timeout)
            return choose_interpreter(detection, await self.machine(anew=True))

    async def _own_interpreter(self) -> Interpreter:
        """The one that our own programs use."""
        return next(i for i in await self.machine() if i.path == hub_python())

    def _decide(
        self,
        detection: Detection,
        interpreter: Interpreter,
        tree: str,
        r: Sentence = NOTHING,
        *,
        python: str = "",
    ) -> Plan:
        packages, systems = rlang.packages(detection, self.r_packages), self.systems
        conda_python = f"conda, Python {python or self.default_python}"
        of_conda = detection.is_conda or python
        identity = conda_python if of_conda else interpreter.identity
        ingredients = self._ingredients(identity)
        ingredients = replace(ingredients, system=systems.layer_key(packages))
        recipes = [rlang.RECIPE, self.cran_mirror] if r else []
        if not serves(python or interpreter.minor):
            recipes += [server.RECIPE, *server.KERNEL]
        ingredients = replace(ingredients, base=(*ingredients.base, *recipes))
        determination = detection.determination
        key = environment_key(ingredients, determination, detection.binder_dir, tree)
        version = python or interpreter.minor
        kind = describe(detection.names, f"{python} from conda".lstrip() if of_conda else version)
        kind = rlang.kind(detection, r, kind) if r else kind
        said = notes(detection, interpreter, r, python)
        environment = Environment(key, kind, detection.names, said)
        return Plan(detection, interpreter, environment, packages, systems, r, python)

    def _ingredients(self, interpreter: str) -> Ingredients:
        return Ingredients(
            builder=RECIPE,
            platform=f"{sys.platform}-{platform.machine()}-{'-'.join(platform.libc_ver())}",
            interpreter=interpreter,
            base=tuple(self.base_packages),
        )

    def _model(self, interpreter: Interpreter) -> Path | None:
        """The environment of an empty repository, if it is there and not old."""
        ingredients = self._ingredients(interpreter.identity)
        key = environment_key(ingredients, Determination(()), "", "")
        record = self.store.find(key)
        if record is None or time.time() - record.created > self.max_model_age:
            return None
        return self.store.path(key)

    # --- building -------------------------------------------------------------------------

    async def _ensure(self, plan: Plan, source: Source | None, tell: Tell) -> Image:
        """The image, built unless it is there or somebody else builds it."""
        key = plan.environment.key
        if self.store.is_building(key):
            tell(say("Waiting for another build of the same environment"))
        async with self.store.building(key):
            if image := await self.find(plan.environment):
                return image
            self.layout.environments.mkdir(parents=True, exist_ok=True)
            self.check_space(self.layout.environments)
            return await self._build(plan, source, tell)

    async def _build(self, plan: Plan, source: Source | None, tell: Tell) -> Image:
        key = plan.environment.key
        image: Image | None = None
        try:
            path = await in_thread(self.store.begin, key)
            serving = serving_interpreter(self.default_python, await self.machine())
            sandbox = self._sandbox_of(path, plan, serving)
            plan.environment.tell(tell)
            if source:
                await fill(sandbox.repo, plan.detection, source, self.store.scratch)
            await in_thread(sandbox.prepare)
            deadline = time.monotonic() + self.build_timeout
            check = partial(self._check_limits, deadline)
            making = on_system(sandbox, plan.systems, plan.packages, tell)
            sandbox = await supervised(making, check)
            recipe = self._recipe(plan, sandbox, serving, tell)
            await supervised(recipe.make(), check)
            tell(say("Finishing the environment", 95))
            image = await in_thread(self._finish, plan, source, recipe)
            return image
        except TooDeep as error:
            raise BuildFailed(
                "The build left folders that lie too deep within each other.", detail=str(error)
            ) from error
        except LaunchFailed as error:
            raise BuildFailed(
                "The build's sandbox could not be started. {reason}",
                reason=error.message,
                detail=error.detail,
            ) from error
        finally:
            rest = (tidy_away, self.store.scratch / key) if image else (self.store.discard, key)
            await in_thread(*rest)

    def _recipe(
        self, plan: Plan, sandbox: BuildSandbox, serving: Interpreter, tell: Tell
    ) -> Recipe:
        return Recipe(
            plan.detection,
            sandbox,
            tuple(self.base_packages),
            self.cache,
            tell,
            server.Model(serving, self._model(serving)),
            self._conda if plan.conda else None,
            self._model(plan.interpreter),
            python=plan.python,
            apart=plan.apart,
        )

    def _sandbox_of(self, path: Path, plan: Plan, serving: Interpreter) -> BuildSandbox:
        limits = Limits(memory=self.build_memory, processes=self.build_processes)
        tool = conda.installation(self.conda_program) if self.conda_program else None
        return BuildSandbox(
            scratch=self.store.scratch / path.name,
            environment=path,
            prefix=plan.interpreter.prefix,
            python=plan.interpreter.path,
            network=Network(self.network),
            blocked=without(self.blocked_networks, self.allowed_networks),
            limits=limits,
            uid=BUILD_UID if os.geteuid() == 0 else None,
            tools=(tool,) if tool and plan.conda else (),
            conda=plan.conda,
            cran=self.cran_mirror if plan.r else "",
            server=serving.prefix,
        )

    def _check_limits(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise BuildTimeout(
                "The build took longer than {minutes:.0f} minutes and was ended. "
                "Make postBuild do less, or ask the administrator for more time.",
                minutes=self.build_timeout / 60,
            )
        if shutil.disk_usage(self.layout.environments).free < self.min_free_space // 2:
            raise NoSpace("The disk filled up during the build, which was ended.")

    def _finish(self, plan: Plan, source: Source | None, recipe: Recipe) -> Image:
        path = recipe.sandbox.environment
        provides = recipe.provides()
        size, own = seal(path)
        made = recipe.sandbox.made if recipe.made.count else None
        if made:
            extra = unique_bytes(made, set())
            size, own = size + extra, own + extra
        size += unique_bytes(recipe.sandbox.system, set()) if recipe.sandbox.system else 0
        if self.max_environment_size and size > self.max_environment_size:
            raise BuildFailed(
                "The environment takes {size} MiB; {limit} MiB "
                "are allowed. Ask for fewer packages, or the administrator for more room.",
                size=size >> 20,
                limit=self.max_environment_size >> 20,
            )
        record = Record(
            key=plan.environment.key,
            kind=plan.environment.kind,
            files=plan.environment.files,
            path=str(path),
            prefix="" if plan.conda else plan.interpreter.prefix,
            builder=RECIPE,
            created=time.time(),
            repo=source.commit.repo.url if source else "",
            commit=source.commit.id if source else "",
            provides=provides,
            size=size,
            own=own,
            start=recipe.start is not None,
            repo_dir=REPO,
            system=str(recipe.sandbox.system or ""),
            cran=recipe.sandbox.cran,
            server=recipe.sandbox.server if recipe.apart else "",
        )
        start = {START.name: recipe.start} if recipe.start is not None else {}
        self.store.finish(record, start, made)
        return record.image
