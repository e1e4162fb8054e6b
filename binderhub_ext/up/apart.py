"""`binder-at-home hub`: the Hub alone; its proxy and the service are run by somebody else."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from aiohttp import ClientError
from tornado.ioloop import PeriodicCallback
from traitlets import Unicode
from traitlets.config import Config

from .. import __version__
from .. import hub as hub_side
from ..core.errors import CannotStart
from ..options import StrictApplication
from . import databases, datadir, hub, trial

TOKEN = "BINDER_SERVICE_TOKEN"
"""Name of the variable with what the service shows the Hub; never on a command line."""

_LOOK = 2
"""Seconds between two looks whether the proxy is still the one that was told all routes; by itself
JupyterHub takes five minutes, in which nobody reaches a server."""


class FollowingHub(hub.ConfiguredHub):
    """JupyterHub that tells a proxy which was started again all routes: it has them in memory."""

    proxy: Any

    async def start(self) -> None:
        await super().start()
        PeriodicCallback(self._look_at_proxy, 1000 * _LOOK).start()

    async def _look_at_proxy(self) -> None:
        try:
            routes = await self.proxy.get_all_routes()
        except (ClientError, TimeoutError) as error:
            self.log.warning("The proxy does not answer: %s", error)
            return
        if self._service_map[hub_side.SERVICE].proxy_spec not in routes:
            await self.proxy.check_routes(self.users, self._service_map, routes)


class HubApart(StrictApplication):
    """Run a Hub whose proxy and service are processes of their own, as on a cluster."""

    knows_everything = True
    name = "binder-at-home hub"
    version = __version__
    description = __doc__ or ""
    examples = """
    binder-at-home hub --data-dir /srv/binder --engine kubernetes --service-url http://binder:8003
    """

    engine = Unicode("kubernetes", help="Where servers run (default `kubernetes`).").tag(
        config=True
    )

    data_dir = Unicode(
        help="Directory with everybody's files; the service has the same. Required."
    ).tag(config=True)

    service_url = Unicode(
        help=f"""
        Where the Hub's proxy finds the service. Required; what the service shows the Hub is in
        the environment, as ${TOKEN}.
        """
    ).tag(config=True)

    config_file = Unicode(
        help="""
        Configuration file, written as for JupyterHub (`c = get_config()`) or as JSON. Default:
        none.
        """
    ).tag(config=True)

    aliases = {
        "data-dir": "HubApart.data_dir",
        "engine": "HubApart.engine",
        "service-url": "HubApart.service_url",
        "f": "HubApart.config_file",
        "config": "HubApart.config_file",
    }

    def initialize(self, argv: list[str] | None = None) -> None:
        """Read the command line and the configuration file; the former wins."""
        self.parse_command_line(argv)
        self.configure_from(self.config_file)

    def start(self) -> None:
        """Run until told to stop; people's servers go on.

        Raises:
            CannotStart: words for the log of whoever installs it.
        """
        for option, value in (("data-dir", self.data_dir), ("service-url", self.service_url)):
            if not value:
                raise CannotStart("--{option} is missing. See --help.", option=option)
        layout = datadir.prepare(Path(self.data_dir).absolute())
        with datadir.in_use(layout):
            c = self.compose()
            databases.check(Config(JupyterHub=c.JupyterHub), layout)
            FollowingHub.instance(config=c).launch_instance(argv=[])

    def compose(self) -> Config:
        """The Hub's whole configuration: ours, the administrator's over it."""
        ours = Config()
        hub_side.configure(
            ours,
            data_dir=self.data_dir,
            engine=self.engine,
            service_url=self.service_url,
            service_token=_service_token(),
            asked=self.config,
        )
        ours.JupyterHub.upgrade_db = True
        ours.JupyterHub.cleanup_servers = False
        ours.ConfigurableHTTPProxy.should_start = False
        c = copy.deepcopy(ours)
        c.merge(self.config)
        hub_side.keep(c, ours)
        _let_tests_in(c, os.environ.get(trial.TOKEN, ""))
        return c


def _let_tests_in(c: Config, token: str) -> None:
    """Let `helm test` be one person, who cannot sign in and has nothing."""
    if not token:
        return
    service = {"name": trial.PERSON, "api_token": token}
    c.JupyterHub.services = [*c.JupyterHub.services, service]
    c.JupyterHub.load_roles = [
        *hub_side.given(c, "load_roles", []),
        {
            "name": trial.PERSON,
            "scopes": [f"tokens!user={trial.PERSON}"],
            "services": [trial.PERSON],
        },
        {"name": f"{trial.PERSON}-person", "scopes": ["self"], "users": [trial.PERSON]},
    ]


def _service_token() -> str:
    try:
        return os.environ[TOKEN]
    except KeyError:
        raise CannotStart("The environment has no {name}.", name=TOKEN) from None
