"""Addresses and ports: which are this machine's alone, and words when one is taken."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from traitlets.config import Config

from binderhub_ext.core.errors import CannotStart
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.up.app import Up
from binderhub_ext.up.network import Ports, check_free, is_loopback


@pytest.mark.parametrize(
    ("ip", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("", False),
        ("*", False),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example.org", False),
        ("example.org", False),
    ],
)
def test_is_loopback(ip: str, loopback: bool) -> None:
    assert is_loopback(ip) is loopback


@pytest.mark.parametrize("offset", range(4))
def test_a_taken_port_is_named(free_ports: int, offset: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_ports + offset))
        other.listen()
        with pytest.raises(CannotStart, match=f"Port {free_ports + offset} is taken"):
            check_free("127.0.0.1", Ports(free_ports), patience=0)
    check_free("127.0.0.1", Ports(free_ports), patience=0)


def test_an_address_of_another_machine(free_ports: int) -> None:
    with pytest.raises(CannotStart, match="no such address"):
        check_free("192.0.2.1", Ports(free_ports), patience=0)


@pytest.mark.parametrize("url", ["http://:99999999/", "http://[bad"])
def test_an_address_that_is_none(url: str, tmp_path: Path) -> None:
    up = Up(config=Config({"JupyterHub": {"bind_url": url}}))
    with pytest.raises(CannotStart, match="bind_url is no address"):
        up.compose(DataDirectory(tmp_path))
