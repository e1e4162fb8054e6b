"""What a sandbox reaches: a network of its own, with the internet or without.

On the host's own network one person reads another's kernel (its ports need no key to listen
to), so that is used only where an administrator says so. `pasta` gives a private network with
the internet, the server's port in and the Hub's port out. Where it is missing, the network is
empty and two relays carry those two ports (`inside/relay.py`).

Private still reaches, as with containers, the other machines of the local network, except
where `blocked` names them. The host itself is blocked at every address it has when the
sandbox starts; an address it gets later is not. Nobody is reached by addresses that hold on one
link alone, or for a group of machines: among those the host is one.
"""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ...programs import host_program

TUNNELS = Path("/dev/net/tun")
"""The device a private network is made with; open to everybody on an ordinary machine."""

HOLDER_UID = 199_999
"""Owner of the networks of a root Hub's sandboxes: nobody's uid, so that no process in one
owns it and could change its routes."""

METADATA = ("169.254.0.0/16", "fd00:ec2::254/128")
"""Where clouds tell a machine its secrets."""

LINK_LOCAL = "fe80::/10"
MULTICAST = {"-4": "224.0.0.0/4", "-6": "ff00::/8"}

RESOLVER = "203.0.113.53"
RESOLVER_V6 = "2001:db8::53"
"""Where a private network finds its name server, whatever the host's address for it is;
addresses for documentation, which nobody has."""


class Network(StrEnum):
    """What a sandbox reaches."""

    NONE = "none"
    ISOLATED = "isolated"
    PRIVATE = "private"
    UNSAFE_HOST = "unsafe-host"


IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Ports:
    """The two ports of a server; 0 for none, as builds have it.

    Attributes:
        server: on 127.0.0.1 of the host, and the same one inside.
        hub: port of the Hub's API on 127.0.0.1, and the same one inside.
    """

    server: int = 0
    hub: int = 0


def best_network() -> Network:
    """The best network this machine can give.

    Without `ip` a private network could not be kept from this machine's own addresses.
    """
    private = all(map(shutil.which, ("pasta", "ip", "nsenter"))) and tunnels_allowed()
    return Network.PRIVATE if private else Network.ISOLATED


def tunnels_allowed(device: Path | None = None) -> bool:
    """Whether whoever holds the networks may make tunnels; a root Hub's holder is nobody."""
    device = device or TUNNELS
    if os.geteuid():
        return os.access(device, os.R_OK | os.W_OK)
    return device.exists() and device.stat().st_mode & 0o006 == 0o006


def online(proc: Path = Path("/proc/net")) -> bool:
    """Whether this machine has a route out, without which pasta has no network to give."""
    v4 = (line.split() for line in _read(proc / "route").splitlines()[1:])
    v6 = (line.split() for line in _read(proc / "ipv6_route").splitlines())
    return any(int(fields[1], 16) == int(fields[7], 16) == 0 for fields in v4) or any(
        fields[0].strip("0") == "" and fields[1] == "00" and fields[-1] != "lo" for fields in v6
    )


def pasta_arguments(ports: Ports, resolvers: Iterable[str]) -> list[str]:
    """A process that holds a private network for as long as its standard input is open."""
    arguments = ["pasta", "--config-net", "--no-map-gw", "--quiet", "--foreground"]
    arguments += ["-t", f"127.0.0.1/{ports.server}:{ports.server}" if ports.server else "none"]
    arguments += ["-T", str(ports.hub) if ports.hub else "none", "-u", "none", "-U", "none"]
    for resolver in _forwarded(resolvers):
        arguments += ["--dns-forward", resolver]
    return [*arguments, "--", "/bin/cat"]


def as_holder(arguments: Sequence[str]) -> list[str]:
    """The same as an unprivileged uid, for a root Hub: pasta does not want to be root."""
    uid = str(HOLDER_UID)
    return [
        host_program("setpriv"),
        "--reuid",
        uid,
        "--regid",
        uid,
        "--clear-groups",
        "--",
        *arguments,
    ]


def enter_arguments(pid: int, *, user: bool) -> list[str]:
    """Run a program in the network a process holds.

    Args:
        user: enter its user namespace too, as an ordinary user must.
    """
    words = [host_program("nsenter"), f"--net=/proc/{pid}/ns/net"]
    return [*words, "--preserve-credentials", f"--user=/proc/{pid}/ns/user"] if user else words


def without(blocked: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """Networks as they are left when others, within them, are taken out."""
    left = [ipaddress.ip_network(network) for network in blocked]
    for network in map(ipaddress.ip_network, allowed):
        left = [part for one in left for part in _without(one, network)]
    return tuple(map(str, left))


def _without(network: IPNetwork, other: IPNetwork) -> Iterable[IPNetwork]:
    if network.version != other.version or not network.overlaps(other):
        return [network]
    # The first holds for whole networks too, of which nothing is left.
    return [] if network.subnet_of(other) else network.address_exclude(other)  # type: ignore[arg-type]


def blocking_commands(addresses: Iterable[str]) -> dict[str, str]:
    """Input for `ip -4 -batch -` and for `ip -6 -batch -` that makes networks unreachable.

    By rules, which come before routes: the sandbox's interface is a part of the host's own network
    and has a route of its own to it, as it has to whatever is named together with an interface.
    The rules come after what is the sandbox's own.
    """
    blocked = [*addresses, LINK_LOCAL]
    four = [MULTICAST["-4"], *(each for each in blocked if ":" not in each)]
    six = [each for each in blocked if ":" in each]
    own = [f"rule add pref 1 iif lo to {MULTICAST['-6']} prohibit", "rule add pref 2 table local"]
    # Of IPv6 the local table has a route to all groups of machines, which takes the first place.
    own.append("rule del pref 0")
    return {
        "-4": "".join(f"rule add pref 3 to {each} prohibit\n" for each in four),
        "-6": "\n".join([*own, *(f"rule add pref 3 to {each} prohibit" for each in six), ""]),
    }


def resolv_conf(host: str, network: Network) -> bytes:
    """The resolver's file for a sandbox.

    Args:
        host: the host's own file.
    """
    if network is Network.UNSAFE_HOST:
        return host.encode()
    if network is not Network.PRIVATE:
        return b""
    kept = [line for line in host.splitlines() if re.match(r"(search|domain|options)\s", line)]
    servers = [f"nameserver {address}" for address in _forwarded(resolvers(host))]
    return "".join(f"{line}\n" for line in (*kept, *servers)).encode()


def resolvers(resolv: str) -> list[str]:
    """Addresses of the name servers in a resolver's file."""
    return re.findall(r"^nameserver\s+([0-9a-fA-F.:]+)", resolv, re.M)


def _forwarded(found: Iterable[str]) -> list[str]:
    versions = {6 if ":" in address else 4 for address in found}
    return [{4: RESOLVER, 6: RESOLVER_V6}[version] for version in sorted(versions)]


def host_addresses(proc: Path = Path("/proc/net")) -> list[str]:
    """Every address of this machine that another machine could use."""
    addresses: set[ipaddress.IPv4Address | ipaddress.IPv6Address] = set()
    addresses |= _local_v4(_read(proc / "fib_trie"))
    addresses |= _local_v6(_read(proc / "if_inet6"))
    local = ipaddress.ip_network(LINK_LOCAL)
    addresses = {a for a in addresses if not a.is_loopback and a not in local}
    return sorted(map(str, addresses))


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _local_v4(fib_trie: str) -> set[ipaddress.IPv4Address]:
    pattern = r"\|-- ([0-9.]+)\n\s+/32 host LOCAL"
    return {ipaddress.IPv4Address(address) for address in re.findall(pattern, fib_trie)}


def _local_v6(if_inet6: str) -> set[ipaddress.IPv6Address]:
    return {ipaddress.IPv6Address(int(line.split()[0], 16)) for line in if_inet6.splitlines()}


def listen_beneath(directory: Path, name: str) -> socket.socket:
    """A Unix socket that listens in a directory however long its path is."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        (directory / name).unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        listening.bind(f"/proc/self/fd/{descriptor}/{name}")
        listening.listen(128)
    finally:
        os.close(descriptor)
    return listening
