"""The builder of the `docker` engine: one repo2docker build for each environment."""

from __future__ import annotations

import asyncio
import fcntl
import os
import platform
import shutil
import sys
import time
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from ...core.environment import Ingredients, describe, environment_key
from ...core.errors import BuildFailed, BuildTimeout, NoSpace
from ...core.launch import Launch
from ...core.progress import Event, Phase
from ...core.updates import Update
from ...repos.base import Source
from ...storage.checkout import temporary_checkout
from ..base import Check, Environment, Image
from ..detect import Detection, Detector
from ..process import Log, ProcessFailed, program, run
from ..projects import preview
from . import health, seeding
from .daemon import Daemon
from .examine import WITH_SERVER, WITHOUT_ENTRYPOINT, Examination, examine
from .job import Job
from .packages import SERVER_PACKAGES
from .people import known_person
from .settings import Settings

RECIPE = "docker 1"
"""Goes into every key: raise it when a build makes another environment of the same files."""

LABEL = "binder-at-home.key"
UNFINISHED = ":unfinished"
"""Tag of an image until it has been looked at: a killed build leaves nothing that is found."""


@dataclass(frozen=True)
class Plan:
    """All that is decided before a build."""

    detection: Detection
    environment: Environment


class DockerBuilder(Settings):
    """Builds container images on this machine's daemon, and keeps them there."""

    # --- the interface --------------------------------------------------------------------

    async def plan(self, source: Source) -> Environment:
        return (await self._plan(source)).environment

    async def find(self, environment: Environment) -> Image | None:
        name = self.image_name(environment.key)
        found = await self.daemon.inspect(name)
        if found is None:
            return None
        self._mark_used(environment.key)
        return _image(name, environment.key, found)

    async def preview(self, launch: Launch) -> Update | None:
        """What starting a launch would do to its person's project; see :class:`Builder`."""
        owner = known_person(self.layout, launch.user)
        if owner is None:
            return None
        return await preview(self.layout, launch, partial(seeding.run, owner=owner))

    async def build(self, environment: Environment, source: Source) -> AsyncIterator[Event | Image]:
        plan = await self._plan(source)
        if plan.environment.key != environment.key:
            raise BuildFailed("This hub changed since the build was planned. Launch again.")
        async with self._building(environment.key):
            if found := await self.find(environment):
                yield found
                return
            await self._check_space()
            async with aclosing(self._build(plan, source)) as events:
                async for event in events:
                    yield event

    async def images(self) -> list[Image]:
        names = [name for name in await self._names() if not name.endswith(UNFINISHED)]
        found = [(name, await self.daemon.inspect(name)) for name in names]
        images = [_image(name, _key(known), known) for name, known in found if known]
        return sorted(images, key=self._last_use)

    async def collect_garbage(self) -> list[Image]:
        removed = []
        await self._remove_unfinished()
        kept = await self.images()
        total = sum(image.size for image in kept)
        for image in kept:
            old = time.time() - self._last_use(image) > self.max_age
            if not (old or total > self.max_total_size) or image.name in self.pinned:
                continue
            if not await self.daemon.in_use(image.name) and await self.daemon.remove(image.name):
                self._used(image.key).unlink(missing_ok=True)
                removed.append(image)
                total -= image.size
        return removed

    async def _names(self) -> list[str]:
        """Names of our images; those of other hubs on this daemon are left alone."""
        names = (name.removesuffix(":latest") for name in await self.daemon.names(LABEL))
        return [name for name in names if name.startswith(self.image_prefix)]

    async def _remove_unfinished(self) -> None:
        """Remove what a killed builder left before it had looked at it."""
        for name in await self._names():
            key = name.removeprefix(self.image_prefix).removesuffix(UNFINISHED)
            if name.endswith(UNFINISHED):
                with suppress(BlockingIOError), self._lock(key) as descriptor:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    await self.daemon.remove(name)

    async def checks(self) -> list[Check]:
        return await health.checks(self)

    # --- planning -------------------------------------------------------------------------

    @property
    def daemon(self) -> Daemon:
        return Daemon(self.cli)

    @property
    def scratch(self) -> Path:
        return self.layout.run / "builds"

    def image_name(self, key: str) -> str:
        return f"{self.image_prefix}{key}"

    async def _plan(self, source: Source) -> Plan:
        detector = Detector(self.layout.cache / "plans", *repo2docker_pythons())
        detection = detector.recall(source.tree)
        if detection is None:
            async with temporary_checkout(source, self.scratch) as files:
                detection = await detector.detect(source.tree, files)
        determination = detection.determination
        key = environment_key(self._ingredients(), determination, detection.binder_dir, source.tree)
        kind = self._kind(detection)
        return Plan(detection, Environment(key, kind, determination.names))

    def _ingredients(self) -> Ingredients:
        return Ingredients(
            builder=f"{RECIPE}, repo2docker {version('jupyter-repo2docker')}, {self.buildpack}",
            platform=f"{sys.platform}-{platform.machine()}",
            interpreter=self.base_image,
            base=SERVER_PACKAGES if self.buildpack == "uv" else (),
        )

    def _kind(self, detection: Detection) -> str:
        named = detection.buildpack.removesuffix("BuildPack")
        if detection.buildpack in ("PythonBuildPack", "PipfileBuildPack"):
            return describe(detection.determination.names, detection.python)
        files = " and ".join(detection.determination.names[:3])
        return f"{named} with {files}" if files else named

    # --- building -------------------------------------------------------------------------

    async def _check_space(self) -> None:
        root = Path(await self.daemon.ask("info", "--format", "{{.DockerRootDir}}"))
        place = root if root.is_dir() else self.layout.root
        if shutil.disk_usage(place).free < self.min_free_space:
            raise NoSpace(
                "This server's disk is too full for a new image. Ask the administrator to make "
                "room; environments that exist can be used."
            )

    @asynccontextmanager
    async def _building(self, key: str) -> AsyncIterator[None]:
        """Hold the key's lock, waiting for other builders, of other services too."""
        with self._lock(key) as descriptor:
            while not _try_lock(descriptor):  # noqa: ASYNC110 - the kernel cannot wake us
                await asyncio.sleep(0.2)
            yield

    @contextmanager
    def _lock(self, key: str) -> Iterator[int]:
        locks = self.layout.run / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(locks / key, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    async def _build(self, plan: Plan, source: Source) -> AsyncGenerator[Event | Image]:
        yield Event(Phase.BUILDING, f"Building {plan.environment.kind}", {"progress": 1})
        log = Log()
        try:
            async with asyncio.timeout(self.build_timeout):
                async with self._context(plan, source) as context:
                    job = self._job(plan, source, context)
                    async with aclosing(self._work(job, log)) as lines:
                        async for line in lines:
                            yield Event(Phase.BUILDING, line, {"log": True})
                yield Event(Phase.BUILDING, "Looking at the new image", {"progress": 95})
                async with aclosing(self._finish(plan, job.image)) as events:
                    async for event in events:
                        yield event
        except TimeoutError:
            raise BuildTimeout(
                f"The build took longer than {self.build_timeout / 60:.0f} minutes and was ended. "
                "Make it do less, or ask the administrator for more time.",
                detail=log.end,
            ) from None
        except ProcessFailed as error:
            raise _build_failure(error, log) from error

    @asynccontextmanager
    async def _context(self, plan: Plan, source: Source) -> AsyncIterator[Path]:
        """A folder with what the build may see: if files determine it, these alone.

        So that commits, forks and other repositories with the same files make the same image.
        """
        async with temporary_checkout(source, self.scratch) as files:
            if plan.detection.determination.by_files:
                reduced = files.parent / "context"
                names = plan.detection.determination.names
                await asyncio.to_thread(_copy_files, files, reduced, names)
                yield reduced
            else:
                yield files

    def _job(self, plan: Plan, source: Source, context: Path) -> Job:
        commit = source.commit
        return Job(
            context=str(context),
            image=self.image_name(plan.environment.key) + UNFINISHED,
            labels={
                LABEL: plan.environment.key,
                "binder-at-home.repo": commit.repo.url,
                "binder-at-home.commit": commit.id,
                "binder-at-home.kind": plan.environment.kind,
            },
            buildpack=self.buildpack,
            base_image=self.base_image,
            buildx_args=list(self.buildx_args),
        )

    def _work(self, job: Job, log: Log) -> AsyncGenerator[str]:
        path = Path(job.context).parent / "job.json"
        path.write_text(job.to_json())
        argv = [sys.executable, "-P", "-m", f"{__package__}.worker", str(path)]
        return run(program(argv, env=_environment(self.cli)), log=log)

    async def _finish(self, plan: Plan, built: str) -> AsyncGenerator[Event | Image]:
        """Give the image its name once it is known to be good."""
        try:
            async with aclosing(self._make_startable(built)) as events:
                async for event in events:
                    yield event
            name = self.image_name(plan.environment.key)
            await self.daemon.ask("tag", built, name)
        finally:
            await asyncio.shield(self.daemon.remove(built))
        self._mark_used(plan.environment.key)
        known = await self.daemon.inspect(name)
        if known is None:
            raise BuildFailed("The image was built, and was gone before it could be used.")
        yield _image(name, plan.environment.key, known)

    async def _make_startable(self, name: str) -> AsyncGenerator[Event]:
        """Mend what keeps servers of an image from starting, where that can be done."""
        found = await examine(self.daemon, name)
        if found.foreign:
            raise BuildFailed(
                f"The image is for {found.foreign}, which this machine is not. Begin the"
                " Dockerfile with an image for this machine's architecture."
            )
        if not found.singleuser:
            yield Event(Phase.BUILDING, "Adding Jupyter, which the image has not", {"progress": 96})
            found = await self._add_server(name, found)
        if not found.obedient:
            yield Event(
                Phase.BUILDING,
                "The image's ENTRYPOINT does not run the command it is given (it should end with"
                ' exec "$@"), so servers start without it',
                {"progress": 98},
            )
            await self._build_on_top(name, WITHOUT_ENTRYPOINT.format(image=name))

    async def _add_server(self, name: str, found: Examination) -> Examination:
        """Give an image that has no `jupyterhub-singleuser` one, if it has Python at all."""
        if found.python:
            await self._build_on_top(name, WITH_SERVER.format(image=name, user=found.user or "0"))
            mended = await examine(self.daemon, name)
            if mended.singleuser:
                return mended
        raise BuildFailed(
            "The image was built, but nothing in it can be started here: it has no"
            " jupyterhub-singleuser that an ordinary user may run. Install jupyterhub (with pip or"
            " conda) in the Dockerfile."
        )

    async def _build_on_top(self, name: str, dockerfile: str) -> None:
        self.scratch.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.scratch) as context:
            Path(context, "Dockerfile").write_text(dockerfile)
            with suppress(ProcessFailed):
                await self.daemon.ask("buildx", "build", "--load", "--tag", name, context)

    # --- keeping --------------------------------------------------------------------------

    def _used(self, key: str) -> Path:
        return self.layout.run / "images" / key

    def _mark_used(self, key: str) -> None:
        path = self._used(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def _last_use(self, image: Image) -> float:
        try:
            return self._used(image.key).stat().st_mtime
        except OSError:
            return 0


def repo2docker_pythons() -> tuple[str, list[str]]:
    """repo2docker's own default Python version, and all it can build, lowest first."""
    with warnings.catch_warnings():
        # repo2docker still takes its log's format from where that no longer lives.
        warnings.simplefilter("ignore", DeprecationWarning)
        from repo2docker.buildpacks.conda import CondaBuildPack
        from repo2docker.buildpacks.conda.supported_python_version import SUPPORTED_PYTHON_VERSION

    return CondaBuildPack.major_pythons["3"], list(SUPPORTED_PYTHON_VERSION)


def _image(name: str, key: str, known: dict[str, object]) -> Image:
    size = known.get("Size")
    return Image(name, key, size if isinstance(size, int) else 0)


def _key(known: dict[str, dict[str, dict[str, str]]]) -> str:
    return known["Config"]["Labels"][LABEL]


def _copy_files(files: Path, into: Path, names: tuple[str, ...]) -> None:
    into.mkdir(parents=True)
    for name in names:
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy((files / name).resolve(), target)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _environment(cli: str) -> dict[str, str]:
    """What the build's own programs get: where the engine is, nothing of the service's secrets."""
    passed = ("PATH", "HOME", "LANG", "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY")
    env = {name: os.environ[name] for name in (*passed, "DOCKER_CERT_PATH") if name in os.environ}
    return env | {"CONTAINER_CLI": cli}


def _build_failure(error: ProcessFailed, log: Log) -> Exception:
    if "no space left on device" in log.end.lower():
        return NoSpace("The disk filled up during the build, which was ended.", detail=log.end)
    return BuildFailed(
        "The image could not be built. The end of the log says what failed; mend it in the "
        "repository and launch again.",
        detail=log.end or error.tail,
    )
