"""What handlers may reach: the one thing in the web application's settings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from tornado.web import RequestHandler

from ...core.handover import Handover
from ...core.launch import Tickets
from ...core.policy import Policy
from ...core.providers import Providers
from ...core.targets import Targets
from ...engines.base import Builder
from ...languages.choice import Offer
from ..accounting.bookkeeper import Bookkeeper
from ..accounting.costs import Costs
from ..accounting.limits import UsageLimits
from ..accounting.reports import Reports
from ..admin.administration import Administration
from ..announcement import Announcement
from ..bans import Bans
from ..catalogue.entries import Catalogue
from ..catalogue.health import Health as CatalogueHealth
from ..hub import HubClient
from ..launching.builds import Builds
from ..launching.choosing import Choosing
from ..launching.classes import Classes
from ..launching.launches import Launches
from ..launching.news import News
from ..launching.notebooks import Notebooks
from ..launching.teachers import Teachers
from ..launching.teaching import Teaching
from ..launching.updates import Updates
from ..launching.upstream import Upstream
from ..otherhubs import OtherHubs
from ..person.credentials import Credentials
from ..person.files import PersonFiles
from ..person.folders import PersonFolders
from ..person.heirs import Heirs
from ..person.invitations import Invitations
from ..person.secrets import Secrets
from ..person.shares import Shares
from ..person.space import DiskUsage
from ..person.volumes import PersonVolumes
from ..records.choices import Choices
from ..records.records import Records
from ..turns import Turns
from .buildtokens import BuildTokens
from .health import Health
from .pages import Pages


@dataclass(frozen=True)
class Service:
    """The collaborators of a running service, made by the app.

    Attributes:
        prefix: path of the service on the hub; ends in "/".
        servers: the hosts people's servers have, as a policy names them; empty where they are
            on the Hub's own.
        namespace: of the hub, as dashboards know it.
        origins: other sites whose pages may use the API, such as `https://book.example.org`.
        api_only: no pages.
        streams: the event streams that people have open.
        bans: networks that are not served.
        hubs: other Binders, for links to the same launch there.
        open_page: of a page that opens links on any hub; empty for none.
        warnings: sentences above the form.
        settings: what an administrator configured, without secrets.
        offer: the languages people can have.
        takes_notebooks: whether the service reaches people's servers, to put a file into them.
    """

    prefix: str
    tickets: Tickets
    policy: Policy
    providers: Providers
    targets: Targets
    builder: Builder
    builds: Builds
    choosing: Choosing
    launches: Launches
    notebooks: Notebooks
    hub: HubClient
    health: Health
    shares: Shares
    invitations: Invitations
    records: Records
    choices: Choices
    credentials: Credentials
    secrets: Secrets
    heirs: Heirs
    handover: Handover
    pages: Pages
    build_tokens: BuildTokens
    streams: Turns
    administration: Administration
    catalogue: Catalogue
    catalogue_health: CatalogueHealth
    updates: Updates
    upstream: Upstream
    news: News
    classes: Classes
    teachers: Teachers
    teaching: Teaching
    volumes: PersonVolumes
    files: PersonFiles
    folders: PersonFolders
    space: DiskUsage
    bookkeeper: Bookkeeper
    limits: UsageLimits
    reports: Reports
    costs: Costs
    servers: str = ""
    namespace: str = ""
    origins: Sequence[str] = ()
    api_only: bool = False
    bans: Bans = field(default_factory=Bans)
    hubs: OtherHubs = field(default_factory=partial(OtherHubs, {}))
    open_page: str = ""
    warnings: Sequence[str] = ()
    settings: Sequence[Mapping[str, str]] = ()
    offer: Offer = field(default_factory=Offer)
    takes_notebooks: bool = False

    @property
    def announcement(self) -> Announcement:
        """What an administrator tells everybody now."""
        return Announcement.of(self.space.layout)

    async def end_work(self) -> None:
        """End every launch and build, while people can still be told."""
        self.news.close()
        await self.upstream.close()
        await self.classes.close()
        await self.launches.close()
        await self.builds.close()

    async def close(self) -> None:
        """Let go of everything else, in the opposite order of its making."""
        await asyncio.to_thread(self.space.close)
        await self.hub.close()
        await asyncio.to_thread(self.records.close)


def service_of(handler: RequestHandler) -> Service:
    service: Service = handler.settings["binder"]
    return service
