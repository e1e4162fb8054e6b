"""The builder of the `local` engine: what the service asks for, put together.

A plan is remembered per tree, an environment is kept per key; both outlive the service.
"""

from __future__ import annotations

import asyncio
import platform
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ...core.apt import Packages
from ...core.environment import Determination, Ingredients, describe, environment_key
from ...core.errors import BuildFailed, Unsupported
from ...core.launch import Launch
from ...core.progress import Tell, unheard
from ...core.sentences import NOTHING, Sentence
from ...core.updates import Update
from ...core.using import Use
from ...housekeeping import alone
from ...repos.base import Source
from ...storage import scratch
from ..base import Check, Environment, Image, Program
from ..detect import DETECTION, Detection, Detector
from ..projects import preview
from . import health, julialang, keeping, rlang, seeding, server
from .beside import programs_of, uses_of
from .channels import Channels
from .condalink import Conda
from .detecting import ask_in_sandbox
from .environment import hub_python
from .interpreters import (
    Interpreter,
    download_python,
    find_interpreters,
    serves,
    serving_interpreter,
)
from .onebuild import OneBuild
from .people import known_person
from .plan import Plan, notes
from .settings import Settings
from .store import Store
from .support import choose_interpreter, is_version, refuse_unsupported, targets_lacking
from .systems import Systems, obstacle, period
from .words import say

RECIPE = "local 3"
"""Goes into every key: raise it when the recipe makes another environment of the same files, or
when those of an older one are not to be trusted."""


class LocalBuilder(Settings):
    """Builds `uv` environments beneath the data directory, and keeps them."""

    # --- the interface --------------------------------------------------------------------

    def targets_lacking(self) -> tuple[str, ...]:
        return targets_lacking(shiny=rlang.SHINY in self.r_packages)

    async def basis(self) -> str:
        machine = " ".join(each.identity for each in await self.machine())
        settings = f"{self.default_python} {self.r_packages} {self.cran_mirror}"
        settings = f"{settings} {self.python_of_conda} {self.julia_pkg_server} {self.r_of_conda}"
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

    async def uses(self, launches: Sequence[Launch]) -> list[Use]:
        return await asyncio.to_thread(uses_of, self.layout, launches)

    async def images(self) -> list[Image]:
        return [record.image for record in await asyncio.to_thread(self.store.records)]

    async def remove(self, image: Image) -> bool:
        return await asyncio.to_thread(self.store.remove, image.key)

    async def sweep(self) -> list[str]:
        keys = await asyncio.to_thread(self.store.sweep)
        return [*keys, *await asyncio.to_thread(scratch.sweep, self.store.scratch)]

    async def collect_garbage(self, keep: Collection[str] = ()) -> list[Image]:
        removed: list[Image] = []
        with alone("Removing what killed builds left"):
            await self.sweep()
        with alone("Removing unused environments"):
            await asyncio.to_thread(keeping.remove_unused, self, self.store, keep, removed)
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
        packages = self._packages(detection)
        refuse_unsupported(detection, packages, obstacle(self) if packages else None)
        r = await self._r(detection)
        if self._besides(detection) and is_version(detection.python):
            own = await self._own_interpreter()
            return self._decide(detection, own, source.whole, r, python=detection.python)
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

    def _r_of_conda(self, detection: Detection) -> bool:
        """Whether it is a repository of R whose R is conda's."""
        if not rlang.is_r(detection):
            return False
        return self.r_of_conda or (not detection.apt and obstacle(self) is not None)

    def _packages(self, detection: Detection) -> Packages:
        """What the repository's system has."""
        conda = self._r_of_conda(detection)
        return rlang.packages(detection, self.r_packages, conda=conda)

    def _besides(self, detection: Detection) -> tuple[str, ...]:
        """What conda is asked for besides Python."""
        if self._r_of_conda(detection):
            return rlang.of_conda(detection, self.r_packages)
        julia = julialang.package(detection)
        return (julia,) if julia else ()

    async def _r(self, detection: Detection) -> Sentence:
        """The R that a repository gets; empty if it is none of R."""
        if self._r_of_conda(detection):
            return rlang.found_in_conda(detection)
        return await rlang.found() if rlang.is_r(detection) else NOTHING

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
        packages, besides = self._packages(detection), self._besides(detection)
        systems = self.systems
        conda_python = f"conda, Python {python or self.default_python}"
        of_conda = detection.is_conda or python
        identity = conda_python if of_conda else interpreter.identity
        ingredients = self._ingredients(identity)
        ingredients = replace(ingredients, system=systems.layer_key(packages))
        recipes = [rlang.RECIPE, *rlang.SERVER, self.cran_mirror] if r else []
        julia = julialang.is_julia(detection)
        recipes += [julialang.RECIPE, self.julia_pkg_server] if julia else []
        recipes += besides
        if not serves(python or interpreter.minor):
            recipes += [server.RECIPE, *server.KERNEL]
        ingredients = replace(ingredients, base=(*ingredients.base, *recipes))
        determination = detection.determination
        key = environment_key(ingredients, determination, detection.binder_dir, tree)
        version = python if of_conda else interpreter.minor
        kind = describe(detection.names, version, conda=bool(of_conda))
        kind = rlang.kind(detection, r, kind) if r else kind
        kind = julialang.kind(kind) if julia else kind
        said = notes(detection, interpreter, r, python)
        environment = Environment(key, kind, detection.names, said)
        return Plan(detection, interpreter, environment, packages, systems, r, python, besides)

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
        serving = serving_interpreter(self.default_python, await self.machine())
        return await OneBuild(
            settings=self,
            store=self.store,
            cache=self.cache,
            conda=self._conda,
            plan=plan,
            source=source,
            builder=RECIPE,
            model=self._model(plan.interpreter),
            server=server.Model(serving, self._model(serving)),
            tell=tell,
        ).run()
