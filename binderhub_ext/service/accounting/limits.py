"""Whether somebody may use more: what they used against what they may."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from datetime import UTC, datetime

from tornado.log import app_log

from ...core.errors import DatabaseUnavailable, HubUnavailable, LaunchFailed
from ...core.launch import Launch
from ...core.sentences import Sentence
from ...core.spending import DAY, Resource, Stretch, room_again, used
from ...core.usagequotas import EVERY_START, NEW_SERVER, Policies, Policy, Standing, longest
from ..hub import HubClient, Person
from ..members import Member
from ..records.ledger import Ledger
from .settings import Given
from .stored import StoredFiles

_UNKNOWN = (
    "What you have used is not known at this moment, and without that nothing starts on this hub."
    " Try again in a minute; if that does not help, tell the administrator."
)
_FRESH = 600.0
"""Seconds for which the last look at the Hub is good."""

_STORED_DAYS = 2
"""Days after which what files took is not held against anybody any more."""


class UsageLimits:
    """What each person has used of what they may.

    Args:
        ledger: knows what was used.
        hub: knows people's groups.
        policies: the administrator's.
        given: what servers get.
        files: knows what people's files take.
        open: whether people may go on where what they used is not known.
    """

    def __init__(
        self,
        ledger: Ledger,
        hub: HubClient,
        policies: Policies,
        given: Given,
        files: StoredFiles,
        *,
        open: bool,
    ) -> None:
        self._ledger, self._hub, self._given, self._files = ledger, hub, given, files
        self.policies, self._open = policies, open

    async def standings(self, user: str, member: Member) -> list[Standing]:
        """Where a person stands under each limit that holds for them."""
        mine = self.policies.of(user, member.groups)
        if not mine:
            return []
        now = time.time()
        since = max(now - max(policy.seconds for policy in mine), member.since)
        stretches = await self._ledger.stretches(since, now, user)
        stored = await self._stored_by(user, now)
        return [standing(policy, stretches, stored, now) for policy in mine]

    async def everybody(self, members: Mapping[str, Member]) -> dict[str, list[Standing]]:
        """Where people stand, by name, each under the limits that hold for them."""
        mine = {user: self.policies.of(user, one.groups) for user, one in members.items()}
        windows = [policy.seconds for policies in mine.values() for policy in policies]
        if not windows:
            return {}
        now = time.time()
        stretches: dict[str, list[Stretch]] = {}
        for one in await self._ledger.stretches(now - max(windows), now):
            if one.user in members and one.end >= members[one.user].since:
                stretches.setdefault(one.user, []).append(one)
        stored = await self._stored(None, now)

        def stand() -> dict[str, list[Standing]]:
            return {
                user: [
                    standing(policy, stretches.get(user, []), stored.get(user, 0), now)
                    for policy in policies
                ]
                for user, policies in mine.items()
                if policies
            }

        # of thousands of people it takes seconds, and others want to be served meanwhile
        return await asyncio.to_thread(stand)

    async def warnings(self, person: Person) -> list[Sentence]:
        """What somebody is told who has used up nearly all of something, or more."""
        if not self.policies:
            return []
        member = await self._hub.member(person)
        return [one.warning for one in await self.standings(person.name, member) if one.warning]

    async def check_start(self, person: Person, launch: Launch, *, new: bool) -> list[Sentence]:
        """Refuse to start a server for somebody who has used up what it needs.

        Args:
            new: whether it is a server that they have not used before.

        Returns:
            What to say of what is nearly used up.

        Raises:
            QuotaExceeded: they have.
            LaunchFailed: it is not known, and then nobody may.
        """
        gpu = {Resource.GPU} if self._given.of(launch)[2] else set()
        told = NEW_SERVER | gpu
        return await self._check(person, told if new else EVERY_START | gpu, told)

    async def check_build(self, person: Person) -> None:
        """Refuse to build for somebody who has used up their minutes.

        Raises:
            QuotaExceeded, LaunchFailed: as of :meth:`check_start`.
        """
        await self._check(person, [Resource.BUILD])

    async def _check(
        self, person: Person, needed: Container[Resource], told: Container[Resource] = ()
    ) -> list[Sentence]:
        if not self.policies:
            return []
        try:
            await self._be_sure()
            standings = await self.standings(person.name, await self._hub.member(person))
        except (DatabaseUnavailable, HubUnavailable) as error:
            if self._open:
                app_log.warning("What %s has used is not known: %s", person.name, error.message)
                return []
            raise LaunchFailed(_UNKNOWN) from error
        if over := longest(one for one in standings if one.policy.resource in needed):
            raise over.refusal()
        return [one.warning for one in standings if one.near and one.policy.resource in told]

    async def _be_sure(self) -> None:
        """Where nobody may go on without: whether the ledger is kept."""
        last = None if self._open else await self._ledger.looked_last()
        if not self._open and (last is None or time.time() - last > _FRESH):
            raise LaunchFailed(_UNKNOWN)

    async def _stored_by(self, user: str, now: float) -> int:
        """Bytes of a person's files as last measured, so that deleting some helps at once."""
        if not self._of_storage():
            return 0
        measured = await self._files.of(user)
        if measured is None:
            return (await self._stored(user, now)).get(user, 0)
        return measured

    def _of_storage(self) -> bool:
        policies = (*self.policies.all, *self.policies.empty)
        return any(policy.resource is Resource.STORAGE for policy in policies)

    async def _stored(self, user: str | None, now: float) -> dict[str, int]:
        """Bytes that were last written down of people's files."""
        if not self._of_storage():
            return {}
        since = datetime.fromtimestamp(now - _STORED_DAYS * DAY, UTC).date()
        days = await self._ledger.storage(since, user)
        last = {one.user: one.day for one in days}
        stored: Counter[str] = Counter()
        for one in days:
            if one.day == last[one.user]:
                stored[one.user] += one.bytes
        return stored


def standing(policy: Policy, stretches: Sequence[Stretch], stored: int, now: float) -> Standing:
    """Where somebody stands under a limit.

    Args:
        stretches: what they used, at least within the limit's window.
        stored: bytes their files take.
        now: seconds since 1970.
    """
    if policy.resource is Resource.STORAGE:
        return Standing(policy, stored)
    begin = now - policy.seconds
    total = used(stretches, policy.resource, begin, now)
    if total < policy.limit:
        return Standing(policy, total)
    again = room_again(
        stretches, policy.resource, limit=policy.limit, window=policy.seconds, now=now
    )
    return Standing(policy, total, again)
