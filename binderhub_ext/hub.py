"""The Hub's side of Binder@home, in one call.

In any `jupyterhub_config.py`::

    from binderhub_ext.hub import configure

    configure(c, data_dir="/srv/binder", engine="docker")

Nothing here starts anything. What is set can be changed by the lines that follow the call.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from jupyterhub.utils import subdomain_hook_idna, url_path_join
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.engine import Engine as DatabaseEngine
from tornado.httputil import url_concat
from traitlets import TraitError
from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue
from traitlets.log import get_logger

from . import certificates, hubpages
from ._data import hub_templates_dir, static_dir
from .askedbyservers import ReadableByServers
from .config.check import check
from .core.errors import CannotStart
from .core.layout import DataDirectory
from .engines.base import Engine
from .engines.installed import apply_hub_settings, find_engine
from .languages.templates import Speech
from .programs import CONTAINERS, NETWORK, passed_on
from .secrets import ensure_secret
from .sqlite import keep_room

SERVICE = "binder"
_HOST_DIGITS = 20

OAUTH_SCOPES = (
    "servers!user",
    # groups, and since when they are known: who had the name before was somebody else
    "read:users!user",
    # who may enter a server, and invitations into it, which only those can give who may themselves;
    # implies that they may
    "shares!user",
    # for a token of one server and one minute, to ask it whether a page answers
    "tokens!user",
    # to name whom a server or a volume is shared with
    "read:users:name",
    "read:groups:name",
    f"access:services!service={SERVICE}",
)
"""What the service may do in a person's name: exactly what it needs, never more than they may."""

ADMIN_SCOPES = ("admin-ui", "list:users", "read:users", "read:servers", "delete:servers")
"""What it may do besides in the name of those who have these rights: the administrator's page."""

USER_SCOPES = (
    "shares!user",
    "read:users:name",
    "read:groups:name",
    f"access:services!service={SERVICE}",
)
"""What a person needs beyond JupyterHub's own `user` role; without the last one the service
answers 403 to everybody."""

OWN_SCOPES = ("list:users", "read:users", "read:servers")
"""What it may do in its own name: read who there is, since when, and what they run."""

PASSED_ON = (
    *("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "USER", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
    *(*NETWORK, *CONTAINERS, "KUBECONFIG", "PIP_*", "UV_*", *certificates.NAMES),
)
"""Environment the service inherits: where it finds programs, package indexes and certificates.
JupyterHub passes on almost nothing by itself, and everything would include the Hub's secrets."""


def configure(
    c: Config,
    *,
    data_dir: str | os.PathLike[str],
    engine: str = "local",
    service_port: int = 8003,
    service_url: str = "",
    service_token: str = "",
    config_file: str | os.PathLike[str] = "",
    service_arguments: Sequence[str] = (),
    asked: Config | None = None,
) -> None:
    """Make a Hub launch repositories.

    Args:
        c: the configuration to add to.
        data_dir: where everything is kept; made by the caller, writable by the Hub.
        engine: name of an engine installed on this machine.
        service_port: loopback port of the service.
        service_url: where the service is that somebody else runs, as on a cluster. Empty: the Hub
            runs it on this machine. Its own settings are then no business of this call.
        service_token: what that service shows the Hub.
        config_file: configuration the service reads too, or empty.
        service_arguments: further arguments of the service's command; everybody on the machine
            can read them.
        asked: what the administrator configured, where that is not in `c` yet.

    Raises:
        CannotStart: there is no engine of that name, it lacks something here, or a secret is
            not one.
    """
    layout = DataDirectory(Path(data_dir).absolute())
    certificates.establish(layout.cache / "certificates.pem")
    _configure_hub(c, layout)
    _configure_pages(c, c if asked is None else asked, layout)
    _configure_spawner(c, layout, find_engine(engine))
    c.BinderSpawnerMixin.service_url = service_url or _on_loopback(service_port)
    apply_hub_settings(find_engine(engine), c, c if asked is None else asked)
    arguments = ["--data-dir", str(layout.root), "--engine", engine]
    if config_file:
        arguments += ["-f", str(Path(config_file).absolute())]
    arguments += service_arguments
    if service_url:
        _add_service(c, {"url": service_url, "api_token": service_token})
    else:
        _add_service(c, _run_here(service_port, arguments))
    if asked is None:
        _check_at_the_end(c, [Path(sys._getframe(1).f_globals.get("__file__", ""))])


def service_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that the service inherits."""
    return passed_on(environ, *PASSED_ON)


def landing_page(handler: Any) -> str:
    """Where people land after signing in; follows `c.JupyterHub.base_url`."""
    return url_path_join(handler.settings["base_url"], "services", SERVICE, "/")


_PULLERS = ("git-pull", "interact")


def pulled_by_link(path: str, request: Any, _user: Any, base_url: str) -> str | None:
    """Where `/hub/user-redirect/<path>` leads: nbgitpuller's links to our page that asks.

    Books and learning platforms make them for any JupyterHub; here no server runs before its
    repository is known.

    Args:
        request: Tornado's request.
        base_url: of the JupyterHub.

    Returns:
        `None` for all other paths, which the Hub handles itself.
    """
    if path.rstrip("/").rpartition("/")[2] not in _PULLERS or "repo" not in request.arguments:
        return None
    page = url_path_join(base_url, "services", SERVICE, "open")
    return url_concat(page, {"link": request.full_url()})


def host_of(name: str, domain: str, kind: str) -> str:
    """Whose host is which where `c.JupyterHub.subdomain_host` is set; a `subdomain_hook`.

    People's servers and other services get hosts of their own, as JupyterHub does it; but no two
    people have the same. Our service stays with the Hub: pages of both are equally trusted, and
    links to `<hub>/services/binder/` go on to arrive.

    Args:
        name: of the person or service.
        domain: of the Hub.
        kind: `user` or `service`.
    """
    if (kind, name) == ("service", SERVICE):
        return domain
    if name != name.lower():
        # Hosts know no capitals: what JupyterHub takes for unsafe gets a checksum.
        name = f"{name}--"
    host: str = subdomain_hook_idna(name, domain, kind)
    readable, hashed, _ = host.removesuffix(f".{domain}").rpartition("--")
    if kind == "user" and hashed and not readable.startswith("xn"):
        # Seven digits of a hash, as JupyterHub has them, are some that another name can have, too.
        host = f"{readable}--{sha256(name.encode()).hexdigest()[:_HOST_DIGITS]}.{domain}"
    return host


def _configure_hub(c: Config, layout: DataDirectory) -> None:
    c.JupyterHub.db_url = URL.create("sqlite", database=str(layout.hub_db)).render_as_string()
    c.JupyterHub.cookie_secret_file = str(layout.secrets / "cookie_secret")
    c.JupyterHub.allow_named_servers = True
    c.JupyterHub.default_url = landing_page
    c.JupyterHub.user_redirect_hook = pulled_by_link
    c.JupyterHub.subdomain_hook = host_of
    c.JupyterHub.extra_user_scopes = given(c, "extra_user_scopes", set()) | set(USER_SCOPES)
    # Progress is streamed; a POST that waits for the server would only hold the button down.
    c.JupyterHub.tornado_settings = {
        "slow_spawn_timeout": 0,
        "transforms": [ReadableByServers],
        **given(c, "tornado_settings", {}),
    }
    # A server that starts asks for the Hub first; one that is restarted would wait for it in turn.
    c.JupyterHub.init_spawners_timeout = given(c, "init_spawners_timeout", 1)
    use_write_ahead_log()


def _configure_pages(c: Config, asked: Config, layout: DataDirectory) -> None:
    """The Hub's pages in our frame; what is given already stays."""
    c.JupyterHub.template_paths = [*given(c, "template_paths", []), str(hub_templates_dir())]
    c.JupyterHub.template_vars = {
        "site": hubpages.site(asked),
        "announced": hubpages.announced(layout),
        **given(c, "template_vars", {}),
    }
    _let_templates_speak(c)
    if "logo_file" not in c.JupyterHub:
        c.JupyterHub.logo_file = str(static_dir() / "images" / "logo.svg")


def _let_templates_speak(c: Config) -> None:
    options = given(c, "jinja_environment_options", {})
    extensions = [one for one in options.get("extensions", []) if one is not Speech]
    c.JupyterHub.jinja_environment_options = {**options, "extensions": [*extensions, Speech]}


def _configure_spawner(c: Config, layout: DataDirectory, engine: Engine) -> None:
    c.JupyterHub.spawner_class = engine.spawner
    c.BinderSpawnerMixin.data_dir = str(layout.root)
    c.BinderSpawnerMixin.ticket_secret = ensure_secret(layout.secrets / "ticket")


def _on_loopback(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _run_here(port: int, arguments: Sequence[str]) -> dict[str, Any]:
    return {
        "url": _on_loopback(port),
        # -P: the directory the Hub happens to be started in must not be importable.
        "command": [sys.executable, "-P", "-m", "binderhub_ext", "service", *arguments],
        "environment": service_environment(os.environ),
    }


def _add_service(c: Config, run: Mapping[str, Any]) -> None:
    service = {
        "name": SERVICE,
        **run,
        "oauth_client_allowed_scopes": [*OAUTH_SCOPES, *ADMIN_SCOPES],
        "oauth_no_confirm": True,
    }
    c.JupyterHub.services = [*given(c, "services", []), service]
    c.JupyterHub.load_roles = [*given(c, "load_roles", []), _ROLE]


_ROLE = {"name": f"{SERVICE}-ledger", "scopes": [*OWN_SCOPES], "services": [SERVICE]}


class _CheckedList(LazyConfigValue):
    """What is added to a list, and a check before that: when the Hub has read all of its file."""

    def __init__(self, before: Callable[[], None]) -> None:
        super().__init__()
        self._before = before

    def __deepcopy__(self, _memo: Any) -> _CheckedList:
        return self

    def get_value(self, initial: Any) -> Any:
        self._before()
        return super().get_value(initial)


def _check_at_the_end(c: Config, paths: list[Path]) -> None:
    """Have the Hub refuse what nobody knows, also in lines that follow.

    JupyterHub offers no place between reading its file and using it. It makes a setting that is
    to be added to in that moment, and the one taken here is hardly ever assigned.
    """

    def judge() -> None:
        try:
            check(c, [path for path in paths if path.is_file()], warn=get_logger().warning)
        except CannotStart as error:
            # the one kind that JupyterHub ends with words for, not with a traceback
            raise TraitError(error.message) from error

    checked = _CheckedList(judge)
    checked.extend(given(c, "trusted_alt_names", []))
    c.JupyterHub.trusted_alt_names = checked


def given(c: Config, name: str, empty: Any) -> Any:
    """What was set before the call, also by `append` and its like on an unset value."""
    value = c.JupyterHub.get(name, empty)
    return value.get_value(empty) if isinstance(value, LazyConfigValue) else value


def keep(c: Config, ours: Config) -> None:
    """Put back what a list assigned over ours took away: the service, its pages and its rights.

    Administrators write `c.JupyterHub.services = [...]` for theirs and mean no harm to ours.

    Args:
        c: our configuration with an administrator's merged over it.
        ours: as made by :func:`configure`.
    """
    if not any(service.get("name") == SERVICE for service in c.JupyterHub.services):
        c.JupyterHub.services = [*c.JupyterHub.services, *ours.JupyterHub.services]
    paths = [*c.JupyterHub.template_paths, *ours.JupyterHub.template_paths]
    c.JupyterHub.template_paths = list(dict.fromkeys(map(str, paths)))
    theirs = given(c, "template_vars", {})
    c.JupyterHub.template_vars = {**ours.JupyterHub.template_vars, **theirs}
    _let_templates_speak(c)
    c.JupyterHub.extra_user_scopes = set(c.JupyterHub.extra_user_scopes) | set(USER_SCOPES)
    if not any(role.get("name") == _ROLE["name"] for role in c.JupyterHub.load_roles):
        c.JupyterHub.load_roles = [*c.JupyterHub.load_roles, _ROLE]


def use_write_ahead_log() -> None:
    """Let SQLite write ahead: a third more starts per minute, readers never wait.

    Set on every SQLite connection of this process, because JupyterHub offers no place between
    making its engine and using it.
    """
    if not event.contains(DatabaseEngine, "connect", _set_pragmas):
        event.listen(DatabaseEngine, "connect", _set_pragmas)


def _set_pragmas(connection: Any, _record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        keep_room(connection)
