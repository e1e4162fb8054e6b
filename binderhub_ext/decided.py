"""What an administrator decided, and what of a service follows from that alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from traitlets.config import Application

from .core.handover import Handover
from .core.launch import Tickets
from .core.layout import DataDirectory
from .core.policy import Policy
from .core.providers import Providers
from .core.targets import Targets
from .engines.installed import find_engine
from .repos.base import RepoProvider
from .repos.installed import installed_providers, make_fetchers
from .secrets import ensure_secret
from .secretsettings import Secrets as SecretSettings
from .service import settings
from .service.access import Access
from .service.appearance import Appearance
from .service.person.credentials import Credentials
from .service.person.sealed import Seal
from .service.person.secrets import Secrets, StoredSecret
from .service.records.records import Records
from .service.records.secrets import SecretRecords
from .service.turns import Turns
from .service.web.buildtokens import BuildTokens
from .storage.space import Space


@dataclass(frozen=True)
class Decided:
    """The first parts of a service; each is made when it is asked for.

    Attributes:
        app: has the configuration.
        layout: of the data directory.
        engine: where repositories are built.
    """

    app: Application
    layout: DataDirectory
    records: Records
    tickets: Tickets
    engine: str

    # ---- settings

    @cached_property
    def launch_policy(self) -> settings.LaunchPolicy:
        return settings.LaunchPolicy(parent=self.app)

    @cached_property
    def access(self) -> Access:
        return Access(parent=self.app)

    @cached_property
    def look(self) -> Appearance:
        return Appearance(parent=self.app)

    @cached_property
    def room(self) -> Space:
        return Space(parent=self.app)

    # ---- what is allowed, and what there is

    @cached_property
    def policy(self) -> Policy:
        folders = find_engine(self.engine).folders and os.geteuid() != 0
        return self.launch_policy.policy(folders=folders)

    @cached_property
    def targets(self) -> Targets:
        return self.launch_policy.targets()

    @cached_property
    def providers(self) -> Providers:
        return self.launch_policy.link_providers(self.known_providers, self.fetchers)

    @cached_property
    def known_providers(self) -> Providers:
        return self.launch_policy.known_providers(installed_providers())

    @cached_property
    def fetchers(self) -> Mapping[str, RepoProvider]:
        fetchers = make_fetchers(
            self.known_providers, parent=self.app, data_dir=str(self.layout.root)
        )
        for fetcher in fetchers.values():
            fetcher.keyring = self.credentials.keyring
        return fetchers

    @cached_property
    def credentials(self) -> Credentials:
        return Credentials(self.records, self.seal)

    @cached_property
    def secrets(self) -> Secrets:
        said = SecretSettings(parent=self.app)
        offered = [StoredSecret(token.name, token.file) for token in said.offered()]
        return Secrets(
            SecretRecords(self.records),
            self.seal,
            said.per_person,
            offered,
            usable=find_engine(self.engine).secrets,
        )

    @cached_property
    def handover(self) -> Handover:
        return Handover(self.tickets.secret)

    @cached_property
    def seal(self) -> Seal:
        return Seal(ensure_secret(self.layout.secrets / "credentials"))

    @cached_property
    def streams(self) -> Turns:
        return self.access.streams()

    @cached_property
    def build_tokens(self) -> BuildTokens:
        secret = ensure_secret(self.layout.secrets / "build_token")
        return BuildTokens(secret, self.access.build_token_seconds)
