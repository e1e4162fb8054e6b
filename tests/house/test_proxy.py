"""The proxy: Node's, installed once, and never its namesake."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from patience import SOON, wait_until

from binderhub_ext.core.errors import CannotStart
from binderhub_ext.up import proxy


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for an installation while the environment's own is out of sight."""
    cache = tmp_path / "a cache"
    version = proxy._version()
    monkeypatch.setattr(proxy, "_homes", lambda _: (cache / f"proxy-{version}",) * 2)
    return cache


def test_install_once_then_offline(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy.installed_proxy(elsewhere) is None
    told: list[str] = []
    command = proxy.ensure_proxy(elsewhere, told.append)
    assert len(told) == 1 and "once" in told[0]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.strip() == proxy._version()
    assert [path.name for path in elsewhere.iterdir()] == [f"proxy-{proxy._version()}"]

    def no_network(*_: object) -> str:
        raise AssertionError("installed again")

    monkeypatch.setattr(proxy, "_npm_install", no_network)
    assert proxy.ensure_proxy(elsewhere, told.append) == command == proxy.installed_proxy(elsewhere)
    assert len(told) == 1


def test_a_failed_installation_leaves_nothing(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "_npm_install", lambda *_: "npm error network")
    with pytest.raises(CannotStart, match="could not be installed") as caught:
        proxy.ensure_proxy(elsewhere)
    assert caught.value.detail == "npm error network"
    assert list(elsewhere.iterdir()) == []


def test_without_node(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "nodes", list)
    with pytest.raises(CannotStart, match=r"Node\.js 20 or newer.*pip install"):
        proxy.ensure_proxy(elsewhere)


def test_an_old_node_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v18.20.4\n")
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert node not in [found.node for found in proxy.nodes()]
    node.write_text("#!/bin/sh\necho v22.1.0\n")
    assert proxy.nodes()[0].node == node


@pytest.mark.parametrize(
    ("first_line", "refused"),
    [
        ("#!/usr/bin/env node", False),
        (f"#!{sys.executable}", True),
        ("#!/usr/bin/env python3", True),
    ],
)
def test_the_namesake_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_line: str, refused: bool
) -> None:
    program = tmp_path / proxy.COMMAND
    program.write_text(first_line + "\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    if refused:
        with pytest.raises(CannotStart, match="Python package"):
            proxy.check_command([proxy.COMMAND])
    else:
        proxy.check_command([proxy.COMMAND])


def test_only_a_proxy_is_stopped(tmp_path: Path) -> None:
    pid_file = tmp_path / "proxy.pid"
    for arguments, ended in [(["innocent"], False), ([f"/x/{proxy.COMMAND}"], True)]:
        program = "import time; print(flush=True); time.sleep(600)"
        command = [sys.executable, "-c", program, *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            pid_file.write_text(str(process.pid))
            proxy.stop_stale(pid_file)
            assert not pid_file.exists()
            if not ended:
                assert process.poll() is None
                process.kill()
            assert process.wait(SOON) == -(signal.SIGTERM if ended else signal.SIGKILL)


@pytest.mark.parametrize("content", [None, "", "x", str(2**22 + 1)])
def test_no_stale_proxy(tmp_path: Path, content: str | None) -> None:
    pid_file = tmp_path / "proxy.pid"
    if content is not None:
        pid_file.write_text(content)
    proxy.stop_stale(pid_file)


def test_without_a_hub_it_says_that_it_starts_and_asks_again(free_ports: int) -> None:
    """As JupyterHub starts it: the Hub, which has the pages for errors, listens only later."""
    command = [*proxy.ensure_proxy(Path("/nowhere")), "--ip", "127.0.0.1", "--port"]
    command += [str(free_ports), "--api-ip", "127.0.0.1", "--api-port", str(free_ports + 1)]
    command += ["--error-target", f"http://127.0.0.1:{free_ports + 2}/hub/error"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(free_ports), "the proxy does not listen")
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{free_ports}/hub/", timeout=SOON)
    finally:
        process.terminate()
        process.wait(SOON)
    page = caught.value.read().decode()
    assert caught.value.code == 503
    assert "This hub is starting" in page and "location.reload()" in page


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
