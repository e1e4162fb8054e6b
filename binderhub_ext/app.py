"""The service as a program: makes everything, connects it, runs it, takes it down again.

The one file that knows every room. `setup` and `cleanup` are mirror images.
"""

from __future__ import annotations

import asyncio
import os
import signal
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from socket import gethostname
from urllib.parse import unquote, urlsplit

from jupyterhub.services.auth import HubOAuth
from sqlalchemy.engine import URL
from tornado.httpserver import HTTPServer
from tornado.log import app_log
from tornado.netutil import bind_sockets, bind_unix_socket
from tornado.web import Application as WebApplication
from tornado.web import RequestHandler
from traitlets import Float, Unicode, default

from . import __version__
from ._data import static_dir, templates_dir
from .config import classes
from .core.errors import CannotStart
from .core.layout import DataDirectory
from .engines.base import Builder
from .engines.installed import find_engine, load_builder
from .housekeeping import alone
from .options import StrictApplication
from .repos.base import RepoProvider
from .repos.installed import GIT_BASED, GROUP
from .secrets import ensure_secret
from .service.hosts import server_hosts
from .service.hub import HubClient
from .service.launching.builds import Builds
from .service.launching.eventlog import EventLog
from .service.launching.landing import Landing
from .service.launching.launcher import Launcher
from .service.launching.launches import Launches
from .service.launching.updates import Updates
from .service.person.credentials import Credentials
from .service.person.files import FilesDesk
from .service.person.shares import Shares
from .service.person.space import SpaceDesk
from .service.person.volumes import VolumeDesk
from .service.records.database import sqlite_url
from .service.records.records import Records
from .service.settings import Access, Appearance, LaunchPolicy
from .service.web.buildtokens import BuildTokens
from .service.web.context import Service
from .service.web.handlers.pages import NotFoundPage
from .service.web.pages import Pages
from .service.web.routes import routes
from .storage.doors import close_doors, open_doors
from .storage.space import Space
from .storage.volumes import VolumeStore
from .storage.volumesettings import Volumes
from .traits import Bytes

_UNCHECKED_READ = "Skipping XSRF check for insecure request "

_CLEAN_EVERY = 24 * 3600


class BinderApp(StrictApplication):
    """The service that people and programs talk to; JupyterHub runs it."""

    name = "binder-at-home service"
    version = __version__
    description = __doc__ or ""
    classes = [
        Access,
        Appearance,
        Builds,
        EventLog,
        HubClient,
        Landing,
        Launcher,
        Launches,
        LaunchPolicy,
        Space,
        Volumes,
    ]

    data_dir = Unicode(
        help="Absolute path of the data directory; the Hub has the same. Required."
    ).tag(config=True)

    engine = Unicode(
        "local", help="Where repositories are built: an installed engine (default `local`)."
    ).tag(config=True)

    config_file = Unicode(
        help="Configuration file, written as for JupyterHub (`c = get_config()`). Default: none."
    ).tag(config=True)

    bind_url = Unicode(
        help="""Where the service listens, `http://address:port` or `http+unix://…`. Default:
        $JUPYTERHUB_SERVICE_URL, which the Hub gives to the services it manages."""
    ).tag(config=True)

    db_url = Unicode(
        help="""Database, as SQLAlchemy writes it, such as `postgresql+psycopg://…`. Default:
        `binder.sqlite` in the data directory."""
    ).tag(config=True)

    ticket_secret_file = Unicode(
        help="""File with the secret that only the service and the Hub share. Default:
        `secrets/ticket` in the data directory, made if there is none."""
    ).tag(config=True)

    max_body = Bytes(
        "1M", help="Bytes a request may send (default 1 MiB); forms are far smaller."
    ).tag(config=True)

    sweep_every = Float(
        300,
        min=1,
        help="""Seconds between two looks for what a service or build that was killed left behind
        (default 300); the first one is at the start.""",
    ).tag(config=True)

    aliases = {
        "data-dir": "BinderApp.data_dir",
        "engine": "BinderApp.engine",
        "f": "BinderApp.config_file",
        "config": "BinderApp.config_file",
    }
    flags = {"debug": ({"BinderApp": {"log_level": "DEBUG"}}, "Log everything.")}

    @default("bind_url")
    def _bind_url(self) -> str:
        return os.environ.get("JUPYTERHUB_SERVICE_URL", "http://127.0.0.1:8003")

    @default("log_level")
    def _log_level(self) -> int:
        return 20

    @property
    def layout(self) -> DataDirectory:
        return DataDirectory(Path(self.data_dir).absolute())

    # ---- life

    def initialize(self, argv: list[str] | None = None) -> None:
        """Read the command line and the configuration file; the former wins."""
        self.parse_command_line(argv)
        classes.load_rooms(self.engine)
        self.configure_from(str(Path(self.config_file).absolute()) if self.config_file else "")
        if not self.data_dir:
            raise CannotStart("The service needs to know where its data is: give --data-dir.")

    def start(self) -> None:
        """Run until told to stop."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await self.setup()
        try:
            await stop.wait()
        finally:
            await self.cleanup()

    async def setup(self) -> None:
        """Make everything, each from what was made before it."""
        self._init_logging()
        close_doors(self.layout)
        if self.config.LocalSpawner.get("unsafe_no_sandbox"):
            open_doors(self.layout)
        self._init_secrets()
        self._init_hub_auth()
        await self._init_records()
        self._init_policy()
        self._init_repos()
        self._init_builder()
        await self._init_hub()
        self._init_files()
        self._init_launches()
        self._init_service()
        self._init_server()
        work = (self._keep_house(), self._sweep())
        self._housekeeping = {asyncio.create_task(one) for one in work}

    async def cleanup(self) -> None:
        """Take everything down, in the opposite order."""
        self.server.stop()
        for task in self._housekeeping:
            task.cancel()
        await asyncio.wait(self._housekeeping)
        await self.launches.close()
        await self.builds.close()
        await self.server.close_all_connections()
        await asyncio.to_thread(self.space.close)
        await self.hub.close()
        await asyncio.to_thread(self.records.close)

    # ---- parts

    def _init_logging(self) -> None:
        """Leave out a line JupyterHub writes for each read of programs and of plain HTTP.

        These send no `Sec-Fetch-Mode`; a request that changes something is checked all the same.
        """
        app_log.addFilter(lambda record: _UNCHECKED_READ not in record.getMessage())

    def _init_secrets(self) -> None:
        layout = self.layout
        self.ticket_secret = ensure_secret(
            Path(self.ticket_secret_file) if self.ticket_secret_file else layout.secrets / "ticket"
        )
        # signs the cookies people stay signed in with, so it outlives the process
        self.cookie_secret = ensure_secret(layout.secrets / "service_cookie")
        self.build_secret = ensure_secret(layout.secrets / "build_token")
        self.credentials_secret = ensure_secret(layout.secrets / "credentials")

    def _init_hub_auth(self) -> None:
        self.hub_auth = HubOAuth.instance(config=self.config)

    async def _init_records(self) -> None:
        url: str | URL = self.db_url or sqlite_url(self.layout.binder_db)
        kind = f"{self.engine} {__version__}"
        place = f"{gethostname()}:{self.layout.root}"
        owner = sha256(place.encode()).hexdigest()[:32]
        self.records = await asyncio.to_thread(Records, url, engine=kind, owner=owner)
        await self.records.end_interrupted()

    def _init_policy(self) -> None:
        self.settings = LaunchPolicy(parent=self)
        self.policy = self.settings.policy()
        self.targets = self.settings.targets()

    def _init_repos(self) -> None:
        self.credentials = Credentials(self.records, self.credentials_secret)
        self.repo_providers = self._load_repo_providers()
        fetchable = {*self.repo_providers, *(("image",) if self.policy.images else ())}
        self.providers = self.settings.link_providers(fetchable)

    def _load_repo_providers(self) -> dict[str, RepoProvider]:
        """What is installed, each class made once however many ids it serves."""
        made: dict[type, RepoProvider] = {}
        found: dict[str, RepoProvider] = {}
        for entry in entry_points(group=GROUP):
            kind = entry.load()
            if kind not in made:
                made[kind] = kind(parent=self, data_dir=str(self.layout.root))
            found[entry.name] = made[kind]
        own = [*self.settings.github_hosts, *self.settings.gitlab_hosts]
        if git := found.get("git"):
            git.keyring = self.credentials.keyring  # type: ignore[attr-defined]
            found = {**dict.fromkeys((*GIT_BASED, *own), git), **found}
        return found

    def _init_builder(self) -> None:
        self.builder: Builder = load_builder(find_engine(self.engine), self.config, self.layout)
        self.builds = Builds(parent=self)
        self.builds.setup(
            layout=self.layout,
            builder=self.builder,
            providers=self.repo_providers,
            records=self.records,
        )

    async def _init_hub(self) -> None:
        self.hub = HubClient(parent=self)
        await self.hub.setup()
        self.landing = Landing(parent=self)
        self.landing.setup(hub=self.hub, targets=self.targets)

    def _init_files(self) -> None:
        room, settings = Space(parent=self), Volumes(parent=self)
        self.space = SpaceDesk(self.layout, room.limits())
        self.volumes = VolumeDesk(
            VolumeStore(self.layout), settings.rules(), settings.per_person, self.hub, self.space
        )
        self.files = FilesDesk(
            self.layout,
            volumes=self.volumes,
            space=self.space,
            hub=self.hub,
            records=self.records,
            secret=self.ticket_secret,
            days=room.trash_days,
        )

    def _init_launches(self) -> None:
        self.updates = Updates(
            self.builder,
            self.builds,
            self.records,
            policy=self.policy,
            providers=self.providers,
            targets=self.targets,
        )
        self.launcher = Launcher(parent=self)
        self.launcher.setup(
            policy=self.policy,
            targets=self.targets,
            builds=self.builds,
            hub=self.hub,
            landing=self.landing,
            updates=self.updates,
            volumes=self.volumes,
            space=self.space,
            secret=self.ticket_secret,
        )
        self.launches = Launches(parent=self)
        self.launches.setup(
            launcher=self.launcher,
            records=self.records,
            policy=self.policy,
            providers=self.providers,
            event_log=EventLog(parent=self),
        )

    def _init_service(self) -> None:
        look, access = Appearance(parent=self), Access(parent=self)
        prefix = self.hub_auth.base_url
        paths = [*map(Path, look.template_paths), templates_dir()]
        self.service = Service(
            prefix=prefix,
            secret=self.ticket_secret,
            policy=self.policy,
            providers=self.providers,
            targets=self.targets,
            builder=self.builder,
            builds=self.builds,
            launches=self.launches,
            hub=self.hub,
            shares=Shares(self.hub),
            records=self.records,
            credentials=self.credentials,
            pages=Pages(paths, self.hub_auth.hub_prefix, prefix, look.everywhere()),
            build_tokens=BuildTokens(self.build_secret, access.build_token_seconds),
            updates=self.updates,
            volumes=self.volumes,
            files=self.files,
            space=self.space,
            origins=tuple(access.origins),
            api_only=access.api_only,
            bans=access.bans(),
            hubs=look.other_hubs,
            home=look.home(),
            servers=server_hosts(self.hub_auth.hub_host, os.environ),
        )

    def _init_server(self) -> None:
        service = self.service
        web = WebApplication(
            routes(service.prefix, static_dir(), api_only=service.api_only),
            default_handler_class=NotFoundPage,
            cookie_secret=self.cookie_secret,
            login_url=self.hub_auth.login_url,
            log_function=self._log_request,
            binder=service,
        )
        # the proxy in front of us says who asks and by which scheme
        self.server = HTTPServer(web, xheaders=True, max_body_size=self.max_body)
        url = urlsplit(self.bind_url)
        if url.scheme == "http+unix":
            self.server.add_socket(bind_unix_socket(unquote(url.netloc), mode=0o600))
        else:
            self.server.add_sockets(bind_sockets(url.port or 80, url.hostname or "127.0.0.1"))
        self.log.info("Serving %s at %s", service.prefix, self.bind_url)

    def _log_request(self, handler: RequestHandler) -> None:
        """One line, without the query: it may hold a token or what somebody launches."""
        status, request = handler.get_status(), handler.request
        log = self.log.warning if status >= 500 else self.log.info
        milliseconds = 1000 * request.request_time()
        log("%d %s %s %.1f ms", status, request.method, request.path, milliseconds)

    async def _keep_house(self) -> None:
        """At the start and once a day: remove what is old, measure what there is."""
        jobs = {
            "Emptying the trash": self.files.empty,
            "Removing old logs of builds": self.builds.remove_old_logs,
            "Removing unused environments": self.builder.collect_garbage,
            "Preparing what builds begin from": self.builder.prepare,
            "Measuring what people's files take": self.space.measure_all,
        }
        while True:
            for name, job in jobs.items():
                with alone(name):
                    await job()
            await asyncio.sleep(_CLEAN_EVERY)

    async def _sweep(self) -> None:
        """At the start and every few minutes: remove what was left behind."""
        while True:
            with alone("Looking for what killed builds left"):
                for name in await self.builder.sweep():
                    self.log.warning("Removed what a killed build left: %s", name)
            await asyncio.sleep(self.sweep_every)
