"""How much room people's files take: measured in the background, answered from memory.

Nobody waits for a measurement. It runs in threads of its own, so that measuring large homes
holds up neither the event loop nor the work of others on files.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath

from tornado.log import app_log

from ...core.layout import DataDirectory
from ...core.sentences import Sentence
from ...core.space import Taken
from ...storage.space import Limits, is_full, no_room
from ...storage.usage import Usage, home_places, last_home_usage, last_usage, usage

_MEASURED = 600.0
"""Seconds for which a figure is good."""

_AT_ONCE = 2

Place = tuple[Path, PurePosixPath]


class DiskUsage:
    """Figures of use, and whether there is room. Made once, closed with the service.

    Args:
        layout: of the data directory.
        limits: the administrator's.
    """

    def __init__(self, layout: DataDirectory, limits: Limits) -> None:
        self.layout, self.limits = layout, limits
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="usage")
        self._waiting: set[Place] = set()
        self._closed = False

    def close(self) -> None:
        """Give up what is being measured."""
        self._closed = True
        self._threads.shutdown(cancel_futures=True)

    # ---- what is known

    async def home(self, user: str) -> Taken:
        """A person's home against its limit, as last measured; has it measured if that is old."""
        self.measure(*home_places(self.layout, user))
        usage = await asyncio.to_thread(last_home_usage, self.layout, user)
        return self.limits.of_home(usage)

    async def no_room(self, user: str) -> Sentence:
        """Why nothing new should be put into a person's files; empty if there is room."""
        self.measure(*home_places(self.layout, user))
        return await asyncio.to_thread(no_room, self.layout, user, self.limits)

    async def full(self) -> bool:
        """Whether the disk is."""
        return await asyncio.to_thread(is_full, self.layout, self.limits.reserve)

    async def has_room(self, size: int) -> bool:
        """Whether the disk takes so many bytes, and keeps its reserve."""
        return not await asyncio.to_thread(is_full, self.layout, self.limits.reserve + size)

    # ---- measuring

    def measure(self, *places: Place, max_age: float = _MEASURED) -> None:
        """Have what was not measured within `max_age` seconds measured for the next look."""
        for place in places:
            if place not in self._waiting and not self._closed:
                self._waiting.add(place)
                done = asyncio.get_running_loop().run_in_executor(
                    self._threads, self._measure, place, max_age
                )
                done.add_done_callback(partial(self._measured, place))

    def launched(self, user: str) -> None:
        """Something came into a person's files: have them measured anew."""
        self.measure(*home_places(self.layout, user), max_age=0)

    async def measure_all(self, *, each: bool = False) -> None:
        """Measure all for which there is a limit, or simply each, one after another."""
        homes = (self.layout.homes, self.layout.states) if self.limits.home or each else ()
        volumes = (self.layout.volumes,) if self.limits.volume or each else ()
        for root in (*homes, *volumes):
            for name in await asyncio.to_thread(_folders, root):
                place = (root, PurePosixPath(name))
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._threads, self._measure, place, _MEASURED)

    def _measure(self, place: Place, max_age: float) -> None:
        try:
            usage(
                self.layout,
                *place,
                now=time.time(),
                max_age=max_age,
                given_up=lambda: self._closed,
            )
        except Exception:
            app_log.exception("The size of %s could not be measured", place[1])

    def _measured(self, place: Place, _done: object) -> None:
        self._waiting.discard(place)

    async def known_homes(self, users: Iterable[str]) -> dict[str, int | None]:
        """Bytes of people's homes as last measured; measures none."""

        def look() -> dict[str, int | None]:
            usages = ((user, last_home_usage(self.layout, user)) for user in users)
            return {user: self.limits.of_home(usage).bytes for user, usage in usages}

        return await asyncio.to_thread(look)

    async def looked_at(self, places: Sequence[Place]) -> list[int | None]:
        """Bytes of folders as last measured; has those measured whose figure is old."""

        def look() -> list[Usage | None]:
            return [last_usage(self.layout, *place) for place in places]

        usages, now = await asyncio.to_thread(look), time.time()
        known = zip(places, usages, strict=True)
        old = (one for one, usage in known if not usage or not _is_good(usage, now))
        self.measure(*old)
        return [usage.bytes if usage else None for usage in usages]

    def known(self, place: Place) -> int | None:
        """Bytes of a folder as last measured; reads a small file."""
        usage = last_usage(self.layout, *place)
        return usage.bytes if usage else None


def _is_good(usage: Usage, now: float) -> bool:
    return now - _MEASURED <= usage.measured <= now


def _folders(root: Path) -> list[str]:
    return [path.name for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
