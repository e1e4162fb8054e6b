"""Which network a sandbox can have on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from binderhub_ext.engines.local import network
from binderhub_ext.engines.local.network import Network, best_network, online, tunnels_allowed

_HEAD = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
_DEFAULT = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
_LAN = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
_NONE = "0" * 32
_V6 = f"{_NONE} 00 {_NONE} 00 fd{'0' * 29}1 00000400 00000003 00000000 00000003     eth0\n"
_V6_LO = f"{_NONE} 00 {_NONE} 00 {_NONE} ffffffff 00000001 00000000 00200200       lo\n"


@pytest.mark.parametrize(
    ("v4", "v6", "expected"),
    [
        (_HEAD + _DEFAULT + _LAN, _V6_LO, True),
        (_HEAD, _V6 + _V6_LO, True),
        (_HEAD + _LAN, _V6_LO, False),
        (_HEAD, "", False),
        ("", "", False),
    ],
)
def test_a_route_out(tmp_path: Path, v4: str, v6: str, expected: bool) -> None:
    (tmp_path / "route").write_text(v4)
    (tmp_path / "ipv6_route").write_text(v6)
    assert online(tmp_path) is expected


def test_a_machine_without_network_files(tmp_path: Path) -> None:
    assert not online(tmp_path)


@pytest.mark.parametrize(
    ("programs", "expected"),
    [
        (("pasta", "ip", "nsenter"), Network.PRIVATE),
        (("pasta", "nsenter"), Network.ISOLATED),
        (("ip", "nsenter"), Network.ISOLATED),
        ((), Network.ISOLATED),
    ],
)
def test_the_best_network(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    programs: tuple[str, ...],
    expected: Network,
) -> None:
    for program in programs:
        (tmp_path / program).write_text("#!/bin/sh\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(network, "TUNNELS", _device(tmp_path, 0o666))
    assert best_network() is expected
    monkeypatch.setattr(network, "TUNNELS", tmp_path / "missing")
    assert best_network() is Network.ISOLATED


def _device(folder: Path, mode: int) -> Path:
    device = folder / "tun"
    device.touch()
    device.chmod(mode)
    return device


@pytest.mark.parametrize(("mode", "expected"), [(0o666, True), (0o600, False), (0o664, False)])
def test_a_root_hub_holds_networks_as_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, expected: bool
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert tunnels_allowed(_device(tmp_path, mode)) is expected


@pytest.mark.parametrize(
    ("blocked", "allowed", "left"),
    [
        (["10.0.0.0/8"], [], {"10.0.0.0/8"}),
        (["10.0.0.0/30"], ["10.0.0.1"], {"10.0.0.0/32", "10.0.0.2/31"}),
        (["10.0.0.0/30", "fe80::/10"], ["10.0.0.0/8"], {"fe80::/10"}),
        (["fe80::/10"], ["10.0.0.0/8"], {"fe80::/10"}),
        (["10.0.0.0/30"], ["10.0.0.0/31", "10.0.0.2/31"], set()),
    ],
)
def test_what_is_allowed_is_taken_out(
    blocked: list[str], allowed: list[str], left: set[str]
) -> None:
    assert set(network.without(blocked, allowed)) == left
