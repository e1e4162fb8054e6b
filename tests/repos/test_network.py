"""Addresses: a table of what a link may reach."""

from __future__ import annotations

import ipaddress

import pytest
from traitlets import TraitError

from binderhub_ext.core.errors import AddressNotAllowed, RepoUnavailable
from binderhub_ext.core.url import read_url
from binderhub_ext.repos.network import AddressPolicy, proxy_of

REFUSED = [
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255"),
    *("192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.192"),
    *("224.0.0.1", "255.255.255.255", "198.18.0.1", "240.0.0.1", "168.63.129.16"),
    *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "fe80::1", "fc00::1"),
    *("fd00:ec2::254", "ff02::1", "fec0::1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1"),
    "::ffff:0:7f00:1",
    *("2001:0:1:2::", "2001:db8::1"),
]
ALLOWED = ["140.82.121.4", "8.8.8.8", "2606:50c0:8000::153", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", REFUSED)
def test_refused(address: str) -> None:
    assert not AddressPolicy().allows(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ALLOWED)
def test_allowed(address: str) -> None:
    assert AddressPolicy().allows(ipaddress.ip_address(address))


def test_an_administrator_may_allow_and_block() -> None:
    policy = AddressPolicy(
        allowed_networks=["10.0.0.0/8"],
        allowed_hosts=["git.example.org", "*.intra.example"],
        blocked_networks=["10.9.0.0/16", "8.8.8.8/32"],
    )
    ten, nine, dns = map(ipaddress.ip_address, ("10.1.1.1", "10.9.1.1", "8.8.8.8"))
    home = ipaddress.ip_address("192.168.1.1")
    assert policy.allows(ten) and policy.allows(ipaddress.ip_address("::ffff:10.1.1.1"))
    assert not policy.allows(nine) and not policy.allows(dns)
    assert policy.allows(home, "git.example.org") and policy.allows(home, "a.intra.example")
    assert not policy.allows(home, "intra.example") and not policy.allows(home, "xgit.example.org")
    assert not policy.allows(nine, "git.example.org")


def test_networks_are_checked_when_configured() -> None:
    with pytest.raises(TraitError):
        AddressPolicy(allowed_networks=["10.0.0.0/99"])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "[::ffff:7f00:1]"])
async def test_names_and_addresses_are_refused(host: str) -> None:
    with pytest.raises(AddressNotAllowed) as caught:
        await AddressPolicy().addresses(read_url(f"http://{host}/o"))
    assert "administrator" in caught.value.message


async def test_unknown_host() -> None:
    with pytest.raises(RepoUnavailable) as caught:
        await AddressPolicy().addresses(read_url("http://no-such-host.invalid/o"))
    assert "no-such-host.invalid" in caught.value.message


async def test_a_proxy_may_resolve_what_we_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.invalid:3128")
    monkeypatch.setenv("no_proxy", "direct.invalid")
    assert await AddressPolicy().addresses(read_url("https://other.invalid/o")) == ()
    assert proxy_of(read_url("https://direct.invalid/o")) == ""
    with pytest.raises(AddressNotAllowed):
        await AddressPolicy().addresses(read_url("https://127.0.0.1/o"))
