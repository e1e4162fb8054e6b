"""Images somebody made elsewhere: pulled, examined as built ones are, and kept under our names.

A name such as `quay.io/lab/python:latest` means another image tomorrow, and nobody else's name
carries our label. So each image gets a name of ours that follows from its content, and that one
goes into tickets: a server starts again from what it was started with, and garbage is collected
as of all images. A name the administrator gave to an image on the machine is taken as it is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...core.errors import (
    BinderError,
    BuildTimeout,
    ImageNotFound,
    NotAllowed,
    RegistryUnavailable,
    TooMany,
)
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...locks import held_if_free
from ...programs import ProcessFailed
from ..base import Image
from ..containers.finish import build_on_top, refuse_foreign
from .daemon import Daemon
from .images import LABEL, UNFINISHED, ImageStore
from .machine import Machine
from .registry import Registry, familiar
from .settings import Settings
from .sweep import NO_SERVER

_RECIPE = "prebuilt 1"
"""Raise it when another image is made of the same content."""

_PULLED = ".pulled"
"""Suffix of a file with a name that is on the daemon for a pull, as long as that takes."""


class PrebuiltImages:
    """Images by their names.

    Args:
        settings: what an administrator set; read whenever it is needed.
        machine: made ready before anything is pulled or made.
    """

    def __init__(
        self,
        settings: Settings,
        daemon: Daemon,
        store: ImageStore,
        registry: Registry,
        machine: Machine,
    ) -> None:
        self._settings = settings
        self._daemon = daemon
        self._store = store
        self._registry = registry
        self._machine = machine

    async def get(self, reference: str, tell: Tell) -> Image:
        """The image of a name, see :meth:`Builder.prebuilt`."""
        name = familiar(reference)
        if name.startswith(self._settings.image_prefix):
            raise NotAllowed(
                "Names that begin so are of environments this hub built, perhaps of somebody's"
                " private repository. Launch the repository instead."
            )
        known_as = self._known_as(name)
        async with self._store.keys.locked(known_as.name):
            if found := await self._lately(known_as):
                return found
            await self._machine.make_ready()
            return await self._find_or_pull(name, known_as, tell)

    async def _find_or_pull(self, name: str, known_as: Path, tell: Tell) -> Image:
        """Take the image from the machine, or else from its registry."""
        if not known_as.exists() and (facts := await self._here(name)):
            return await self._adopt(name, facts, tell)
        last = await self._kept(known_as)
        async with self._pulled(name, known_as):
            try:
                await self._pull(name, tell)
            except (RegistryUnavailable, TooMany) as error:
                if last is None:
                    raise
                message = Sentence("{why} Using the one of the last time.", why=error.message)
                tell(Event(Phase.FETCHING, message))
                return last
            if (facts := await self._here(name)) is None:
                raise ImageNotFound(
                    "The image {name} was pulled, and is gone. Launch again.", name=name
                )
            image = await self._adopt(name, facts, tell)
            known_as.write_text(image.key)
            return image

    @asynccontextmanager
    async def _pulled(self, name: str, known_as: Path) -> AsyncIterator[None]:
        """Take a name on the daemon for ours, and away again; by :meth:`sweep` if we are killed."""
        known_as.touch()
        mark = known_as.with_suffix(_PULLED)
        mark.write_text(name)
        try:
            yield
        finally:
            await asyncio.shield(self._take_away(name))
            mark.unlink(missing_ok=True)

    async def _take_away(self, name: str) -> None:
        # By this very name alone: to the daemon it may also be the id of somebody else's image.
        if await self._here(name):
            await self._daemon.remove(name)

    async def sweep(self) -> list[str]:
        """Take away names that a killed pull left on the daemon; returns which."""
        swept = []
        for mark in self._folder().glob(f"*{_PULLED}"):
            lock = self._store.keys.lock_path(mark.stem)
            with held_if_free(lock) as free, suppress(FileNotFoundError):
                if free:
                    swept.append(name := mark.read_text())
                    await self._take_away(name)
                    mark.unlink()
        return swept

    async def _pull(self, name: str, tell: Tell) -> None:
        try:
            async with asyncio.timeout(self._settings.build_timeout):
                await self._registry.pull(name, tell)
        except TimeoutError:
            minutes = self._settings.build_timeout / 60
            raise BuildTimeout(
                "Pulling {name} took longer than {minutes:.0f} minutes and was ended."
                " Launch again to go on, or ask the administrator for more time.",
                name=name,
                minutes=minutes,
            ) from None

    async def _adopt(self, name: str, facts: dict[str, Any], tell: Tell) -> Image:
        """Examine an image on the machine and give it a name of ours."""
        key = sha256(f"{_RECIPE}\n{facts['Id']}".encode()).hexdigest()[:32]
        async with self._store.keys.locked(key):
            if found := await self._store.find(key):
                return found
            refuse_foreign(await self._daemon.foreign(facts))
            message = Sentence("Looking at the image {name}", name=name)
            tell(Event(Phase.BUILDING, message, {"progress": 95}))
            ours = self._store.image_name(key) + UNFINISHED
            try:
                await self._daemon.tag(facts["Id"], ours)
                labels = {LABEL: key, "binder-at-home.image": name, **NO_SERVER}
                same = f"FROM {ours}\n"
                await build_on_top(self._daemon, ours, same, self._store.scratch, labels)
            except ProcessFailed as error:
                await self._daemon.remove(ours)
                raise _not_adopted(name, error) from error
            return await self._store.finish(key, ours, tell)

    async def _here(self, name: str) -> dict[str, Any] | None:
        """What the daemon knows of an image of exactly this name.

        The daemon also finds images by their ids, which would give anybody every image on the
        machine.
        """
        facts = await self._daemon.inspect(name)
        names = self._daemon.names_of(facts) if facts else []
        return facts if name in map(familiar, names) else None

    # --- what is remembered of a name -----------------------------------------------------

    def _known_as(self, name: str) -> Path:
        """A file with the key of the image a pulled name stood for when it was last asked."""
        digest = sha256(name.encode()).hexdigest()[:32]
        self._folder().mkdir(parents=True, exist_ok=True)
        return self._folder() / digest

    def _folder(self) -> Path:
        return self._settings.layout.run / "prebuilt"

    async def _lately(self, known_as: Path) -> Image | None:
        """The image of a name that was asked for not long ago."""
        image = await self._kept(known_as)
        if image is None or time.time() - known_as.stat().st_mtime > self._settings.pull_every:
            return None
        return image

    async def _kept(self, known_as: Path) -> Image | None:
        key = known_as.read_text() if known_as.exists() else ""
        return await self._store.find(key) if key else None


def _not_adopted(name: str, error: ProcessFailed) -> BinderError:
    return RegistryUnavailable(
        "The image {name} came, and this hub's container engine could not use it. Launch again;"
        " if it stays so, tell the administrator.",
        name=name,
        detail=error.tail,
    )
