"""The service as a program: its settings, its life and its housekeeping."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from jupyterhub.services.auth import HubOAuth
from tornado.log import app_log
from tornado.netutil import bind_sockets, bind_unix_socket
from tornado.web import Application as WebApplication
from tornado.web import RequestHandler
from traitlets import Float, Unicode, default

from . import __version__, certificates
from ._data import static_dir
from .assembly import make_service
from .config import classes
from .core.errors import CannotStart
from .core.layout import DataDirectory
from .housekeeping import again, alone
from .options import StrictApplication
from .secrets import ensure_secret
from .secretsettings import Secrets
from .service import settings
from .service.access import Access
from .service.accounting.settings import Ledger, UsageQuotas
from .service.appearance import Appearance
from .service.catalogue.settings import Catalogue
from .service.records.aged import AgedRecords
from .service.web.handlers.pace import server_of
from .service.web.handlers.pages import NotFoundPage
from .service.web.packing import PackedFiles
from .service.web.routes import routes
from .storage.doors import close_doors, open_doors
from .storage.space import Space
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
        Catalogue,
        settings.Builds,
        settings.Classes,
        settings.EventLog,
        settings.HubClient,
        settings.Landing,
        settings.Launcher,
        settings.Launches,
        settings.LaunchPolicy,
        Ledger,
        Secrets,
        Space,
        UsageQuotas,
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
        "8M",
        help="""Bytes a request may send (default 8 MiB), such as a form with a notebook file; other
        forms are far smaller.""",
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
        """Make the service and let it be reached."""
        self._init_logging()
        certificates.establish(self.layout.cache / "certificates.pem")
        close_doors(self.layout)
        if self.config.LocalSpawner.get("unsafe_no_sandbox"):
            open_doors(self.layout)
        self.service = await make_service(
            self,
            self.layout,
            engine=self.engine,
            db_url=self.db_url,
            ticket_file=self.ticket_secret_file,
        )
        await self.service.heirs.write_owners()
        self._init_server()
        house = again(_CLEAN_EVERY, self._keep_house)
        work = house, self._sweep(), self._keep_books(), self._keep_catalogue()
        self._housekeeping = {*map(asyncio.create_task, work)}

    async def cleanup(self) -> None:
        """Take everything down, in the opposite order."""
        self.server.stop()
        for task in self._housekeeping:
            task.cancel()
        await asyncio.wait(self._housekeeping)
        await self.service.end_work()
        await self.server.close_all_connections()
        await self.service.close()

    # ---- parts

    def _init_logging(self) -> None:
        """Have one log of all that our rooms and Tornado say.

        Without a line JupyterHub writes for each read of programs and of plain HTTP. These send no
        `Sec-Fetch-Mode`; a request that changes something is checked all the same.
        """
        for name in ("tornado", __package__):
            log = logging.getLogger(name)
            log.parent = self.log
            log.setLevel(self.log.level)
        app_log.addFilter(lambda record: _UNCHECKED_READ not in record.getMessage())

    def _init_server(self) -> None:
        service = self.service
        web = WebApplication(
            routes(service.prefix, static_dir(), api_only=service.api_only),
            default_handler_class=NotFoundPage,
            # signs the cookies people stay signed in with, so it outlives the process
            cookie_secret=ensure_secret(self.layout.secrets / "service_cookie"),
            login_url=HubOAuth.instance(config=self.config).login_url,
            log_function=self._log_request,
            transforms=[PackedFiles],
            binder=service,
        )
        self.server = server_of(web, self.max_body)
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
        """Remove what is old, measure what there is."""
        service, stored = self.service, Ledger(parent=self).storage
        # the day on which it began: measuring may last beyond midnight, and no day is left out
        today = datetime.now(UTC).date()
        jobs: dict[str, Callable[[], Awaitable[object]]] = {
            "Emptying the trash": service.files.empty,
            "Removing old logs of builds": service.builds.remove_old_logs,
            "Removing what is on record for long": self._remove_aged,
            "Removing old lists of classes": service.teaching.forget,
            "Removing notebooks that nobody opened": service.notebooks.forget,
            "Removing unused environments": service.administration.remove_unused,
            "Preparing what builds begin from": service.builder.prepare,
            "Measuring what people's files take": partial(service.space.measure_all, each=stored),
        }
        if stored:
            store = partial(service.bookkeeper.store_day, today)
            jobs["Writing down what people's files take"] = store
        for name, job in jobs.items():
            with alone(name):
                await job()

    async def _remove_aged(self) -> None:
        """Remove rows that nobody needs any more; those of builds not before their logs."""
        if days := settings.Launches(parent=self).record_days:
            days = max(days, settings.Builds(parent=self).log_days + 1)
            there = {image.key for image in await self.service.builder.images()}
            aged = AgedRecords(self.service.records, timedelta(days=days))
            if removed := await aged.remove(there):
                self.log.info("Removed %d rows of launches, builds and commits", removed)

    async def _keep_books(self) -> None:
        """At the start and again and again: write down who runs what."""
        while True:
            with alone("Writing down what runs"):
                await self.service.bookkeeper.look()
            await self.service.bookkeeper.pause()

    async def _keep_catalogue(self) -> None:
        """Again and again: find out what is popular, and what can still be launched."""
        while True:
            await self.service.catalogue_health.pause()
            with alone("Looking after the catalogue"):
                await self.service.catalogue_health.look()

    async def _sweep(self) -> None:
        """At the start and every few minutes: remove what was left behind."""
        while True:
            with alone("Looking for what killed builds left"):
                for name in await self.service.builder.sweep():
                    self.log.warning("Removed what a killed build left: %s", name)
            await asyncio.sleep(self.sweep_every)
