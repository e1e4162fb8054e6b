"""One build of the `local` engine: from a plan to an environment that is kept."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...core.errors import BuildFailed, BuildTimeout, LaunchFailed, NoSpace
from ...core.progress import Tell
from ...housekeeping import tidy_away
from ...repos.base import Source
from ...storage.trees import TooDeep
from ..base import Image
from ..buildfolder import fill
from . import conda, rlang
from .buildsandbox import BUILD_UID, REPO, BuildSandbox
from .condalink import Conda
from .limits import Limits
from .model import slim
from .network import Network, without
from .plan import Plan
from .recipe import Recipe
from .sealing import seal
from .server import Model
from .settings import Settings
from .store import START, Record, Store, unique_bytes
from .supervised import beside, in_thread, supervised
from .systembuild import on_system
from .words import say


@dataclass(frozen=True)
class OneBuild:
    """One build, while the key's lock is held.

    Attributes:
        settings: what an administrator set.
        store: gets the environment.
        cache: of uv.
        conda: how packages of conda are come by.
        plan: what was decided.
        source: the repository's files; `None` for the environment of no repository.
        builder: engine and recipe, for the record.
        model: an environment of the same interpreter with nothing but the server's packages, or
            `None`.
        server: what a server of its own begins from.
        tell: told what happens.
    """

    settings: Settings
    store: Store
    cache: Path
    conda: Conda
    plan: Plan
    source: Source | None
    builder: str
    model: Path | None
    server: Model
    tell: Tell

    async def run(self) -> Image:
        """Make the environment; nothing of it is left if that fails.

        Raises:
            BuildFailed, BuildTimeout, NoSpace.
        """
        plan, key = self.plan, self.plan.environment.key
        image: Image | None = None
        try:
            sandbox = self._sandbox(await in_thread(self.store.begin, key))
            plan.environment.tell(self.tell)
            if self.source:
                await fill(sandbox.repo, plan.detection, self.source, self.store.scratch)
            await in_thread(sandbox.prepare)
            check = partial(self._check_limits, time.monotonic() + self.settings.build_timeout)
            recipe = await supervised(self._make(sandbox), check)
            self.tell(say("Finishing the environment", 95))
            image = await in_thread(self._finish, recipe)
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

    async def _make(self, sandbox: BuildSandbox) -> Recipe:
        """Follow the recipe, while the system's packages are installed.

        Scripts of these run in their tree, which is all that they see.
        """
        plan = self.plan
        making = on_system(sandbox, plan.systems, plan.packages, self.tell)
        async with beside(making) as on_its_system:
            recipe = self._recipe(sandbox, on_its_system)
            await recipe.make()
        return recipe

    def _recipe(self, sandbox: BuildSandbox, on_its_system: Awaitable[BuildSandbox]) -> Recipe:
        plan = self.plan
        return Recipe(
            plan.detection,
            sandbox,
            on_its_system,
            (*self.settings.base_packages, *(rlang.SERVER if self.plan.r else ())),
            self.cache,
            self.tell,
            self.server,
            self.conda if plan.conda else None,
            self.model,
            python=plan.python,
            apart=plan.apart,
            besides=plan.besides,
            julia_server=self.settings.julia_pkg_server,
        )

    def _sandbox(self, path: Path) -> BuildSandbox:
        settings, plan = self.settings, self.plan
        tool = conda.installation(settings.conda_program) if settings.conda_program else None
        return BuildSandbox(
            scratch=self.store.scratch / path.name,
            environment=path,
            prefix=plan.interpreter.prefix,
            python=plan.interpreter.path,
            network=Network(settings.network),
            blocked=without(settings.blocked_networks, settings.allowed_networks),
            limits=Limits(memory=settings.build_memory, processes=settings.build_processes),
            uid=BUILD_UID if os.geteuid() == 0 else None,
            tools=(tool,) if tool and plan.conda else (),
            conda=plan.conda,
            cran=settings.cran_mirror if plan.r else "",
            server=self.server.interpreter.prefix,
        )

    def _check_limits(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise BuildTimeout(
                "The build took longer than {minutes:.0f} minutes and was ended. "
                "Make postBuild do less, or ask the administrator for more time.",
                minutes=self.settings.build_timeout / 60,
            )
        free = shutil.disk_usage(self.store.root).free
        if free < self.settings.min_free_space // 2:
            raise NoSpace("The disk filled up during the build, which was ended.")

    def _finish(self, recipe: Recipe) -> Image:
        plan, source, path = self.plan, self.source, recipe.sandbox.environment
        provides = recipe.provides()
        if not plan.environment.files:
            slim(path)
        size, own = seal(path)
        made = recipe.sandbox.made if recipe.made.count else None
        if made:
            extra = unique_bytes(made, set())
            size, own = size + extra, own + extra
        size += unique_bytes(recipe.sandbox.system, set()) if recipe.sandbox.system else 0
        limit = self.settings.max_environment_size
        if limit and size > limit:
            raise BuildFailed(
                "The environment takes {size} MiB; {limit} MiB "
                "are allowed. Ask for fewer packages, or the administrator for more room.",
                size=size >> 20,
                limit=limit >> 20,
            )
        record = Record(
            key=plan.environment.key,
            kind=plan.environment.kind,
            files=plan.environment.files,
            path=str(path),
            prefix="" if plan.conda else plan.interpreter.prefix,
            builder=self.builder,
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
            julia=recipe.julia.project,
            julia_server=recipe.julia.server if recipe.julia.project else "",
            server=recipe.sandbox.server if recipe.apart else "",
        )
        start = {START.name: recipe.start} if recipe.start is not None else {}
        self.store.finish(record, start, made)
        return record.image
