"""The images of this hub on its daemon: what they are called, found, kept and removed by."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from hashlib import sha256
from pathlib import Path

from ... import certificates
from ...core.errors import BuildFailed
from ...core.progress import Tell
from ...housekeeping import alone
from ...locks import held_if_free
from ...storage import scratch
from ..base import Image
from ..containers.finish import make_startable
from ..containers.keys import Keys
from ..containers.planning import repo2docker_base
from ..containers.trust import authorities, build_trusting
from .daemon import Daemon
from .settings import Settings

LABEL = "binder-at-home.key"
UNFINISHED = ":unfinished"
"""Tag of an image until it has been looked at: a killed build leaves nothing that is found."""


class ImageStore:
    """The images of one hub.

    Args:
        settings: what an administrator set; read whenever it is needed.
        daemon: the engine that keeps them.
    """

    def __init__(self, settings: Settings, daemon: Daemon) -> None:
        self._settings = settings
        self._daemon = daemon

    @property
    def keys(self) -> Keys:
        """Who is at work on which key."""
        return Keys(self._settings.layout)

    @property
    def scratch(self) -> Path:
        """Where folders for builds are made."""
        return self._settings.scratch

    def image_name(self, key: str) -> str:
        return f"{self._settings.image_prefix}{key}"

    async def find(self, key: str) -> Image | None:
        """The image of an environment if it is there; marks it as used now."""
        name = self.image_name(key)
        facts = await self._daemon.inspect(name)
        if facts is None:
            return None
        self.keys.mark_used(key)
        return _image(name, key, facts)

    async def images(self) -> list[Image]:
        """Every image kept, least recently used first."""
        names = [name for name in await self._names() if not name.endswith(UNFINISHED)]
        inspected = [(name, await self._daemon.inspect(name)) for name in names]
        images = [_image(name, _key(facts), facts) for name, facts in inspected if facts]
        return sorted(images, key=lambda image: self.keys.last_use(image.key))

    async def remove(self, image: Image) -> bool:
        """Remove an image unless something uses it; gives whether it is gone."""
        if await self._daemon.in_use(image.name) or not await self._daemon.remove(image.name):
            return False
        self.keys.forget(image.key)
        return True

    async def collect_garbage(self, keep: Collection[str]) -> list[Image]:
        """Remove images over the configured age and total size, never one in use.

        Args:
            keep: keys of environments that stay in any case.
        """
        images = await self.images()
        return await self._settings.remove_surplus(images, self.keys, self.remove, keep)

    async def _names(self) -> list[str]:
        """Names of our images; those of other hubs on this daemon are left alone."""
        listed = await self._daemon.names(f"label={LABEL}")
        names = (name.removesuffix(":latest") for name in listed)
        return [name for name in names if name.startswith(self._settings.image_prefix)]

    async def sweep(self) -> list[str]:
        """Remove images a killed builder had not finished, and what ran to look at them."""
        folders = await asyncio.to_thread(scratch.sweep, self.scratch)
        tried = await self._sweep(await self._daemon.tries(), self._daemon.remove_container)
        # By name: one that was pulled does not carry our label yet.
        names = await self._daemon.names(f"reference={self._settings.image_prefix}*{UNFINISHED}")
        # Podman tells all names of an image of which one is asked for.
        unfinished = {name: name for name in names if name.endswith(UNFINISHED)}
        images = await self._sweep(unfinished, self._daemon.remove)
        await self._daemon.prune(LABEL)
        return [*folders, *tried, *images]

    async def _sweep(
        self, found: Mapping[str, str], remove: Callable[[str], Awaitable[object]]
    ) -> list[str]:
        """Remove things whose image nobody is at work on; returns which.

        Args:
            found: what there is, with the image each belongs to; another hub's are left alone.
        """
        removed, prefix = [], self._settings.image_prefix
        for one, image in found.items():
            key = image.removeprefix(prefix).removesuffix(UNFINISHED)
            if not image.startswith(prefix) or "/" in key:
                continue
            with held_if_free(self.keys.lock_path(key)) as free:
                if free:
                    with alone(f"Removing {one}"):
                        await remove(one)
                        removed.append(one)
        return removed

    # --- making ---------------------------------------------------------------------------

    async def finish(self, key: str, built: str, tell: Tell) -> Image:
        """Give an image its name once it is known to be good.

        Args:
            built: the name it has until then; taken away in any case.

        Raises:
            BuildFailed: no server can be started from it.
            Unsupported: it is for another architecture.
        """
        try:
            base = self._settings.base_image or repo2docker_base()
            await make_startable(self._daemon, built, self.scratch, base, tell)
            await self._daemon.tag(built, self.image_name(key))
        finally:
            await asyncio.shield(self._daemon.remove(built))
        if (image := await self.find(key)) is None:
            raise BuildFailed("The image was made, and was gone before it could be used.")
        return image


def _image(name: str, key: str, facts: dict[str, object]) -> Image:
    size = facts.get("Size")
    return Image(name, key, size if isinstance(size, int) else 0)


def _key(facts: dict[str, dict[str, dict[str, str]]]) -> str:
    return facts["Config"]["Labels"][LABEL]


async def trusting(daemon: Daemon, store: ImageStore, base: str) -> str:
    """The name of a base image that trusts whom the Hub trusts; it is made if it is missing.

    Raises:
        ProcessFailed: it cannot be made.
    """
    bundle = certificates.established()
    if bundle is None:
        return base
    name = store.image_name(f"base-{sha256(f'{base} {authorities()}'.encode()).hexdigest()[:16]}")
    if await daemon.inspect(name) is None:
        await build_trusting(daemon, base, name, bundle, store.scratch)
    return name
