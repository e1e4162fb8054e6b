"""A BuildKit daemon on this machine, as an administrator runs one: it demands certificates."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from authority import Authority
from kubehub import HOST, REGISTRY, STATE
from patience import SOON, START, wait_until
from ports import free_ports

PROGRAM = STATE / "bin/buildkitd"
_CONFIG = """
root = "{root}"
[grpc]
  address = ["tcp://{host}:{port}"]
  [grpc.tls]
    cert = "{folder}/daemon.crt"
    key = "{folder}/daemon.key"
    ca = "{authority}"
[otel]
  socketPath = "{folder}/otel.sock"
[worker.oci]
  enabled = true
  binary = "runc"
[worker.containerd]
  enabled = false
[registry."{registry}"]
  http = true
"""


@dataclass(frozen=True)
class BuildKitDaemon:
    """A running daemon.

    Attributes:
        address: by which it is reached from this machine and from pods.
        authority: whose certificates it accepts.
        log: the file of its log.
    """

    address: str
    authority: Authority
    log: Path


def secret_of(authority: Authority, trusted: Authority) -> dict[str, str]:
    """A Secret's text by which a client shows what one authority issued, and trusts another."""
    certificate, key = authority.issued(HOST)
    return {
        "ca.crt": trusted.file.read_text(),
        "tls.crt": certificate.decode(),
        "tls.key": key.decode(),
    }


@contextmanager
def running_daemon(folder: Path) -> Iterator[BuildKitDaemon]:
    """A daemon that keeps everything in a folder."""
    if not PROGRAM.exists():
        pytest.skip("buildkitd is not installed; `scripts/cluster buildkit` builds it")
    authority, port = Authority(folder / "authority"), free_ports(1)
    certificate, key = authority.issued(HOST)
    (folder / "daemon.crt").write_bytes(certificate)
    (folder / "daemon.key").write_bytes(key)
    config = folder / "buildkitd.toml"
    named = {"root": folder / "root", "authority": authority.file, "folder": folder}
    config.write_text(_CONFIG.format(host=HOST, port=port, registry=REGISTRY, **named))
    log = folder / "daemon.log"
    with log.open("wb") as said:
        command = [PROGRAM, f"--config={config}"]
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, cwd=folder)
    try:
        _wait(process, log)
        yield BuildKitDaemon(f"tcp://{HOST}:{port}", authority, log)
    finally:
        process.terminate()
        process.wait(SOON)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    def runs() -> bool:
        assert process.poll() is None, log.read_text()
        return "running server on" in log.read_text()

    wait_until(runs, log.read_text, START)
