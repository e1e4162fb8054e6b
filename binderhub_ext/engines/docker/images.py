"""The images of this hub on its daemon: what they are called, found, kept and removed by."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from ...core.errors import BuildFailed, CannotStart, NoSpace
from ...core.progress import Tell
from ...housekeeping import alone
from ...locks import try_lock
from ...storage import scratch
from ..base import Environment, Image
from . import limits, network
from .daemon import Daemon
from .finish import make_startable
from .registry import Registry
from .settings import Settings

LABEL = "binder-at-home.key"
UNFINISHED = ":unfinished"
"""Tag of an image until it has been looked at: a killed build leaves nothing that is found."""


class Images(Settings):
    """What builds of repositories and prebuilt images have in common."""

    @property
    def daemon(self) -> Daemon:
        return Daemon(self.cli)

    @property
    def registry(self) -> Registry:
        return Registry(self.cli, self.registry_credentials)

    @property
    def scratch(self) -> Path:
        return self.layout.run / "builds"

    def image_name(self, key: str) -> str:
        return f"{self.image_prefix}{key}"

    async def find(self, environment: Environment) -> Image | None:
        return await self._find(environment.key)

    async def _find(self, key: str) -> Image | None:
        name = self.image_name(key)
        found = await self.daemon.inspect(name)
        if found is None:
            return None
        self._mark_used(key)
        return _image(name, key, found)

    async def images(self) -> list[Image]:
        names = [name for name in await self._names() if not name.endswith(UNFINISHED)]
        found = [(name, await self.daemon.inspect(name)) for name in names]
        images = [_image(name, _key(known), known) for name, known in found if known]
        return sorted(images, key=self._last_use)

    async def collect_garbage(self) -> list[Image]:
        removed = []
        with alone("Removing what killed builds left"):
            await self.sweep()
        kept = await self.images()
        total = sum(image.size for image in kept)
        for image in kept:
            old = time.time() - self._last_use(image) > self.max_age
            if not (old or total > self.max_total_size) or image.name in self.pinned:
                continue
            with alone(f"Removing the image {image.name}"):
                if not await self.daemon.in_use(image.name) and await self.daemon.remove(
                    image.name
                ):
                    self._used(image.key).unlink(missing_ok=True)
                    removed.append(image)
                    total -= image.size
        return removed

    async def _names(self) -> list[str]:
        """Names of our images; those of other hubs on this daemon are left alone."""
        names = (name.removesuffix(":latest") for name in await self.daemon.names(f"label={LABEL}"))
        return [name for name in names if name.startswith(self.image_prefix)]

    async def sweep(self) -> list[str]:
        """Remove images a killed builder had not finished, and what ran to look at them."""
        folders = await asyncio.to_thread(scratch.sweep, self.scratch)
        tried = await self._sweep(await self.daemon.tries(), self.daemon.remove_container)
        # By name: one that was pulled does not carry our label yet.
        names = await self.daemon.names(f"reference={self.image_prefix}*{UNFINISHED}")
        # Podman tells all names of an image of which one is asked for.
        unfinished = {name: name for name in names if name.endswith(UNFINISHED)}
        images = await self._sweep(unfinished, self.daemon.remove)
        await self.daemon.prune(LABEL)
        return [*folders, *tried, *images]

    async def _sweep(
        self, found: Mapping[str, str], remove: Callable[[str], Awaitable[object]]
    ) -> list[str]:
        """Remove things whose image nobody is at work on; returns which.

        Args:
            found: what there is, with the image each belongs to; another hub's are left alone.
        """
        removed = []
        for one, image in found.items():
            key = image.removeprefix(self.image_prefix).removesuffix(UNFINISHED)
            if not image.startswith(self.image_prefix) or "/" in key:
                continue
            with self._lock(key) as descriptor:
                if try_lock(descriptor):
                    with alone(f"Removing {one}"):
                        await remove(one)
                        removed.append(one)
        return removed

    # --- making ---------------------------------------------------------------------------

    async def _make_ready(self) -> None:
        """See to everything that has to be right before anything is built.

        Raises:
            NoSpace
        """
        await self._check_space()
        if unlimited := await self.limit_builds():
            self.log.warning("Builds have no limit of memory and processors: %s", unlimited)
        if open_to := await self.limit_network():
            self.log.warning("Builds reach this machine and cloud metadata: %s", open_to)
        if open_to := await self.limit_engine():
            self.log.warning("ADD in a Dockerfile reaches cloud metadata: %s", open_to)

    async def _check_space(self) -> None:
        root = await self.daemon.root()
        place = root if root.is_dir() else self.layout.root
        if shutil.disk_usage(place).free < self.min_free_space:
            raise NoSpace(
                "This server's disk is too full for a new image. Ask the administrator to make "
                "room; environments that exist can be used."
            )

    async def limit_builds(self) -> str:
        """Have the kernel keep builds to their limits; returns why that cannot be, if so."""
        if self.cli == "podman":
            return ""  # its builds get them as arguments
        driver = await self.daemon.cgroup_driver()
        return await asyncio.to_thread(limits.apply, self.build_memory, self.build_cpu, driver)

    async def limit_network(self) -> str:
        """Keep builds from what they must not reach; returns why that cannot be, if so."""
        try:
            bridge = await asyncio.to_thread(network.bridge_of_builds, self.cli)
        except CannotStart as error:
            return error.message
        blocked, allowed = self.blocked_networks, self.allowed_networks
        return await asyncio.to_thread(network.protect, bridge, (), blocked, allowed)

    async def limit_engine(self) -> str:
        """Keep the engine, which fetches for builds, from them too; returns why not, if so."""
        if self.cli == "podman":
            return "Podman fetches what ADD names as the service itself"
        blocked, allowed = self.blocked_networks, self.allowed_networks
        return await asyncio.to_thread(network.hold_engine, blocked, allowed)

    @asynccontextmanager
    async def _alone(self, key: str) -> AsyncIterator[None]:
        """Hold the key's lock, waiting for other builders, of other services too."""
        with self._lock(key) as descriptor:
            while not try_lock(descriptor):  # noqa: ASYNC110 - the kernel cannot wake us
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

    async def _finish(self, key: str, built: str, tell: Tell) -> Image:
        """Give an image its name once it is known to be good."""
        try:
            base = self.base_image or repo2docker_base()
            await make_startable(self.daemon, built, self.scratch, base, tell)
            await self.daemon.tag(built, self.image_name(key))
        finally:
            await asyncio.shield(self.daemon.remove(built))
        if (image := await self._find(key)) is None:
            raise BuildFailed("The image was made, and was gone before it could be used.")
        return image

    # --- last use -------------------------------------------------------------------------

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


def repo2docker_base() -> str:
    """The image repo2docker builds on by default."""
    from repo2docker.app import Repo2Docker

    return str(Repo2Docker.base_image.default_value)


def _image(name: str, key: str, known: dict[str, object]) -> Image:
    size = known.get("Size")
    return Image(name, key, size if isinstance(size, int) else 0)


def _key(known: dict[str, dict[str, dict[str, str]]]) -> str:
    return known["Config"]["Labels"][LABEL]
