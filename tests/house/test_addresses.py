"""Which addresses `up` gives to servers, and when it warns."""

from __future__ import annotations

import re
from typing import Any

import pytest
from traitlets.config import Config

from binderhub_ext import hub
from binderhub_ext.core.errors import CannotStart
from binderhub_ext.service.hosts import server_hosts
from binderhub_ext.up import origins
from binderhub_ext.up.doctor import Doctor
from binderhub_ext.up.network import Ports

LOOPBACK = "127.0.0.1"
OWN = {"authenticator_class": "github"}


def separated(ip: str = LOOPBACK, port: int = 8000, **settings: Any) -> Config:
    c = Config(JupyterHub={"services": [{"name": "binder"}, {"name": "other"}], **settings})
    origins.separate(c, ip, Ports(port))
    return c


@pytest.mark.parametrize(
    ("c", "expected"),
    [
        (separated(), "http://localhost:8000"),
        (separated("localhost", 9000), "http://localhost:9000"),
        (separated(port=80), "http://localhost"),
        # a proxy may be in front, by another name
        (separated(**OWN), ""),
        (separated("127.0.0.2"), ""),
        (separated("0.0.0.0", **OWN), ""),
        (separated(bind_url="https://127.0.0.1:8000"), ""),
        (separated(public_url="https://hub.example.org/"), ""),
        # an administrator decides
        (separated(subdomain_host=""), ""),
        (separated(subdomain_host="https://h.example.org", **OWN), "https://h.example.org"),
        (separated(subdomain_host="h.example.org"), "https://h.example.org"),
    ],
)
def test_where_servers_get_hosts_of_their_own(c: Config, expected: str) -> None:
    assert c.JupyterHub.get("subdomain_host", "") == expected


def test_programs_find_the_service_at_the_address_as_before() -> None:
    routes = separated(base_url="/deep/").Proxy.extra_routes
    assert routes == {
        f"127.0.0.1/deep/services/binder/{part}/": "http://127.0.0.1:8003"
        for part in ("api", "build")
    }
    assert "extra_routes" not in separated(subdomain_host="https://h.example.org").Proxy


def test_the_hubs_menu_has_no_link_without_its_port() -> None:
    shown = [service.get("display", True) for service in separated().JupyterHub.services]
    assert shown == [False, True]
    public = separated(subdomain_host="https://h.example.org").JupyterHub.services
    assert [service.get("display", True) for service in public] == [True, True]


def test_the_cookies_of_hub_and_service_cannot_be_planted() -> None:
    name = "cookie_host_prefix_enabled"
    public = separated(subdomain_host="https://h.example.org").JupyterHub
    assert public[name] is True
    told = [service.get("environment", {}) for service in public.services]
    assert told == [{"JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED": "1"}, {}]
    assert name not in separated().JupyterHub, "browsers take such cookies by TLS alone"
    kept = separated(subdomain_host="https://h.example.org", cookie_host_prefix_enabled=False)
    assert kept.JupyterHub[name] is False


@pytest.mark.parametrize(
    ("settings", "warns"),
    [
        ({}, False),
        ({"JupyterHub": {"subdomain_host": ""}}, False),
        ({"JupyterHub": OWN}, True),
        ({"JupyterHub": {**OWN, "subdomain_host": "https://hub.example.org"}}, False),
        ({"SharedPasswordAuthenticator": {"user_password": "…"}}, True),
        ({"Authenticator": {"allowed_users": {"ana", "ben"}}}, False),
        (
            {
                "Authenticator": {"allowed_users": {"ana", "ben"}},
                "JupyterHub": {"subdomain_host": ""},
            },
            True,
        ),
    ],
)
def test_doctor_warns_where_several_people_share_the_hubs_address(
    settings: dict[str, Any], warns: bool
) -> None:
    c = Config(settings)
    check = Doctor(config=c)._addresses(LOOPBACK, Ports(8000))
    assert check.ok is not warns
    assert not (warns and check.required), "a hub starts without it"
    assert ("subdomain_host" in check.fix) is warns


@pytest.mark.parametrize(
    ("name", "kind", "host"),
    [
        ("binder", "service", "hub.example.org"),
        ("other", "service", "other--service.hub.example.org"),
        ("binder", "user", "binder.hub.example.org"),
        ("zoë", "user", "xn--zo-ija.hub.example.org"),
    ],
)
def test_the_service_is_at_the_hubs_host(name: str, kind: str, host: str) -> None:
    assert hub.host_of(name, "hub.example.org", kind) == host


def test_no_two_names_share_a_host() -> None:
    names = [
        "ana",
        "Ana",
        "ANA",
        "Ana--",
        "Zoë",
        "zoë",
        "ana.maría",
        "ana-maría",
        "anamaria",
        "o'neil",
        "oneil",
        "a--b",
        "ab",
        "1",
        "-",
        # which JupyterHub gives one host
        "ana..@+~#x",
        "ana.+.#+ x",
    ]
    hosts = {hub.host_of(name, "h.org", "user") for name in names}
    assert len(hosts) == len(names)
    # one label, as a certificate for `*.h.org` has it
    assert all(re.fullmatch(r"[a-z0-9-]{1,63}[.]h[.]org", host) for host in hosts)


def test_the_service_does_not_start_at_another_host() -> None:
    at_hub = {"JUPYTERHUB_PUBLIC_URL": "https://h.org/services/binder/"}
    assert server_hosts("https://h.org", at_hub) == "https://*.h.org"
    assert server_hosts("", {}) == ""
    elsewhere = {"JUPYTERHUB_PUBLIC_URL": "https://binder--service.h.org/services/binder/"}
    with pytest.raises(CannotStart, match="subdomain_hook"):
        server_hosts("https://h.org", elsewhere)
