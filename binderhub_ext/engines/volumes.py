"""Which volumes a server gets: worked out in the Hub's process at every start, for every engine.

The ticket says which volumes are wanted. What they are, whether the person may use them and how
is decided here, by the groups the Hub has the person in at this moment and by what the volume's
own record says at this moment; so what was taken away is gone at the next start, whoever starts
the server and from whichever page.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyterhub import orm
from traitlets.config import LoggingConfigurable

from ..core.launch import Launch
from ..core.layout import DataDirectory
from ..core.space import volume_words
from ..core.volumes import GroupRules, GroupVolume, Kind, Placed, Volume, group_of, resolve
from ..storage.homes import ensure_places
from ..storage.mounts import Mount, mounts_for
from ..storage.space import Space
from ..storage.usage import last_usage
from ..storage.volumes import VolumeStore, mount_of
from ..storage.volumesettings import Volumes

Groups = Mapping[str, Mapping[str, object]]


class VolumesMixin(LoggingConfigurable):
    """The part of a spawner that knows its server's volumes."""

    if TYPE_CHECKING:
        user: Any
        db: Any
        tell: Callable[..., None]

        @property
        def layout(self) -> DataDirectory: ...

    placed: tuple[Placed, ...] = ()
    """This start's volumes. (`volumes` and `mounts` are names of traits in other spawners.)"""

    async def find_volumes(self, launch: Launch) -> None:
        """Work out :attr:`placed` for this start.

        Raises:
            NotAllowed, BadLink: it asks for what it may not have; see :func:`volumes_for`.
        """
        self.placed = ()
        rules, layout = Volumes(parent=self).rules(), self.layout
        known = await asyncio.to_thread(_sources, layout)
        # The Hub's database is for its own thread alone.
        mine, owners = _groups_of(self.user), _owners_of(self.db, known)
        self.placed = await asyncio.to_thread(volumes_for, launch, layout, rules, mine, owners)
        for words in await asyncio.to_thread(self._crowded):
            self.tell(14, words)

    def _crowded(self) -> list[str]:
        """What people should know about volumes over their limit, by what was measured last."""
        layout, limits = self.layout, Space(parent=self).limits()
        volumes = [placed.volume for placed in self.placed]
        found = [last_usage(layout, layout.volumes, PurePosixPath(v.id)) for v in volumes]
        said = (
            volume_words(volume.name, limits.of_volume(usage))
            for volume, usage in zip(volumes, found, strict=True)
        )
        return [words for words in said if words]

    def file_mounts(self, launch: Launch) -> tuple[Mount, ...]:
        """Everything a server sees of files that are kept, outermost first."""
        placed = (mount_of(volume, self.layout) for volume in self.placed)
        return (*mounts_for(launch, self.layout), *placed)

    def ensure_volume_places(
        self, launch: Launch, temporary: Path, uid: int | None = None, gid: int | None = None
    ) -> None:
        """Make the folders in the home at which volumes appear, as their person's own.

        Args:
            temporary: the home of a server that keeps nothing; a directory of ours.
            uid: owner of what is made; `None` for the one this process runs as.
            gid: its group; `None` likewise.

        Raises:
            Conflict: a link or a file is in such a place.
        """
        own = self.layout.home(launch.user)
        for placed in self.placed:
            home, *_ = mounts_for(launch, self.layout) or (None,)
            root, path = (home.root, home.path) if home else (temporary, PurePosixPath())
            if home and launch.project and placed.place.is_relative_to(launch.project):
                # What is mounted there, not what that mount hides.
                root, path = self.layout.homes, PurePosixPath(own.name)
            ensure_places(root, path, [placed.place], uid, gid)

    @property
    def volume_groups(self) -> tuple[int, ...]:
        """Groups of the host a server's processes need to use its volumes' files."""
        return tuple(sorted({placed.volume.gid for placed in self.placed} - {0}))


def _groups_of(user: Any) -> dict[str, dict[str, object]]:
    """A person's groups with their properties, as the Hub knows them now."""
    return {group.name: dict(group.properties or {}) for group in user.groups}


def _owners_of(db: Any, sources: list[str]) -> dict[str, dict[str, object]]:
    """Properties of the groups that have volumes; a group that is gone is left out."""
    found = (orm.Group.find(db, name) for name in filter(None, map(group_of, sources)))
    return {group.name: dict(group.properties or {}) for group in found if group}


def _sources(layout: DataDirectory) -> list[str]:
    """What the group volumes there are come from."""
    return [v.owner for v in VolumeStore(layout).all() if v.kind is Kind.GROUP]


def volumes_for(
    launch: Launch, layout: DataDirectory, rules: GroupRules, mine: Groups, owners: Groups
) -> tuple[Placed, ...]:
    """The volumes of a start.

    Args:
        rules: the administrator's.
        mine: the person's groups with their properties.
        owners: the same of groups that have volumes.

    Raises:
        NotAllowed, BadLink: the launch asks for what cannot be; see :func:`resolve`.
    """
    store = VolumeStore(layout)
    wanted = list(rules.wanted({**owners, **mine}))
    for volume in wanted:
        store.ensure(volume, time.time())
    if not launch.volumes:
        return ()
    known = _still_wanted(store.all(), wanted)
    return resolve(launch.volumes, known, launch.user, mine.keys(), project=launch.project)


def _still_wanted(volumes: list[Volume], wanted: list[GroupVolume]) -> Iterator[Volume]:
    """Without group volumes that no rule speaks of any more: what they say is out of date."""
    live = {volume.source for volume in wanted}
    return (v for v in volumes if v.kind is Kind.SHARED or v.owner in live)
