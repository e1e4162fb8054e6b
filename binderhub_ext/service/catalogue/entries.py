"""Entries of the catalogue: who may see, publish, change, report and hide them.

What an entry is of is a link like any other: it is asked about before it runs, and nothing about
being here makes it trusted. Everything that is done is in the event log, with who did it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from ...core.catalogue import Listing, check_no_secret, read_reason, words_of
from ...core.errors import BadLink, BinderError, NotAllowed, NotFound, TooMany
from ...core.launch import LaunchRequest
from ...core.links import write_link
from ...core.paste import understand
from ...core.plain import shown
from ...core.policy import Policy, judge
from ...core.providers import Providers
from ..hub import HubClient, Person
from ..launching.eventlog import EventLog
from ..members import own_since
from ..records.catalogue import CatalogueRecords, Reported, Search
from ..records.tables import CatalogueRow
from ..requests import read_own_link
from .settings import Limits

_DAY = timedelta(days=1)


class Catalogue:
    """The entries, each verb with who asks.

    Args:
        records: of the entries.
        hub: knows people's groups.
        policy, providers: what may be launched here.
        limits: the administrator's.
        log: gets what is done.
    """

    def __init__(
        self,
        records: CatalogueRecords,
        hub: HubClient,
        *,
        policy: Policy,
        providers: Providers,
        limits: Limits,
        log: EventLog,
    ) -> None:
        self._records, self._hub = records, hub
        self.policy, self.providers = policy, providers
        self.limits, self._log = limits, log
        # nobody gets past a limit by asking many times at once
        self._counting = asyncio.Lock()

    # ---- looking

    async def find(
        self, person: Person, search: Search, page: int
    ) -> tuple[list[CatalogueRow], int]:
        """A page of what somebody may see of what they look for, and how many there are."""
        groups = await self._hub.groups(person)
        since = own_since(person.since)
        return await self._records.find(
            search, user=person.name, groups=groups, page=page, since=since
        )

    async def get(self, person: Person, id: str) -> CatalogueRow:
        """An entry that somebody may see; their own and, as an administrator, any, if hidden too.

        Raises:
            NotFound: there is none, which is not told apart from one for others.
        """
        if person.admin:
            row = await self._records.get(id)
        else:
            groups = await self._hub.groups(person)
            since = own_since(person.since)
            row = await self._records.visible(id, user=person.name, groups=groups, since=since)
        if row is None:
            raise NotFound(
                "There is no such entry in the catalogue, or it is not for you. It may have been"
                " withdrawn."
            )
        return row

    @property
    def shows_pictures(self) -> bool:
        return self.limits.pictures

    def may_publish(self, person: Person) -> bool:
        return person.admin or self.limits.per_person > 0

    async def groups(self, person: Person) -> tuple[str, ...]:
        """For whom somebody may publish, besides everybody."""
        return tuple(sorted(await self._hub.groups(person)))

    def read(self, link: str, base: str = "") -> LaunchRequest:
        """What a link is of.

        Args:
            link: of ours, or anything that people paste.
            base: absolute URL of this service.

        Raises:
            BadLink: it is not understood, or holds a secret.
        """
        check_no_secret(link)
        own = link.strip().removeprefix(base) if base else link.strip()
        if own.startswith("v2/"):
            return read_own_link(own, self.providers)
        return understand(link, providers=self.providers).request

    def opens(self, row: CatalogueRow) -> LaunchRequest | None:
        """What an entry launches; nothing if this hub does not understand or allow it any more."""
        try:
            request = read_own_link(row.link, self.providers)
            judge(self.policy, request)
        except BinderError:
            return None
        return request

    # ---- of one's own

    async def publish(
        self, person: Person, request: LaunchRequest, listing: Listing
    ) -> CatalogueRow:
        """Add an entry.

        Raises:
            NotAllowed, BadLink: it may not be launched here, or not be published by them.
            TooMany: they have as many as they may.
        """
        if not self.may_publish(person):
            raise NotAllowed("On this hub administrators alone publish. Ask one of them.")
        await self._check(person, request, listing)
        most = self.limits.per_person
        async with self._counting:
            has = await self._records.owned(person.name, own_since(person.since))
            if not person.admin and has >= most:
                raise TooMany(
                    "You have published {most} entries, as many as this hub allows. Withdraw one"
                    " that is not needed any more.",
                    most=most,
                )
            filed = self._filed(request, listing)
            row = await self._records.publish(person.name, listing, **filed)
        await self._log.catalogued(person.name, "publish", row.id, row.link)
        return row

    async def edit(
        self, person: Person, id: str, request: LaunchRequest, listing: Listing
    ) -> CatalogueRow:
        """Change an entry of one's own; one that is hidden stays hidden.

        Raises:
            NotFound, NotAllowed, BadLink.
        """
        row = await self._own(person, id)
        await self._check(person, request, listing, before=row.group)
        filed = self._filed(request, listing)
        await self._records.edit(id, listing, **filed)
        await self._log.catalogued(person.name, "edit", id, filed["link"])
        return await self._own(person, id)

    async def withdraw(self, person: Person, id: str) -> None:
        """Remove an entry of one's own, or as an administrator anybody's.

        Raises:
            NotFound
        """
        row = await self.get(person, id) if person.admin else await self._own(person, id)
        await self._records.withdraw(id)
        if not owns(person, row):
            await self._log.acted(person.name, "withdraw-entry", _subject(row))
        else:
            await self._log.catalogued(person.name, "withdraw", id, row.link)

    # ---- of others

    async def report(self, person: Person, id: str, reason: str) -> None:
        """Tell administrators what is wrong with an entry.

        Raises:
            NotFound, BadLink: without a reason.
            TooMany: too many within a day.
        """
        reason = read_reason(reason)
        row = await self.get(person, id)
        most = self.limits.reports
        async with self._counting:
            if await self._records.reports_since(person.name, _DAY) >= most:
                raise TooMany(
                    "You have reported {most} entries within a day, as many as this hub allows."
                    " Tell the administrator if there are more.",
                    most=most,
                )
            await self._records.report(id, person.name, reason)
        await self._log.catalogued(person.name, "report", id, row.link)

    # ---- of administrators, who were found to be that before

    async def reported(self) -> list[Reported]:
        """What administrators may want to see: reported, hidden and featured entries."""
        return await self._records.for_administrators()

    async def hide(self, admin: Person, id: str, *, hidden: bool) -> None:
        """Hide an entry from everybody but its owner, which deals with its reports; or show it.

        Raises:
            NotFound
        """
        row = await self.get(admin, id)
        if await self._records.marked(id, hidden=hidden):
            action = "hide-entry" if hidden else "unhide-entry"
            await self._log.acted(admin.name, action, _subject(row))
        if hidden:
            await self._records.settle(id)

    async def feature(self, admin: Person, id: str, *, featured: bool) -> None:
        """Put an entry before all others, or back among them.

        Raises:
            NotFound
        """
        row = await self.get(admin, id)
        if await self._records.marked(id, featured=featured):
            action = "feature-entry" if featured else "unfeature-entry"
            await self._log.acted(admin.name, action, _subject(row))

    async def dismiss(self, admin: Person, id: str) -> None:
        """Call the reports of an entry dealt with.

        Raises:
            NotFound
        """
        row = await self.get(admin, id)
        if await self._records.settle(id):
            await self._log.acted(admin.name, "dismiss-reports", _subject(row))

    # ---- inside

    async def _own(self, person: Person, id: str) -> CatalogueRow:
        row = await self.get(person, id)
        if not owns(person, row):
            raise NotAllowed("This entry is of somebody else: only they change or withdraw it.")
        return row

    async def _check(
        self, person: Person, request: LaunchRequest, listing: Listing, before: str = ""
    ) -> None:
        """Refuse what may not be published.

        Args:
            before: the group it was for, which may be gone meanwhile.
        """
        judge(self.policy, request)
        if listing.picture and not self.shows_pictures:
            raise NotAllowed("This hub shows no pictures in its catalogue. Leave it out.")
        if listing.picture and request.repo is None:
            raise BadLink("An image has no repository with a picture in it. Leave the picture out.")
        if request.share:
            raise BadLink(
                "This link lets people into the server of whoever follows it. Leave out who else"
                " may enter it."
            )
        check_no_secret(write_link(request, providers=self.providers))
        group = listing.group
        if group and group != before and group not in await self._hub.groups(person):
            raise NotAllowed(
                "You are not in the group {group}. Publish it for everybody, or for a group of"
                " yours.",
                group=shown(group),
            )

    def _filed(self, request: LaunchRequest, listing: Listing) -> dict[str, str]:
        repo = request.repo
        return {
            "link": write_link(replace(request, share=(), class_id=""), providers=self.providers),
            "repo": repo.identity[:2048] if repo else "",
            "words": words_of(listing, repo.shown if repo else request.image),
        }


def owns(person: Person, row: CatalogueRow) -> bool:
    """Whether an entry is somebody's: who had their name before them was somebody else."""
    mine = bool(row.owner) and row.owner == person.name
    return mine and row.made >= own_since(person.since)


def _subject(row: CatalogueRow) -> str:
    return f"{row.id} of {row.owner}: {row.link}" if row.owner else f"{row.id}: {row.link}"
