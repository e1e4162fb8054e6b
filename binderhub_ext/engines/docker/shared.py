"""Images that are in a registry too: for other machines, and for this one with an empty disk.

The daemon is asked first, then the registry. What was built has to be pushed until the registry has
it; a mark on disk says so, made before the image has its name. So a service killed in the middle
of a push goes on with it at the next launch of that environment, and what was sent is not sent
again. A registry that says no keeps nobody from working: the image is here.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path

from ...core.errors import BinderError, ImageNotFound, ImageRefused
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ..base import Image
from .images import ImageStore
from .registry import Registry, familiar
from .settings import Settings

_RETRY = 600
"""Seconds after a push that failed until a launch has to wait for the next try."""


class SharedImages:
    """Built images in the registry that all machines of a hub use, if that is wanted.

    Args:
        settings: what an administrator set; read whenever it is needed.
    """

    def __init__(self, settings: Settings, store: ImageStore, registry: Registry) -> None:
        self._settings = settings
        self._store = store
        self._registry = registry

    async def find_or_pull(self, key: str, tell: Tell) -> Image | None:
        """The image if it is on the daemon or in the registry, after what has to be pushed is."""
        if not await self._store.find(key) and self._settings.use_registry:
            await self._pull(key, tell)
        image = await self._store.find(key)
        if image:
            await self.push_pending(key, tell)
        return image

    async def _pull(self, key: str, tell: Tell) -> None:
        name = familiar(self._store.image_name(key))
        try:
            async with asyncio.timeout(self._settings.build_timeout):
                await self._registry.pull(name, tell)
            return
        except ImageRefused as error:
            message = _built_here(error.message)
        except ImageNotFound:
            message = Sentence("It is not in the registry yet.")
        except BinderError as error:
            message = _built_here(error.message)
        except TimeoutError:
            message = _built_here(Sentence("Pulling took too long."))
        tell(Event(Phase.FETCHING, message))

    # --- what has to be pushed ------------------------------------------------------------

    def mark_unpushed(self, key: str) -> None:
        """Note that an image has to be pushed, before there is one."""
        if self._settings.use_registry:
            mark = self._mark(key)
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
            os.utime(mark, (0, 0))

    def is_unpushed(self, key: str) -> bool:
        """Whether an image has to be pushed, and was not tried a moment ago."""
        if not self._settings.use_registry:
            return False
        with suppress(FileNotFoundError):
            return time.time() - self._mark(key).stat().st_mtime > _RETRY
        return False

    async def push_pending(self, key: str, tell: Tell) -> None:
        """Push an image that has to be; a registry that says no ends nothing."""
        if not self.is_unpushed(key):
            return
        try:
            name = familiar(self._store.image_name(key))
            async with asyncio.timeout(self._settings.build_timeout):
                await self._registry.push(name, tell)
            self._mark(key).unlink(missing_ok=True)
            return
        except BinderError as error:
            why = error.message
        except TimeoutError:
            why = Sentence("Pushing took too long.")
        self._mark(key).touch()
        message = Sentence("{why} For now the image is on this machine alone.", why=why)
        tell(Event(Phase.PUSHING, message))

    def _mark(self, key: str) -> Path:
        return self._settings.layout.run / "unpushed" / key


def _built_here(why: Sentence) -> Sentence:
    return Sentence("{why} It is built here.", why=why)
