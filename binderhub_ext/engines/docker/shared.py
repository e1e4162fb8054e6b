"""Images that are in a registry too: for other machines, and for this one with an empty disk.

The daemon is asked first, then the registry. What was built is owed to the registry until it is
there; a mark on disk says so, made before the image has its name. So a service killed in the middle
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
from ..base import Environment, Image
from .images import Images
from .registry import familiar

_RETRY = 600
"""Seconds after a push that failed until a launch has to wait for the next try."""


class Shared(Images):
    """The part of the builder that keeps built images in a registry, if that is wanted."""

    async def find(self, environment: Environment) -> Image | None:
        image = await super().find(environment)
        return None if image and self._owes(environment.key) else image

    async def _there(self, key: str, tell: Tell) -> Image | None:
        """The image if it is on the daemon or in the registry, after paying what is owed."""
        if not await self._find(key) and self.use_registry:
            await self._pull_built(key, tell)
        image = await self._find(key)
        if image:
            await self._pay(key, tell)
        return image

    async def _pull_built(self, key: str, tell: Tell) -> None:
        name = familiar(self.image_name(key))
        try:
            async with asyncio.timeout(self.build_timeout):
                await self.registry.pull(name, tell)
        except ImageRefused as error:
            tell(Event(Phase.FETCHING, f"{error.message} It is built here."))
        except ImageNotFound:
            tell(Event(Phase.FETCHING, "It is not in the registry yet."))
        except BinderError as error:
            tell(Event(Phase.FETCHING, f"{error.message} It is built here."))
        except TimeoutError:
            tell(Event(Phase.FETCHING, "Pulling took too long. It is built here."))

    # --- what is owed ---------------------------------------------------------------------

    def _owe(self, key: str) -> None:
        """Note that an image has to be pushed, before there is one."""
        if self.use_registry:
            mark = self._mark(key)
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
            os.utime(mark, (0, 0))

    def _owes(self, key: str) -> bool:
        """Whether an image has to be pushed, and was not tried a moment ago."""
        if not self.use_registry:
            return False
        with suppress(FileNotFoundError):
            return time.time() - self._mark(key).stat().st_mtime > _RETRY
        return False

    async def _pay(self, key: str, tell: Tell) -> None:
        """Push what is owed; a registry that says no ends nothing."""
        if not self._owes(key):
            return
        try:
            name = familiar(self.image_name(key))
            async with asyncio.timeout(self.build_timeout):
                await self.registry.push(name, tell)
            self._mark(key).unlink(missing_ok=True)
            return
        except BinderError as error:
            words = error.message
        except TimeoutError:
            words = "Pushing took too long."
        self._mark(key).touch()
        tell(Event(Phase.PUSHING, f"{words} For now the image is on this machine alone."))

    def _mark(self, key: str) -> Path:
        return self.layout.run / "unpushed" / key
