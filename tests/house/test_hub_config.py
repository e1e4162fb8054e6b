"""`configure`, and what of it survives an administrator's configuration."""

from __future__ import annotations

import copy
import os
import sqlite3
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.scopes import _expand_scope
from sqlalchemy import create_engine
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from traitlets.config import Config

from binderhub_ext import hub
from binderhub_ext.askedbyservers import ReadableByServers
from binderhub_ext.core.errors import CannotStart


@pytest.fixture
def c(tmp_path: Path) -> Config:
    c = Config()
    hub.configure(c, data_dir=tmp_path, engine="local", service_port=1234, config_file="a.py")
    return c


def test_the_service(c: Config, tmp_path: Path) -> None:
    [service] = c.JupyterHub.services
    assert service["name"] == "binder"
    assert service["url"] == "http://127.0.0.1:1234"
    assert service["command"] == [
        *(sys.executable, "-P", "-m", "binderhub_ext", "service"),
        *("--data-dir", str(tmp_path), "--engine", "local"),
        *("-f", str(Path("a.py").absolute())),
    ]
    assert service["oauth_no_confirm"] is True


def test_no_role_lets_the_service_start_servers(c: Config) -> None:
    [role] = c.JupyterHub.load_roles
    assert role["services"] == ["binder"]
    assert all(scope.startswith(("read:", "list:")) for scope in role["scopes"])
    assert "read:tokens" not in _all(role["scopes"]) and "read:roles" not in _all(role["scopes"])
    assert {"admin", "api_token"}.isdisjoint(c.JupyterHub.services[0])


def test_people_may_use_the_service(c: Config) -> None:
    assert "access:services!service=binder" in c.JupyterHub.extra_user_scopes
    assert (
        "access:services!service=binder" in c.JupyterHub.services[0]["oauth_client_allowed_scopes"]
    )


def _all(scopes: list[str]) -> set[str]:
    return set().union(*map(_expand_scope, scopes))


@pytest.mark.parametrize(
    "scopes", [hub.OAUTH_SCOPES, hub.ADMIN_SCOPES, hub.USER_SCOPES, hub.OWN_SCOPES]
)
def test_no_scope_is_asked_for_that_another_implies(scopes: tuple[str, ...]) -> None:
    for scope in scopes:
        others = (_expand_scope(other) for other in scopes if other != scope)
        assert scope not in set().union(*others)


def test_variables_of_ones_own_templates_leave_ours(tmp_path: Path) -> None:
    asked, ours = Config(), Config()
    asked.Appearance.name = "Ocean Notebooks"
    asked.JupyterHub.template_vars.update({"mine": 1})
    hub.configure(ours, data_dir=tmp_path, asked=asked)
    c = copy.deepcopy(ours)
    c.merge(asked)
    hub.keep(c, ours)
    assert c.JupyterHub.template_vars["mine"] == 1
    site = c.JupyterHub.template_vars["site"](None)
    assert site["name"] == "Ocean Notebooks"
    assert Path(c.JupyterHub.logo_file).is_file()


def test_hub_and_service_share_the_ticket_secret(c: Config, tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "ticket"
    assert path.read_text().strip() == c.BinderSpawnerMixin.ticket_secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert c.BinderSpawnerMixin.ticket_secret not in str(c.JupyterHub.services)


def test_what_was_set_before_the_call_stays(tmp_path: Path) -> None:
    c = Config()
    c.JupyterHub.services.append({"name": "culler"})
    c.JupyterHub.extra_user_scopes = {"list:users"}
    c.JupyterHub.tornado_settings = {"headers": {}}
    c.JupyterHub.init_spawners_timeout = 30
    hub.configure(c, data_dir=tmp_path)
    assert [service["name"] for service in c.JupyterHub.services] == ["culler", "binder"]
    assert "list:users" in c.JupyterHub.extra_user_scopes
    assert c.JupyterHub.tornado_settings == {
        "headers": {},
        "slow_spawn_timeout": 0,
        "transforms": [ReadableByServers],
    }
    assert c.JupyterHub.init_spawners_timeout == 30


PORTAL = {
    "Access-Control-Allow-Origin": "https://portal.example",
    "Access-Control-Allow-Credentials": "true",
}
"""What an administrator lets a page of theirs do (`tornado_settings`, `headers`)."""


@pytest.mark.parametrize(
    ("origin", "path", "reads"),
    [
        ("http://maria.hub.example:8000", "/hub/api/user", True),
        ("http://maria.hub.example:8000", "/base/hub/api", True),
        ("http://maria.hub.example:8000", "/hub/token", False),
        ("http://maria.hub.example:8000", "/hub/apis", False),
        ("http://maria.hub.example", "/hub/api", False),
        ("http://evilhub.example:8000", "/hub/api", False),
        ("http://hub.example:8000.evil.example", "/hub/api", False),
        ("null", "/hub/api", False),
        ("http://[", "/hub/api", False),
        ("", "/hub/api", False),
    ],
)
def test_pages_at_peoples_hosts_read_the_api_without_cookies(
    origin: str, path: str, reads: bool
) -> None:
    asked = HTTPHeaders({"Host": "hub.example:8000", "Origin": origin})
    line = RequestStartLine("GET", path, "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=asked)
    status, told, chunk = ReadableByServers(request).transform_first_chunk(
        200, HTTPHeaders({"Vary": "Cookie", **PORTAL}), b"x", True
    )
    assert (status, chunk) == (200, b"x")
    assert told["Access-Control-Allow-Origin"] == (origin if reads else "https://portal.example")
    assert ("Access-Control-Allow-Credentials" in told) is not reads
    assert told.get_list("Vary") == ["Cookie", *["Origin"] * reads]


def _assign(c: Config) -> None:
    c.JupyterHub.services = [{"name": "culler"}]
    c.JupyterHub.extra_user_scopes = {"list:users"}
    c.JupyterHub.load_roles = [{"name": "theirs", "scopes": ["self"]}]


def _append(c: Config) -> None:
    c.JupyterHub.services.append({"name": "culler"})
    c.JupyterHub.extra_user_scopes.update({"list:users"})


def _replace(c: Config) -> None:
    c.JupyterHub.services = [{"name": "culler"}, {"name": "binder", "url": "http://other"}]


@pytest.mark.parametrize("administrator", [_assign, _append, _replace, lambda c: None])
def test_the_service_survives_an_administrator(c: Config, administrator: Any) -> None:
    theirs, merged = Config(), copy.deepcopy(c)
    administrator(theirs)
    merged.merge(theirs)
    hub.keep(merged, c)
    services = {service["name"]: service for service in merged.JupyterHub.services}
    assert len(services) == len(merged.JupyterHub.services)
    assert "binder" in services
    assert "binder-ledger" in {role["name"] for role in merged.JupyterHub.load_roles}
    assert "access:services!service=binder" in merged.JupyterHub.extra_user_scopes
    if administrator in (_assign, _append):
        assert "culler" in services
        assert "list:users" in merged.JupyterHub.extra_user_scopes
    if administrator is _replace:
        assert services["binder"]["url"] == "http://other"


def test_an_unknown_engine(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"no engine 'none'.*Installed: .*local"):
        hub.configure(Config(), data_dir=tmp_path, engine="none")


def test_a_path_with_spaces_is_a_database(c: Config, tmp_path: Path) -> None:
    root = tmp_path / "with a space"
    root.mkdir()
    hub.configure(c, data_dir=root)
    engine = create_engine(c.JupyterHub.db_url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1
    engine.dispose()
    assert sqlite3.connect(root / "hub.sqlite").close() is None


def test_the_environment_of_the_service() -> None:
    environ = {
        "PATH": "/bin",
        "UV_INDEX_URL": "u",
        "PIP_CERT": "p",
        "https_proxy": "x",
        "CONFIGPROXY_AUTH_TOKEN": "secret",
        "JUPYTERHUB_CRYPT_KEY": "secret",
        "DATABASE_PASSWORD": "secret",
    }
    assert set(hub.service_environment(environ)) == {
        *("PATH", "UV_INDEX_URL", "PIP_CERT", "https_proxy")
    }
    assert "PATH" in hub.service_environment(os.environ)


class _Handler:
    def __init__(self, base_url: str) -> None:
        self.settings = {"base_url": base_url}


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [("/", "/services/binder/"), ("/deep/er/", "/deep/er/services/binder/")],
)
def test_people_land_on_the_service(base_url: str, expected: str) -> None:
    assert hub.landing_page(_Handler(base_url)) == expected


def test_a_service_that_somebody_else_runs(tmp_path: Path) -> None:
    """The Hub knows it by its token, and starts nothing."""
    c = Config()
    hub.configure(c, data_dir=tmp_path, service_url="http://binder:8003", service_token="t" * 32)
    [service] = c.JupyterHub.services
    assert (service["url"], service["api_token"]) == ("http://binder:8003", "t" * 32)
    assert {"command", "environment"}.isdisjoint(service)
    assert service["oauth_client_allowed_scopes"] and service["oauth_no_confirm"]
