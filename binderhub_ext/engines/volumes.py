"""Which volumes a server gets: worked out in the Hub's process at every start, for every engine.

The ticket says which volumes are wanted. What they are, whether the person may use them and how
is decided here, by the groups the Hub has the person in at this moment and by what the volume's
own record says at this moment; so what was taken away is gone at the next start, whoever starts
the server and from whichever page.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyterhub import orm
from traitlets.config import LoggingConfigurable

from ..core.launch import Launch
from ..core.layout import DataDirectory
from ..core.sentences import Sentence
from ..core.space import volume_words
from ..core.volumes import GroupRules, GroupVolume, Kind, Placed, Volume, group_of, resolve
from ..storage.space import Space
from ..storage.usage import last_usage
from ..storage.volumes import VolumeStore
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

    async def find_volumes(self, launch: Launch) -> tuple[Placed, ...]:
        """The volumes of this start.

        Raises:
            NotAllowed, BadLink: it asks for what it may not have; see :func:`volumes_for`.
        """
        rules, layout = Volumes(parent=self).rules(), self.layout
        known = await asyncio.to_thread(_sources, layout)
        # The Hub's database is for its own thread alone.
        mine, owners = _groups_of(self.user), _owners_of(self.db, known)
        placed = await asyncio.to_thread(volumes_for, launch, layout, rules, mine, owners)
        for words in await asyncio.to_thread(self._crowded, [each.volume for each in placed]):
            self.tell(14, words)
        return placed

    def _crowded(self, volumes: Sequence[Volume]) -> list[Sentence]:
        """What people should know about volumes over their limit, by what was measured last."""
        layout, limits = self.layout, Space(parent=self).limits()
        usages = [last_usage(layout, layout.volumes, PurePosixPath(v.id)) for v in volumes]
        said = (
            volume_words(volume.name, limits.of_volume(usage))
            for volume, usage in zip(volumes, usages, strict=True)
        )
        return [words for words in said if words]


def _groups_of(user: Any) -> dict[str, dict[str, object]]:
    """A person's groups with their properties, as the Hub knows them now."""
    return {group.name: dict(group.properties or {}) for group in user.groups}


def _owners_of(db: Any, sources: list[str]) -> dict[str, dict[str, object]]:
    """Properties of the groups that have volumes; a group that is gone is left out."""
    owners = (orm.Group.find(db, name) for name in filter(None, map(group_of, sources)))
    return {group.name: dict(group.properties or {}) for group in owners if group}


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
