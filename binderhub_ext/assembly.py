"""Makes a service and everything in it, each from what was made before it.

The one file that knows every room.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from socket import gethostname
from typing import Any

from jupyterhub.services.auth import HubOAuth
from traitlets.config import Application

from ._data import hub_templates_dir, templates_dir
from .core.launch import Tickets
from .core.layout import DataDirectory
from .decided import Decided
from .engines.base import Builder
from .engines.installed import find_engine, load_builder
from .secrets import ensure_secret
from .service import settings
from .service.accounting.bookkeeper import Bookkeeper
from .service.accounting.buildmeter import BuildMeter
from .service.accounting.costs import Costs
from .service.accounting.limits import UsageLimits
from .service.accounting.reports import Reports
from .service.accounting.settings import Ledger as LedgerSettings
from .service.accounting.settings import UsageQuotas
from .service.accounting.stored import StoredFiles
from .service.admin.administration import Administration
from .service.catalogue.entries import Catalogue
from .service.catalogue.health import Health as CatalogueHealth
from .service.catalogue.settings import Catalogue as CatalogueSettings
from .service.hosts import server_hosts
from .service.hub import HubClient, Person
from .service.launching.builds import Builds
from .service.launching.choosing import Choosing
from .service.launching.classes import Classes
from .service.launching.eventlog import EventLog
from .service.launching.landing import Landing
from .service.launching.launcher import Launcher
from .service.launching.launches import Launches
from .service.launching.news import News
from .service.launching.notebooks import Notebooks
from .service.launching.quotas import Quotas
from .service.launching.semaphore import FairSemaphore
from .service.launching.starts import Starts
from .service.launching.teachers import Teachers
from .service.launching.teaching import Teaching
from .service.launching.updates import Updates
from .service.launching.upstream import Upstream
from .service.otherhubs import OtherHubs
from .service.person.files import PersonFiles
from .service.person.folders import PersonFolders
from .service.person.heirs import Heirs
from .service.person.invitations import Invitations
from .service.person.shares import Shares
from .service.person.space import DiskUsage
from .service.person.volumes import PersonVolumes
from .service.records.catalogue import CatalogueRecords
from .service.records.choices import Choices
from .service.records.classes import ClassRecords
from .service.records.database import sqlite_url
from .service.records.everybody import Everybody
from .service.records.ledger import Ledger
from .service.records.notebooks import NotebookRecords
from .service.records.records import Records
from .service.web.adminviews import settings_view
from .service.web.context import Service
from .service.web.health import Health
from .service.web.pages import Pages
from .storage.volumes import VolumeStore
from .storage.volumesettings import Volumes


async def make_service(
    app: Application, layout: DataDirectory, *, engine: str, db_url: str, ticket_file: str
) -> Service:
    """A service, to be closed by :meth:`Service.close`.

    Args:
        app: has the configuration.
        layout: of the data directory.
        engine: where repositories are built.
        db_url: of the database; empty for one in the data directory.
        ticket_file: has the secret that the Hub has too; empty for that of the data directory.

    Raises:
        CannotStart: a secret, the database or the engine cannot be used.
    """
    place = sha256(f"{gethostname()}:{layout.root}".encode()).hexdigest()[:32]
    secret = ensure_secret(Path(ticket_file) if ticket_file else layout.secrets / "ticket")
    url = db_url or sqlite_url(layout.binder_db)
    records = await asyncio.to_thread(Records, url, engine=engine, owner=place)
    await records.end_interrupted()
    await Ledger(records).end_interrupted()
    parts = _Parts(app, layout, records, Tickets(secret), engine)
    facts: dict[str, Any] = {
        "prefix": parts.auth.base_url,
        "namespace": parts.accounts.namespace,
        "servers": server_hosts(parts.auth.hub_host, os.environ),
        "origins": tuple(parts.access.origins),
        "api_only": parts.access.api_only,
        "bans": parts.access.bans(),
        "hubs": OtherHubs(parts.look.other_hubs),
        "open_page": parts.look.open_page,
        "warnings": tuple(parts.look.warnings),
        "offer": parts.look.offer(),
        "settings": settings_view(app.config),
        "takes_notebooks": bool(settings.Landing(parent=app).proxy_url),
    }
    made = [part.name for part in fields(Service) if part.name not in facts]
    return Service(**facts, **{name: getattr(parts, name) for name in made})


@dataclass(frozen=True)
class _Parts(Decided):
    """What a service is made of, by the names it has there; each is made when it is asked for."""

    # ---- those who work

    @cached_property
    def auth(self) -> HubOAuth:
        return HubOAuth.instance(config=self.app.config)

    @cached_property
    def hub(self) -> HubClient:
        return HubClient(settings.HubClient(parent=self.app).settings())

    @cached_property
    def health(self) -> Health:
        return Health(self.hub, self.records)

    @cached_property
    def shares(self) -> Shares:
        return Shares(self.hub)

    @cached_property
    def invitations(self) -> Invitations:
        return Invitations(self.hub)

    @cached_property
    def builder(self) -> Builder:
        return load_builder(find_engine(self.engine), self.app.config, self.layout)

    @cached_property
    def builds(self) -> Builds:
        return Builds(
            settings.Builds(parent=self.app).settings(),
            layout=self.layout,
            builder=self.builder,
            providers=self.fetchers,
            records=self.records,
            meter=self.meter,
        )

    @cached_property
    def accounts(self) -> LedgerSettings:
        return LedgerSettings(parent=self.app)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.records)

    @cached_property
    def meter(self) -> BuildMeter:
        return BuildMeter(self.ledger)

    @cached_property
    def limits(self) -> UsageLimits:
        said = UsageQuotas(parent=self.app)
        return UsageLimits(
            self.ledger,
            self.hub,
            said.policies(),
            self.accounts.given(),
            self.stored_files,
            open=said.failover_open,
        )

    @cached_property
    def costs(self) -> Costs:
        return Costs(self.accounts.price_list(), self.accounts.given())

    @cached_property
    def reports(self) -> Reports:
        return Reports(self.ledger, self.accounts.price_list())

    @cached_property
    def bookkeeper(self) -> Bookkeeper:
        return Bookkeeper(
            self.ledger,
            self.hub,
            Person("", self.auth.api_token),
            tickets=self.tickets,
            given=self.accounts.given(),
            meter=self.meter,
            stored=self.stored_files,
            measure=self.builder.uses,
            every=self.accounts.every,
        )

    @cached_property
    def stored_files(self) -> StoredFiles:
        return StoredFiles(self.space, self.volumes.store)

    @cached_property
    def space(self) -> DiskUsage:
        return DiskUsage(self.layout, self.room.limits())

    @cached_property
    def volumes(self) -> PersonVolumes:
        said = Volumes(parent=self.app)
        return PersonVolumes(
            VolumeStore(self.layout), said.rules(), said.per_person, self.hub, self.space
        )

    @cached_property
    def files(self) -> PersonFiles:
        return PersonFiles(
            self.layout,
            volumes=self.volumes,
            space=self.space,
            hub=self.hub,
            records=self.records,
            tickets=self.tickets,
            days=self.room.trash_days,
        )

    @cached_property
    def folders(self) -> PersonFolders:
        return PersonFolders(
            self.layout, volumes=self.volumes, space=self.space, limit=self.room.upload_limit
        )

    @cached_property
    def updates(self) -> Updates:
        return Updates(
            self.builder,
            self.builds,
            self.records,
            self.upstream,
            policy=self.policy,
            providers=self.providers,
            targets=self.targets,
        )

    @cached_property
    def upstream(self) -> Upstream:
        every = settings.Updates(parent=self.app).look_every
        return Upstream(self.builds, self.policy, self.news, every)

    @cached_property
    def choosing(self) -> Choosing:
        return Choosing(self.builds, self.policy)

    @cached_property
    def starts(self) -> Starts:
        said = settings.Launcher(parent=self.app)
        places = said.places(find_engine(self.engine))
        return Starts(self.hub, FairSemaphore(places), said.start_timeout)

    @cached_property
    def landing(self) -> Landing:
        said = settings.Landing(parent=self.app)
        return Landing(self.hub, self.targets, proxy_url=said.proxy_url, patience=said.patience)

    @cached_property
    def launcher(self) -> Launcher:
        return Launcher(
            policy=self.policy,
            providers=self.providers,
            targets=self.targets,
            tickets=self.tickets,
            builds=self.builds,
            hub=self.hub,
            landing=self.landing,
            shares=self.shares,
            invitations=self.invitations,
            starts=self.starts,
            updates=self.updates,
            volumes=self.volumes,
            space=self.space,
            limits=self.limits,
        )

    @cached_property
    def event_log(self) -> EventLog:
        return EventLog(settings.EventLog(parent=self.app).path)

    @cached_property
    def administration(self) -> Administration:
        return Administration(
            hub=self.hub,
            builds=self.builds,
            builder=self.builder,
            everybody=Everybody(self.records),
            space=self.space,
            tickets=self.tickets,
            log=self.event_log,
        )

    @cached_property
    def catalogue(self) -> Catalogue:
        return Catalogue(
            CatalogueRecords(self.records),
            self.hub,
            policy=self.policy,
            providers=self.providers,
            limits=CatalogueSettings(parent=self.app).limits(),
            log=self.event_log,
        )

    @cached_property
    def catalogue_health(self) -> CatalogueHealth:
        return CatalogueHealth(
            self.catalogue,
            self.records,
            builds=self.builds,
            builder=self.builder,
            limits=self.catalogue.limits,
        )

    @cached_property
    def news(self) -> News:
        return News()

    @cached_property
    def heirs(self) -> Heirs:
        return Heirs(self.records, self.volumes.store, self.hub, Person("", self.auth.api_token))

    @cached_property
    def choices(self) -> Choices:
        return Choices(self.records)

    @cached_property
    def classes(self) -> Classes:
        return Classes(ClassRecords(self.records), self.hub, self.seal, self.providers)

    @cached_property
    def teachers(self) -> Teachers:
        return Teachers(
            settings.Classes(parent=self.app).teachers,
            records=ClassRecords(self.records),
            hub=self.hub,
            me=Person("", self.auth.api_token),
            news=self.classes.news,
            log=self.event_log,
        )

    @cached_property
    def teaching(self) -> Teaching:
        return Teaching(
            self.teachers,
            settings.Classes(parent=self.app).days,
            records=ClassRecords(self.records),
            classes=self.classes,
            launches=self.launches,
            hub=self.hub,
            bookkeeper=self.bookkeeper,
            news=self.news,
            providers=self.providers,
            log=self.event_log,
        )

    @cached_property
    def launches(self) -> Launches:
        said = settings.Launches(parent=self.app)
        return Launches(
            self.launcher,
            self.records,
            policy=self.policy,
            providers=self.providers,
            event_log=self.event_log,
            quotas=Quotas(said.per_person, said.per_hour, said.total_quota, said.per_repo_quota),
            kept=said.kept,
            news=self.news,
            meter=self.meter,
            bookkeeper=self.bookkeeper,
            classes=self.classes,
            mine=self.secrets,
            notebooks=self.notebooks,
        )

    @cached_property
    def notebooks(self) -> Notebooks:
        return Notebooks(NotebookRecords(self.records))

    # ---- what people see

    @cached_property
    def pages(self) -> Pages:
        folders = [*map(Path, self.look.template_paths), templates_dir(), hub_templates_dir()]
        return Pages(folders, self.auth.hub_prefix, self.auth.base_url, self.look.everywhere())
