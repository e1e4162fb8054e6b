"""What is read from the host's own files, and what is written to its control groups."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from binderhub_ext.engines.local import network as net
from binderhub_ext.engines.local.limits import PREFIX, Controllers, Limits, find_controllers
from binderhub_ext.engines.local.network import Network, Ports

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.1.2.0
        /24 link UNICAST
     |-- 10.1.2.3
        /32 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 172.17.0.1
        /32 host LOCAL
     |-- 172.17.255.255
        /32 link BROADCAST
"""
IF_INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000007 02 40 00 80     eth0
fe80000000000000004200fffe000001 02 40 20 80     eth0
"""


def test_every_address_of_the_host_is_found(tmp_path: Path) -> None:
    (tmp_path / "fib_trie").write_text(FIB_TRIE)
    (tmp_path / "if_inet6").write_text(IF_INET6)
    assert net.host_addresses(tmp_path) == ["10.1.2.3", "172.17.0.1", "2001:db8::7"]
    commands = net.blocking_commands(["10.0.0.0/8", "fd00::/8"])
    assert "to 10.0.0.0/8 prohibit\n" in commands["-4"] and "fd00::" not in commands["-4"]
    assert "to fd00::/8 prohibit\n" in commands["-6"] and "10.0" not in commands["-6"]


@pytest.mark.parametrize(
    ("host", "network", "inside"),
    [
        ("nameserver 127.0.0.53\n", Network.PRIVATE, f"nameserver {net.RESOLVER}\n"),
        (
            "search a.b\nnameserver ::1\nnameserver 10.0.0.1\n",
            Network.PRIVATE,
            f"search a.b\nnameserver {net.RESOLVER}\nnameserver {net.RESOLVER_V6}\n",
        ),
        ("# nameserver 1.2.3.4\n", Network.PRIVATE, ""),
        ("nameserver 10.0.0.1\n", Network.ISOLATED, ""),
        ("nameserver 10.0.0.1\n", Network.NONE, ""),
        ("nameserver 10.0.0.1\n", Network.UNSAFE_HOST, "nameserver 10.0.0.1\n"),
    ],
)
def test_name_servers_inside(host: str, network: Network, inside: str) -> None:
    assert net.resolv_conf(host, network).decode() == inside


def test_pasta_lets_through_exactly_two_ports() -> None:
    words = net.pasta_arguments(Ports(41, 42), ["10.0.0.1"])
    values = dict(pairwise(words))
    assert (values["-t"], values["-T"], values["-u"], values["-U"]) == (
        "127.0.0.1/41:41",
        "42",
        "none",
        "none",
    )
    assert "--no-map-gw" in words
    values = dict(pairwise(net.pasta_arguments(Ports(), [])))
    assert {values[flag] for flag in ("-t", "-T", "-u", "-U")} == {"none"}


def fake_host(root: Path, mountinfo: str, cgroup: str) -> Path:
    proc = root / "proc"
    proc.mkdir()
    (proc / "mountinfo").write_text(mountinfo.replace("ROOT", str(root)))
    (proc / "cgroup").write_text(cgroup)
    return proc


def test_version_1_below_our_own_group(tmp_path: Path) -> None:
    lines, groups = [], []
    for i, name in enumerate(("memory", "pids", "cpu")):
        directory = tmp_path / name / "hub"
        directory.mkdir(parents=True)
        (directory / "cgroup.procs").touch()
        lines.append(f"{i} 1 0:{i} / ROOT/{name} rw - cgroup cgroup rw,{name}")
        groups.append(f"{i}:{name}:/hub")
    found = find_controllers(fake_host(tmp_path, "\n".join(lines), "\n".join(groups)))
    assert found is not None and found.version == 1
    below = {name: tmp_path / name / "hub" / f"{PREFIX}s" for name in ("memory", "pids", "cpu")}
    for name, file in (("memory", "memory.limit_in_bytes"), ("pids", "pids.max")):
        below[name].mkdir(parents=True)
        (below[name] / file).touch()
    found.make("s", Limits(memory=1 << 30, processes=7))
    assert (below["memory"] / "memory.limit_in_bytes").read_text() == str(1 << 30)
    assert (below["pids"] / "pids.max").read_text() == "7"


def test_version_2_needs_what_was_delegated(tmp_path: Path) -> None:
    own = tmp_path / "cgroup" / "hub.service"
    own.mkdir(parents=True)
    (own / "cgroup.procs").touch()
    (own / "cgroup.subtree_control").touch()
    proc = fake_host(tmp_path, "1 1 0:1 / ROOT/cgroup rw - cgroup2 none rw", "0::/hub.service")
    (own / "cgroup.controllers").write_text("memory pids")
    assert find_controllers(proc) is None
    (own / "cgroup.controllers").write_text("cpu memory pids")
    found = find_controllers(proc)
    assert found is not None and found.version == 2
    assert (own / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    group = Controllers(2, found.own)
    directory = own / f"{PREFIX}s"
    directory.mkdir()
    for name in ("memory.max", "memory.swap.max", "pids.max", "cpu.max"):
        (directory / name).touch()
    group.make("s", Limits(memory=1 << 30, processes=7, cpu=1.5))
    assert (directory / "memory.max").read_text() == str(1 << 30)
    assert (directory / "memory.swap.max").read_text() == "0"
    assert (directory / "cpu.max").read_text() == "150000 100000"
