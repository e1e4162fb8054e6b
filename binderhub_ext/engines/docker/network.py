"""The network servers are on: they reach the internet and the Hub's API, not each other.

Docker's own setting keeps containers of one network apart. What it has no setting for is done
with packet filter rules, where this process may set them: a container reaches nothing that
listens on this machine but the Hub's API and name resolution, and no address at which clouds
tell a machine its secrets.

Everything here blocks for a moment and is safe to repeat.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from traitlets.config import Config

from ...core.errors import CannotStart

NAME = "binder-at-home"
METADATA = ("169.254.0.0/16",)
_BRIDGE = "com.docker.network.bridge.name"
_APART = "com.docker.network.bridge.enable_icc"
_PATIENCE = 60


@dataclass(frozen=True)
class ServerNetwork:
    """A Docker network as it is.

    Attributes:
        name: what Docker calls it.
        gateway: address of this machine on it.
        bridge: its interface on this machine; empty if unknown.
        apart: whether its containers cannot talk to each other.
    """

    name: str
    gateway: str
    bridge: str
    apart: bool


def hub_settings(c: Config, asked: Config) -> None:
    """Let the Hub's API listen where containers, and nobody outside, can reach it.

    Args:
        c: the Hub's configuration.
        asked: the administrator's, which may name the network.

    Raises:
        CannotStart: Docker does not answer, or the network is not fit for servers.
    """
    name = asked.BinderDockerSpawner.get("network_name", NAME)
    network = ensure_network(name)
    if not network.apart:
        raise CannotStart(
            f"On the Docker network {name} containers can talk to each other. Remove it (docker"
            f" network rm {name}) and it is made anew, or set another name as"
            " c.BinderDockerSpawner.network_name."
        )
    c.JupyterHub.hub_ip = network.gateway


def ensure_network(name: str) -> ServerNetwork:
    """The network of that name, made if there is none.

    Raises:
        CannotStart: Docker does not answer or refuses.
    """
    if found := find_network(name):
        return found
    options = (f"--opt={_APART}=false", f"--opt={_BRIDGE}={bridge_name(name)}")
    try:
        _docker("network", "create", *options, name)
    except CannotStart:
        # Another hub on this daemon may have been faster.
        if find_network(name) is None:
            raise
    if made := find_network(name):
        return made
    raise CannotStart(f"The Docker network {name} was made and is not there.")


def find_network(name: str) -> ServerNetwork | None:
    """The network of that name, if there is one.

    Raises:
        CannotStart: Docker does not answer.
    """
    known = json.loads(_docker("network", "ls", "--format={{json .Name}}", lines=True))
    if name not in known:
        return None
    (facts,) = json.loads(_docker("network", "inspect", name))
    options = facts["Options"] or {}
    addresses = facts["IPAM"]["Config"] or [{}]
    return ServerNetwork(
        name,
        addresses[0].get("Gateway", ""),
        options.get(_BRIDGE, f"br-{facts['Id'][:12]}"),
        options.get(_APART) == "false",
    )


def bridge_name(network: str) -> str:
    """A name for the interface, within the 15 characters the kernel takes."""
    return f"bah-{sha256(network.encode()).hexdigest()[:8]}"


def protect(network: ServerNetwork, ports: Iterable[int], blocked: Iterable[str]) -> str:
    """Set packet filter rules for a network.

    Args:
        network: whose containers are meant.
        ports: TCP ports of this machine they may reach, at any of its addresses.
        blocked: networks they may not reach.

    Returns:
        Why the rules are not there, in words; empty if they are.
    """
    if os.geteuid() != 0:
        return "only root may set packet filter rules"
    if shutil.which("iptables") is None:
        return "iptables is not installed (apt-get install -y iptables)"
    try:
        for rule in _rules(network.bridge, tuple(ports), tuple(blocked)):
            _ensure_rule(*rule)
    except subprocess.SubprocessError as error:
        said = getattr(error, "stderr", "") or str(error)
        return f"iptables refused: {said.strip()}"
    return ""


def _rules(
    bridge: str, ports: tuple[int, ...], blocked: tuple[str, ...]
) -> list[tuple[str, list[str]]]:
    """Chain and rule, the one that has to come last in the kernel's order first."""
    to_host = ["-i", bridge, "-m", "conntrack", "--ctstate", "NEW"]
    refuse = ["-j", "REJECT"]
    return [
        ("INPUT", [*to_host, *refuse]),
        *(
            ("INPUT", [*to_host, "-p", protocol, "--dport", "53", "-j", "ACCEPT"])
            for protocol in ("udp", "tcp")
        ),
        *(
            ("INPUT", [*to_host, "-p", "tcp", "--dport", str(port), "-j", "ACCEPT"])
            for port in ports
        ),
        *(("DOCKER-USER", ["-i", bridge, "-d", place, *refuse]) for place in blocked),
    ]


def _ensure_rule(chain: str, rule: list[str]) -> None:
    present = _iptables("-C", chain, *rule)
    if present.returncode:
        _iptables("-I", chain, *rule).check_returncode()


def _iptables(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["iptables", "-w", "10", *arguments], capture_output=True, text=True, timeout=_PATIENCE
    )


def _docker(*arguments: str, lines: bool = False) -> str:
    try:
        done = subprocess.run(
            ["docker", *arguments], capture_output=True, text=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotStart(f"Docker does not answer: {error}.") from error
    if done.returncode:
        raise CannotStart(f"Docker cannot be used: {done.stderr.strip()}")
    return f"[{','.join(done.stdout.splitlines())}]" if lines else done.stdout
