"""The network servers are on, and what they and builds reach.

Docker's own setting keeps containers of one network apart. What it has no setting for is done
with packet filter rules, where this process may set them: a container reaches nothing that
listens on this machine but the Hub's API and name resolution, and no address at which clouds
tell a machine its secrets. Builds are held to the same, on the bridge that engines put them on.

Everything here blocks for a moment and is safe to repeat.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from traitlets.config import Config

from ...core.errors import CannotStart
from ...core.sentences import NOTHING, Sentence
from ...locks import held

NAME = "binder-at-home"
BUILDS = {"docker": "bridge", "podman": "podman"}
"""The network on which an engine runs the steps of builds; no engine in use offers another."""
METADATA = ("169.254.0.0/16",)
_BRIDGE = "com.docker.network.bridge.name"
_APART = "com.docker.network.bridge.enable_icc"
_ENGINE = "bah-engine"
_PID = Path("/var/run/docker.pid")
_PATIENCE = 60
_INTERFACES = Path("/sys/class/net")
_LOCK = Path("/run/binder-at-home.network")
_LOST = re.compile(r"^-N (bah-[0-9a-f]{8}|br-[0-9a-f]{12})-(?:in|out)$", re.MULTILINE)
"""Chains for interfaces that never come back under the name they had; an engine's own does."""
_ONLY_ROOT = Sentence("only root may set packet filter rules")
_PORT = re.compile(r"-p tcp -m tcp --dport (\d+) -j ACCEPT")


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
            "On the Docker network {name} containers can talk to each other. Remove it (docker"
            " network rm {name}) and it is made anew, or set another name as"
            " c.BinderDockerSpawner.network_name.",
            name=name,
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
    raise CannotStart("The Docker network {name} was made and is not there.", name=name)


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


def bridge_of_builds(cli: str) -> str:
    """The interface of the network on which an engine runs the steps of builds.

    Raises:
        CannotStart: the engine does not answer.
    """
    (facts,) = json.loads(_engine(cli, "network", "inspect", BUILDS[cli]))
    if cli == "podman":
        return str(facts["network_interface"])
    return str(facts["Options"][_BRIDGE])


def bridge_name(network: str) -> str:
    """A name for the interface, within the 15 characters the kernel takes."""
    return f"bah-{sha256(network.encode()).hexdigest()[:8]}"


def protect(
    bridge: str, ports: Iterable[int], blocked: Iterable[str], allowed: Iterable[str] = ()
) -> Sentence:
    """Set packet filter rules for a network, in place of those it had.

    Args:
        bridge: interface of the network on this machine.
        ports: TCP ports of this machine its containers may reach, at any of its addresses; beside
            those that were opened before, since several Hubs may share a network.
        blocked: networks they may not reach.
        allowed: networks they may reach all the same, also on this machine.

    Returns:
        Why the rules are not there, in words; empty if they are.
    """
    if os.geteuid() != 0:
        return _ONLY_ROOT
    if shutil.which("iptables") is None:
        return Sentence("iptables is not installed (apt-get install -y iptables)")
    inward, through = _chains(bridge)
    try:
        with _alone():
            opened = tuple(sorted({*ports, *_opened(inward)}))
            _fill(_rules(inward, through, opened, tuple(blocked), tuple(allowed)))
            for chain, *rule in _jumps(bridge):
                _ensure_rule(chain, *rule)
    except (OSError, subprocess.SubprocessError) as error:
        return _refused(error)
    return NOTHING


def _refused(error: Exception) -> Sentence:
    said = getattr(error, "stderr", "") or str(error)
    return Sentence("iptables refused: {said}", said=said.strip())


def forget_lost() -> list[str]:
    """Take away the rules of networks of servers that are gone; returns their interfaces."""
    if os.geteuid() != 0 or shutil.which("iptables") is None:
        return []
    with _alone():
        names = dict.fromkeys(_LOST.findall(_iptables("-S").stdout))
        lost = [bridge for bridge in names if not (_INTERFACES / bridge).exists()]
        for bridge in lost:
            remove(bridge)
    return lost


def remove(bridge: str) -> None:
    """Take away what :func:`protect` set for an interface."""
    for chain, *rule in _jumps(bridge):
        _iptables("-D", chain, *rule)
    for chain in _chains(bridge):
        _iptables("-F", chain)
        _iptables("-X", chain)


def _chains(bridge: str) -> tuple[str, str]:
    """Chains of ours: for what goes to this machine, and for what goes through it."""
    return f"{bridge}-in", f"{bridge}-out"


def _jumps(bridge: str) -> tuple[tuple[str, ...], ...]:
    """The rules that lead to them, each after the chain it is in."""
    inward, through = _chains(bridge)
    new = ("-m", "conntrack", "--ctstate", "NEW")
    return ("INPUT", "-i", bridge, *new, "-j", inward), ("DOCKER-USER", "-i", bridge, "-j", through)


@contextmanager
def _alone() -> Iterator[None]:
    """Of all Hubs and services on this machine only one changes the rules of networks."""
    with ExitStack() as stack:
        with suppress(OSError):  # in a container nobody may write there
            stack.enter_context(held(_LOCK))
        yield


def _opened(chain: str) -> list[int]:
    """The TCP ports that a chain of ours lets through, but for name resolution."""
    listed = _iptables("-S", chain).stdout.split("\n")
    ports = [_PORT.fullmatch(rule.removeprefix(f"-A {chain} ")) for rule in listed]
    return [int(found[1]) for found in ports if found and found[1] != "53"]


def hold_engine(blocked: Iterable[str], allowed: Iterable[str] = ()) -> Sentence:
    """Keep Docker's engine itself from networks: it fetches what `ADD` in a Dockerfile names.

    By its control group, in which nothing but the engine is where the system's own manager of
    services starts it.

    Returns:
        Why that cannot be, in words; empty if it is so.
    """
    if os.geteuid() != 0:
        return _ONLY_ROOT
    if not (group := _engine_group()):
        return Sentence("the engine has no control group of its own, or is on another machine")
    try:
        _fill(_through(_ENGINE, tuple(blocked), tuple(allowed)))
        _ensure_rule("OUTPUT", "-m", "cgroup", "--path", group, "-j", _ENGINE)
    except (OSError, subprocess.SubprocessError) as error:
        return _refused(error)
    return NOTHING


def _engine_group() -> str:
    """Path of the engine's control group without the first slash; empty if it has none."""
    try:
        pid = int(_PID.read_text())
        groups = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except (OSError, ValueError):
        return ""
    paths = [line.removeprefix("0::") for line in groups if line.startswith("0::")]
    return "".join(paths).lstrip("/")


def _rules(
    inward: str,
    through: str,
    ports: tuple[int, ...],
    blocked: tuple[str, ...],
    allowed: tuple[str, ...],
) -> list[str]:
    """The rules of two chains: for what goes to this machine, and for what goes through it."""
    names = [f"-p {protocol} --dport 53 -j" for protocol in ("udp", "tcp")]
    return [
        *(f"-A {inward} {rule} ACCEPT" for rule in names),
        *(f"-A {inward} -p tcp --dport {port} -j ACCEPT" for port in ports),
        # not ACCEPT: a firewall of this machine's own has a say too
        *(f"-A {inward} -d {place} -j RETURN" for place in _of_v4(allowed)),
        f"-A {inward} -j REJECT",
        *_through(through, blocked, allowed),
    ]


def _through(chain: str, blocked: tuple[str, ...], allowed: tuple[str, ...]) -> list[str]:
    return [
        # Some clouds resolve names at the very address at which they tell secrets.
        *(f"-A {chain} -p {protocol} --dport 53 -j RETURN" for protocol in ("udp", "tcp")),
        *(f"-A {chain} -d {place} -j RETURN" for place in _of_v4(allowed)),
        *(f"-A {chain} -d {place} -j REJECT" for place in _of_v4(blocked)),
    ]


def _of_v4(networks: Iterable[str]) -> Iterator[str]:
    """Those that rules are for. One of IPv6 among them, and none of the rules would be set."""
    return (network for network in networks if ":" not in network)


def _fill(rules: list[str]) -> None:
    """Put rules into chains of ours in place of what is in them, all at once."""
    chains = dict.fromkeys(rule.split()[1] for rule in rules)
    text = ["*filter", *(f":{chain} - [0:0]" for chain in chains), *rules, "COMMIT", ""]
    subprocess.run(
        ["iptables-restore", "--noflush", "-w", "10"],
        input="\n".join(text),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=True,
    )


def _ensure_rule(chain: str, *rule: str) -> None:
    if _iptables("-C", chain, *rule).returncode:
        _iptables("-I", chain, *rule).check_returncode()


def _iptables(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["iptables", "-w", "10", *arguments], capture_output=True, text=True, timeout=_PATIENCE
    )


def _docker(*arguments: str, lines: bool = False) -> str:
    said = _engine("docker", *arguments)
    return f"[{','.join(said.splitlines())}]" if lines else said


def _engine(cli: str, *arguments: str) -> str:
    name = cli.capitalize()
    try:
        done = subprocess.run([cli, *arguments], capture_output=True, text=True, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotStart("{name} does not answer: {error}.", name=name, error=error) from error
    if done.returncode:
        raise CannotStart("{name} cannot be used: {why}", name=name, why=done.stderr.strip())
    return done.stdout
