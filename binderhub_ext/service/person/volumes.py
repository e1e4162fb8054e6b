"""What people do with volumes, and which of them a launch of theirs may see.

The service says no early and in words; the Hub's process decides again at every start
(`engines/volumes.py`) by the same rules.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from ...core.errors import BadLink, Conflict, NotAllowed, NotFound, TooMany
from ...core.launch import Access, VolumeRequest
from ...core.layout import DataDirectory
from ...core.volumes import (
    GroupRules,
    Kind,
    Placed,
    Volume,
    access_of,
    check_name,
    check_person,
    group_of,
    resolve,
    with_member,
    without_member,
)
from ...storage.trash import Trashed
from ...storage.usage import Usage, last_usage
from ...storage.volumes import VolumeStore
from ..hub import HubClient, Person
from .space import DiskUsage

T = TypeVar("T")

_MEMBERS_MAX = 500


@dataclass(frozen=True)
class VolumeAccess:
    """A volume as one person has it.

    Attributes:
        volume: which.
        access: the most they have.
        owned: whether they decide who else has access.
        usage: what it took when it was last measured, if it was.
    """

    volume: Volume
    access: Access
    owned: bool
    usage: Usage | None


class PersonVolumes:
    """Everything a person may do with volumes.

    Args:
        store: where they are.
        rules: volumes of groups.
        limit: shared volumes one person may own.
        hub: knows people and their groups.
        space: measures them.
    """

    def __init__(
        self, store: VolumeStore, rules: GroupRules, limit: int, hub: HubClient, space: DiskUsage
    ) -> None:
        self.store, self._rules, self._hub, self._space = store, rules, hub, space
        self.limit = limit
        self._creating = asyncio.Lock()

    # ---- looking

    async def mine(
        self, person: Person, groups: tuple[str, ...] | None = None
    ) -> list[VolumeAccess]:
        """The volumes a person may use now.

        Args:
            groups: those they are in, where the Hub was asked just now.
        """
        if groups is None:
            groups = await self._hub.groups(person)
        return await asyncio.to_thread(self._mine, person.name, groups)

    async def get(self, person: Person, id: str) -> VolumeAccess:
        """One of them.

        Raises:
            NotFound: it is not there, or not for them.
        """
        for mine in await self.mine(person):
            if mine.volume.id == id:
                return mine
        raise NotFound("There is no such volume, or it is not yours.")

    async def deleted(self, person: Person) -> list[tuple[Trashed, Volume]]:
        """What they deleted and can have back."""
        return await asyncio.to_thread(self.store.deleted, person.name)

    async def placed(
        self, person: Person, requests: tuple[VolumeRequest, ...], project: str
    ) -> tuple[Placed, ...]:
        """What a launch would see of the volumes it asks for.

        Raises:
            NotAllowed, BadLink: it cannot.
        """
        if not requests:
            return ()
        mine = [access.volume for access in await self.mine(person)]
        groups = await self._hub.groups(person)
        return resolve(requests, mine, person.name, groups, project=project)

    # ---- changing

    async def create(self, person: Person, name: str) -> Volume:
        """Make a shared volume.

        Raises:
            BadLink, Conflict: the name cannot be, or is taken.
            TooMany: they have as many as one person may.
        """
        check_name(name)

        def create() -> Volume:
            owned = sum(v.owner == person.name and v.kind is Kind.SHARED for v in self.store.all())
            if owned >= self.limit:
                raise TooMany(
                    "You have {owned} shared volumes; at most {limit} are allowed here."
                    " Delete one first, or ask the administrator.",
                    owned=owned,
                    limit=self.limit,
                )
            return self.store.create(name, person.name, time.time())

        async with self._creating:
            return await asyncio.to_thread(create)

    async def rename(self, person: Person, id: str, name: str) -> Volume:
        """Call it something else; links with the old name stop working, links with its id do not.

        Raises:
            BadLink, Conflict: the name cannot be, or is taken.
        """
        return await self._change(person, id, lambda volume: replace(volume, name=name))

    async def give(
        self, person: Person, id: str, *, user: str = "", group: str = "", access: Access | None
    ) -> Volume:
        """Set what somebody, or every member of a group, may do with it.

        Args:
            access: `None` takes it away, effective at the next start of their servers.

        Raises:
            NotFound: nobody is called that on this hub.
            BadLink: neither one person nor one group.
        """
        if bool(user.strip()) == bool(group.strip()):
            raise BadLink("Name a person or a group.")
        what = "person" if user else "group"
        name = check_person(user or group, what)
        await self._owned(person, id)
        if access:
            await self._hub.check_known(person, what, name)

        def change(volume: Volume) -> Volume:
            before = volume.users if user else volume.groups
            known = {n: a for n, a in before.items() if n != name}
            if user and name == volume.owner:
                raise Conflict("It is yours: you can always read and change it.")
            if access and len(known) >= _MEMBERS_MAX:
                raise TooMany(
                    "A volume has at most {members_max} members. Use a group.",
                    members_max=_MEMBERS_MAX,
                )
            if group:
                return replace(volume, groups={**known, **({name: access} if access else {})})
            if access:
                return with_member(volume, name, access, time.time())
            return without_member(volume, name)

        return await self._change(person, id, change)

    async def hand_over(self, person: Person, id: str, to: str) -> Volume:
        """Make somebody else the owner; who had it stays a member who may write.

        Raises:
            NotFound: nobody is called that on this hub.
            TooMany: they own as many as one person may.
        """
        to = check_person(to)
        await self._owned(person, id)
        await self._hub.check_known(person, "person", to)

        def change(volume: Volume) -> Volume:
            owned = sum(v.owner == to and v.kind is Kind.SHARED for v in self.store.all())
            if to != person.name and owned >= self.limit:
                raise TooMany(
                    "{person} owns as many shared volumes as one person may here.", person=to
                )
            handed = replace(without_member(volume, to), owner=to)
            if to == person.name:
                return handed
            return with_member(handed, person.name, Access.RW, time.time())

        return await self._change(person, id, change)

    async def leave(self, person: Person, id: str) -> None:
        """Give up one's own access.

        Raises:
            Conflict: they own it, or have it by a group.
        """
        mine = await self.get(person, id)
        if mine.owned:
            raise Conflict("It is yours. Hand it over to somebody else first, or delete it.")
        if person.name not in mine.volume.users:
            raise Conflict("You have it by a group you are in, so only leaving that would help.")

        await asyncio.to_thread(
            self.store.change, id, lambda volume: without_member(volume, person.name)
        )

    async def delete(self, person: Person, id: str) -> Trashed:
        """Move it to the trash; servers that run keep seeing it until they stop."""
        await self._owned(person, id)
        return await asyncio.to_thread(self.store.delete, id, person.name, time.time())

    async def restore(self, person: Person, trashed: str) -> Volume:
        """Bring back what they deleted, with its members.

        Raises:
            NotFound: there is none of this id that they deleted.
        """
        return await asyncio.to_thread(self.store.restore, trashed, person.name)

    # ---- parts

    def _mine(self, user: str, groups: tuple[str, ...]) -> list[VolumeAccess]:
        for wanted in self._rules.wanted({group: {} for group in groups}):
            # A group's properties are known to the Hub alone, which knows better then.
            self.store.ensure(wanted, time.time(), update=not group_of(wanted.source))
        volumes = ((volume, access_of(volume, user, groups)) for volume in self.store.all())
        return [
            VolumeAccess(volume, access, self._owns(user, volume), self._usage(volume))
            for volume, access in volumes
            if access
        ]

    def _owns(self, user: str, volume: Volume) -> bool:
        return volume.kind is Kind.SHARED and volume.owner == user

    def _usage(self, volume: Volume) -> Usage | None:
        return last_usage(*self._place(volume))

    def _place(self, volume: Volume) -> tuple[DataDirectory, Path, PurePosixPath]:
        layout = self.store.layout
        return layout, layout.volumes, PurePosixPath(volume.id)

    def measure(self, volumes: list[VolumeAccess]) -> None:
        """Have what is long not measured measured in the background, for the next look."""
        self._space.measure(*(self._place(mine.volume)[1:] for mine in volumes))

    async def _owned(self, person: Person, id: str) -> Volume:
        mine = await self.get(person, id)
        if not mine.owned:
            raise NotAllowed("Only its owner can do that.")
        return mine.volume

    async def _change(self, person: Person, id: str, change: Callable[[Volume], Volume]) -> Volume:
        await self._owned(person, id)

        def checked(volume: Volume) -> Volume:
            # It may have been handed over since we looked.
            if not self._owns(person.name, volume):
                raise NotAllowed("Only its owner can do that.")
            return change(volume)

        return await asyncio.to_thread(self.store.change, id, checked)
