"""Images on their way to where servers run: each once for all who prepare it, a few at a time.

A pull can take half an hour, mostly of a node that does something else first. So it counts among
the few for its first minutes only, and of one person's no more than one does.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from weakref import WeakValueDictionary

from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...engines.base import Builder, Image
from ...jobs import Jobs
from .semaphore import FairSemaphore

_ONE_BEFORE = "Nodes pull {count} other image first."
_BEFORE = "Nodes pull {count} other images first."

_COUNTS = 300.0
"""Seconds for which a pull keeps others waiting; after that it goes on beside them."""


class Prepulls:
    """Every pull of this service. Made once, closed with the service.

    Args:
        builder: the engine's.
        places: how many count at the same time.
    """

    def __init__(self, builder: Builder, places: int) -> None:
        self._builder, self._places = builder, FairSemaphore(places)
        self._own: WeakValueDictionary[str, FairSemaphore] = WeakValueDictionary()
        self._jobs: Jobs[Sentence] = Jobs()

    async def close(self) -> None:
        await self._jobs.close()

    async def get(self, image: Image, size: str, person: str, tell: Tell) -> Sentence:
        """Get an image to where servers of a size may run.

        Args:
            person: who wants it.

        Returns:
            Where it is now, in words, as engines say it.

        Raises:
            EngineDown
        """
        work = partial(self._in_turn, image, size, person)
        return await self._jobs.join((image.name, size), work, tell)

    async def _in_turn(self, image: Image, size: str, person: str, tell: Tell) -> Sentence:
        def waiting(ahead: int) -> None:
            message = Sentence.counted(_ONE_BEFORE, _BEFORE, count=ahead)
            tell(Event(Phase.BUILT, message, {"ahead": ahead, "progress": 0}))

        own = self._own.setdefault(person, FairSemaphore(1))
        async with AsyncExitStack() as places:
            for each in (own, self._places):
                await places.enter_async_context(each.acquired(waiting))
            pull = asyncio.create_task(self._builder.prepull(image, size, tell))
            try:
                await asyncio.wait([pull], timeout=_COUNTS)
                await places.aclose()
                return await pull
            finally:
                pull.cancel()
                await asyncio.wait([pull])
