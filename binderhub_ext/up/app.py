"""`binder-at-home up`: a Hub, its proxy, our service and an engine on this machine."""

from __future__ import annotations

import copy
import os
import sys
import textwrap
import threading
import webbrowser
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from traitlets import Bool, Integer, Unicode, default
from traitlets.config import Config

from .. import __version__
from .. import hub as hub_side
from ..core.errors import CannotStart
from ..core.layout import DataDirectory
from ..options import StrictApplication
from . import databases, datadir, engines, origins, proxy, signin
from .hub import OneMachineHub, run
from .network import Ports, check_free

_STANDARD_PORTS = {"http": 80, "https": 443}

_NOT_THE_SERVICES = {"Up", "JupyterHub", "ConfigurableHTTPProxy"}
"""Classes whose settings on the command line are no business of the service's."""

_OPTIONS = {"data_dir": "--data-dir", "engine": "--engine", "config_file": "-f"}
"""What the service gets from this command, by the name of its setting."""


class Up(StrictApplication):
    """Start Binder@home on this machine and say how to sign in."""

    knows_everything = True
    name = "binder-at-home up"
    version = __version__
    description = __doc__ or ""
    examples = """
    binder-at-home up                      # on this machine, for the person who runs it
    binder-at-home up -f my_config.py      # with anything of JupyterHub's configuration
    binder-at-home up --port 9000 --data-dir ~/binder
    """

    engine = Unicode(
        engines.AUTO,
        help="""
        Where repositories are built and servers run: `local`, `docker`, any installed engine, or
        `auto`: the one this data directory had last, at first the first of `docker` and
        `local` that works on this machine.
        """,
    ).tag(config=True)

    ip = Unicode(
        "127.0.0.1",
        help="""
        Address people reach the Hub at. The default is this machine only; any other needs an
        authenticator in the configuration file, since the generated password is for one person
        and travels unencrypted.
        """,
    ).tag(config=True)

    port = Integer(
        8000,
        min=1,
        max=65532,
        help="""
        Port people reach the Hub at. The next three are used on loopback by the Hub, the proxy
        and the service, so that running servers find a restarted Hub where the last one was.
        """,
    ).tag(config=True)

    data_dir = Unicode(
        help="""
        Directory that holds everything: homes, environments, databases, secrets. Default:
        `/var/lib/binder-at-home` for root, `$XDG_DATA_HOME/binder-at-home` for other users.
        """
    ).tag(config=True)

    config_file = Unicode(
        help="""
        Configuration file, written as for JupyterHub (`c = get_config()`). It can change
        anything of the Hub, the service, the engine and this command. Default: none.
        """
    ).tag(config=True)

    browser = Bool(
        True,
        help="""
        Open the address in a browser where there is a screen and a terminal. Default: yes.
        """,
    ).tag(config=True)

    aliases = {
        "engine": "Up.engine",
        "ip": "Up.ip",
        "port": "Up.port",
        "data-dir": "Up.data_dir",
        "f": "Up.config_file",
        "config": "Up.config_file",
    }
    flags = {
        "no-browser": ({"Up": {"browser": False}}, "Do not open a browser."),
        "no-subdomains": (
            {"JupyterHub": {"subdomain_host": ""}},
            "One address for everything, for browsers that do not know the names below localhost."
            " Pages that a server shows can then act as whoever opens them.",
        ),
        "debug": (
            {"JupyterHub": {"log_level": "DEBUG"}, "BinderApp": {"log_level": "DEBUG"}},
            "Log everything.",
        ),
    }

    @default("data_dir")
    def _default_data_dir(self) -> str:
        return str(datadir.default_data_dir())

    def initialize(self, argv: list[str] | None = None) -> None:
        """Read the command line and the configuration file; the former wins."""
        self.parse_command_line(argv)
        path = str(Path(self.config_file).expanduser().absolute()) if self.config_file else ""
        self.configure_from(path)
        self.config_file = path

    def start(self) -> None:
        """Run until told to stop.

        Raises:
            CannotStart: words for whoever typed the command.
        """
        layout = datadir.prepare(Path(self.data_dir).expanduser().absolute())
        with datadir.in_use(layout):
            c, ip, ports = self.compose(layout)
            warning = f"{origins.SHARED} {origins.MEND}" if origins.are_shared(c) else ""
            sign_in = signin.generate(c, layout, ip)
            asked = Config(JupyterHub=c.JupyterHub, BinderApp=self.config.BinderApp)
            databases.check(asked, layout)
            self._prepare_proxy(c, layout)
            check_free(ip, ports)
            hub = OneMachineHub.instance(config=c)
            hub.on_ready = lambda: self._announce(hub, layout, sign_in, warning)
            run(hub, lambda: datadir.clear_run(layout))

    def compose(self, layout: DataDirectory) -> tuple[Config, str, Ports]:
        """The Hub's whole configuration: ours, the administrator's over it.

        Returns:
            the configuration, the address and the ports the Hub will have.
        """
        ip, ports = self._address()
        ours = Config()
        hub_side.configure(
            ours,
            data_dir=layout.root,
            engine=engines.choose(self.engine, self.config, layout),
            service_port=ports.service,
            config_file=self.config_file,
            service_arguments=self._service_arguments(),
            asked=self.config,
        )
        _on_one_machine(ours, layout, ports)
        c = copy.deepcopy(ours)
        c.merge(self.config)
        hub_side.keep(c, ours)
        _set_address(c, ip, ports)
        origins.separate(c, ip, ports)
        return c, ip, ports

    def _service_arguments(self) -> list[str]:
        """What the service has to know and does not read in the configuration file itself.

        Those are settings of the command line; the rest keeps a terminal readable, unless somebody
        wants to hear more, and says where people's servers are reached.

        Raises:
            CannotStart: one of the settings is an option of this command.
        """
        ours = Config()
        if "log_level" not in self.config.BinderApp:
            ours.BinderApp.log_level = "WARN"
        if "proxy_url" not in self.config.Landing and (proxy_url := self._proxy_url()):
            ours.Landing.proxy_url = proxy_url
        typed = {
            section: settings
            for section, settings in self.cli_config.items()
            if section not in _NOT_THE_SERVICES
        }
        for name, option in _OPTIONS.items():
            if name in typed.get("BinderApp", {}):
                raise CannotStart(
                    "The service has its {name} from this command. Write {option} instead of "
                    "--BinderApp.{name}.",
                    name=name,
                    option=option,
                )
        ours.merge(Config(typed))
        return list(_as_arguments(ours))

    def _proxy_url(self) -> str:
        """Where the service reaches people's servers; empty where encryption is on the way."""
        hub = self.config.JupyterHub
        if "ssl_key" in hub or urlsplit(hub.get("bind_url", "")).scheme == "https":
            return ""
        ip, ports = self._address()
        host = "127.0.0.1" if ip in ("", "*", "0.0.0.0", "::") else ip
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{ports.public}"

    def _address(self) -> tuple[str, Ports]:
        """Address and port: the command line's, else the configuration's for the Hub, else ours."""
        hub, asked = self.config.JupyterHub, self.cli_config.Up
        ip, port = hub.get("ip", self.ip), hub.get("port", self.port)
        if "bind_url" in hub:
            try:
                bound = urlsplit(hub.bind_url)
                standard = _STANDARD_PORTS.get(bound.scheme, port)
                ip, port = bound.hostname or "", bound.port or standard
            except ValueError as error:
                raise CannotStart(
                    "c.JupyterHub.bind_url is no address: {error}.", error=error
                ) from error
        return (
            self.ip if "ip" in asked else ip,
            Ports(self.port if "port" in asked else port),
        )

    def _prepare_proxy(self, c: Config, layout: DataDirectory) -> None:
        if "proxy_class" in c.JupyterHub or not c.ConfigurableHTTPProxy.get("should_start", True):
            return
        if "command" not in c.ConfigurableHTTPProxy:
            say = partial(print, flush=True)
            c.ConfigurableHTTPProxy.command = proxy.ensure_proxy(layout.cache, say)
        proxy.check_command(list(c.ConfigurableHTTPProxy.command))
        proxy.stop_stale(datadir.proxy_pid_file(layout))

    def _announce(
        self,
        hub: OneMachineHub,
        layout: DataDirectory,
        sign_in: signin.SignIn | None,
        warning: str,
    ) -> None:
        bound = hub.bind_url.replace("//0.0.0.0", "//127.0.0.1").replace("//:", "//127.0.0.1:")
        url = hub.public_url if hub.subdomain_host else bound
        lines = ["", "Binder@home is running. Open it in a browser:", "", f"    {url}", ""]
        if sign_in:
            lines += [
                f"    User name:  {sign_in.user}",
                f"    Password:   {sign_in.password}",
                "",
            ]
        if warning:
            lines += [*textwrap.wrap(f"Warning: {warning}", 88), ""]
        lines += [f"Everything is kept in {layout.root}. Ctrl-C stops it.", ""]
        print("\n".join(lines), flush=True)
        if self.browser and sys.stdout.isatty() and _has_screen():
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def _as_arguments(settings: Config, path: str = "--") -> Iterator[str]:
    """Settings as a command line has them."""
    for name, value in settings.items():
        if isinstance(value, Config):
            yield from _as_arguments(value, f"{path}{name}.")
        else:
            values = value if isinstance(value, list) else [value]
            yield from (f"{path}{name}={each}" for each in values)


def _on_one_machine(c: Config, layout: DataDirectory, ports: Ports) -> None:
    """What `up` sets beyond what every Hub needs."""
    c.JupyterHub.log_level = "WARN"
    c.JupyterHub.upgrade_db = True
    c.JupyterHub.hub_port = ports.hub
    c.JupyterHub.pid_file = str(datadir.hub_pid_file(layout))
    c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{ports.proxy_api}"
    c.ConfigurableHTTPProxy.pid_file = str(datadir.proxy_pid_file(layout))
    c.ConfigurableHTTPProxy.log_level = "error"


def _set_address(c: Config, ip: str, ports: Ports) -> None:
    if "bind_url" in c.JupyterHub:
        host = f"[{ip}]" if ":" in ip else ip
        url = urlsplit(c.JupyterHub.bind_url)
        c.JupyterHub.bind_url = urlunsplit(url._replace(netloc=f"{host}:{ports.public}"))
    else:
        c.JupyterHub.ip, c.JupyterHub.port = ip, ports.public


def _has_screen() -> bool:
    return sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
