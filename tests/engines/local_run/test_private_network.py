"""What a private network leaves out, asked of the kernel inside; nothing is sent anywhere."""

from __future__ import annotations

import ipaddress
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path, PurePosixPath

import pytest

from binderhub_ext.engines.local.buildsandbox import BUILD_UID
from binderhub_ext.engines.local.environment import hub_python
from binderhub_ext.engines.local.network import Network, best_network, online
from binderhub_ext.engines.local.running import prepared
from binderhub_ext.engines.local.sandbox import Bind, Person, Sandbox
from binderhub_ext.programs import Log, run

pytestmark = pytest.mark.skipif(
    not shutil.which("bwrap") or best_network() is not Network.PRIVATE or not online(),
    reason="bubblewrap, pasta or a network is missing",
)

LOOK = """
import json, socket, sys
links = [number for number, name in socket.if_nameindex() if name != "lo"]
told = {}
for place in sys.argv[1:]:
    family = socket.AF_INET6 if ":" in place else socket.AF_INET
    scoped = place.startswith(("fe80", "ff"))
    where = (place, 9, 0, links[0]) if scoped else (place, 9)
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect(where)
        told[place] = ""
    except OSError as error:
        told[place] = type(error).__name__
print(json.dumps(told))
"""
"""Whether there is a way to each place: connecting a socket for datagrams sends none."""


def interfaces() -> list[ipaddress.IPv4Interface | ipaddress.IPv6Interface]:
    """This machine's addresses, with the network of each, but loopback."""
    listed = json.loads(subprocess.check_output(["ip", "-json", "addr"]))
    found = [one for link in listed if link["ifname"] != "lo" for one in link["addr_info"]]
    return [ipaddress.ip_interface(f"{one['local']}/{one['prefixlen']}") for one in found]


def neighbour(interface: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> str:
    """An address of the same network that is not this machine's."""
    own = {one.ip for one in interfaces()}
    return str(next(place for place in interface.network.hosts() if place not in own))


async def ways(places: list[str], *blocked: str) -> dict[str, str]:
    """For each place why there is no way to it from a sandbox, empty where there is one."""
    prefix = Path(hub_python()).parents[1]
    shown = [] if prefix.is_relative_to("/usr") else [prefix]
    sandbox = Sandbox(
        argv=(hub_python(), "-I", "-c", LOOK, *places),
        env={},
        cwd="/",
        binds=tuple(Bind(path, PurePosixPath(path)) for path in shown),
        person=Person(BUILD_UID if os.geteuid() == 0 else None),
        network=Network.PRIVATE,
        python=hub_python(),
        ends_with_hub=True,
    )
    said: list[str] = []
    async with prepared(sandbox, blocked=blocked) as command:
        await run(command.start, Log(said.append))
    return dict(json.loads(said[-1]))


def outward() -> list[ipaddress.IPv4Interface | ipaddress.IPv6Interface]:
    """The addresses by which this machine reaches others, which its sandboxes have too."""
    found = []
    for family, elsewhere in ((socket.AF_INET, "198.51.100.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asking:
                asking.connect((elsewhere, 9))
                found.append(str(asking.getsockname()[0]))
        except OSError:
            continue
    return [one for one in interfaces() if str(one.ip) in found]


async def test_the_local_network_is_left_out_where_it_is_named() -> None:
    """The sandbox has an address of that network, and a route of its own to it."""
    own = outward()
    places = [neighbour(one) for one in own]
    assert set((await ways(places)).values()) == {""}
    by_name = await ways(places, *(str(one.network) for one in own))
    assert set(by_name.values()) == {"PermissionError"}, by_name
    wider = await ways(places, *(str(one.network.supernet()) for one in own))
    assert set(wider.values()) == {"PermissionError"}, wider


async def test_this_machine_is_out_of_reach_by_addresses_of_a_link() -> None:
    """pasta would pass them on to the very link this machine is on."""
    links = [str(one.ip) for one in interfaces() if one.ip.is_link_local]
    others = [
        str(one.ip) for one in interfaces() if one not in outward() and str(one.ip) not in links
    ]
    groups = ["224.0.0.1", "224.0.0.251"]
    if any(":" in place for place in links):
        groups += ["ff02::1", "ff02::fb", "ff05::1"]
    told = await ways([*links, *others, *groups])
    # Networks of containers come and go meanwhile.
    now = {str(one.ip) for one in interfaces()}
    told = {place: why for place, why in told.items() if place in now or place in groups}
    assert set(told.values()) == {"PermissionError"}, told


async def test_the_rest_stays_as_it_is() -> None:
    """Names, the internet, and what is the sandbox's own: programs look for their own address."""
    own = [str(one.ip) for one in outward()]
    assert own
    told = await ways([*own, "127.0.0.1", "198.51.100.1", "203.0.113.53"])
    assert set(told.values()) == {""}, told
