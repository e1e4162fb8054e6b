"""What people's files take, as last measured."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import PurePosixPath

from ...core.volumes import Kind, Volume
from ...storage.volumes import VolumeStore
from ..person.space import DiskUsage


class StoredFiles:
    """Knows homes and volumes; measures nothing.

    Args:
        space: has the figures.
        volumes: there are.
    """

    def __init__(self, space: DiskUsage, volumes: VolumeStore) -> None:
        self._space, self._volumes = space, volumes

    async def homes(self, users: Iterable[str]) -> dict[str, int]:
        """Bytes of people's homes, by name; of those that were measured."""
        sizes = await self._space.known_homes(users)
        return {user: size for user, size in sizes.items() if size is not None}

    async def volumes(self) -> list[tuple[Volume, int]]:
        """Every volume that was measured, with its bytes."""

        def look() -> list[tuple[Volume, int]]:
            root = self._space.layout.volumes
            sizes = [
                (volume, self._space.known((root, PurePosixPath(volume.id))))
                for volume in self._volumes.all()
            ]
            return [(volume, size) for volume, size in sizes if size is not None]

        return await asyncio.to_thread(look)

    async def of(self, user: str) -> int | None:
        """Bytes of a person's home and own volumes; `None` while the home was not measured."""
        home = (await self.homes([user])).get(user)
        if home is None:
            return None
        return home + sum(size for volume, size in await self.volumes() if owner_of(volume) == user)


def owner_of(volume: Volume) -> str:
    """The person who has a volume; empty if a group has."""
    return volume.owner if volume.kind is Kind.SHARED else ""
