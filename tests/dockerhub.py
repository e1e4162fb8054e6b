"""A real JupyterHub with the `docker` engine's spawner, and images its builder made.

Requests go straight to the Hub's port on the servers' network and to each server's own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sandboxhub import Disk, SandboxHub

from binderhub_ext.engines.docker import network
from binderhub_ext.engines.docker.rundir import RunDirectory
from binderhub_ext.engines.docker.sweep import HUB, hub_label

BASE = "binder-at-home/base:bookworm"
PREFIX = f"bah-tests-{os.getpid()}/"
BUILDER: dict[str, Any] = {"buildpack": "uv", "base_image": BASE, "image_prefix": PREFIX}
NETWORK = f"bah-tests-{os.getpid()}"

_EXTRA = """
from binderhub_ext.engines.docker.network import hub_settings
c.JupyterHub.spawner_class = "binder-docker"
c.BinderDockerSpawner.network_name = {network!r}
hub_settings(c, c)
"""


def docker(*arguments: str, check: bool = True) -> str:
    """What Docker's command line says."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


def remove_images(prefix: str) -> None:
    """Remove every image whose name begins so."""
    for name in docker("image", "ls", "--format={{.Repository}}:{{.Tag}}").splitlines():
        if name.startswith(prefix):
            docker("image", "rm", "--force", name, check=False)


def remove_network(name: str) -> None:
    """Remove a network of servers with the rules that go with it."""
    if (made := network.find_network(name)) is None:
        return
    docker("network", "rm", name, check=False)
    network.remove(made.bridge)


def missing() -> str:
    """What this machine lacks for these tests, and how to get it; empty if nothing."""
    get = "scripts/docker-engine start installs and starts what is missing"
    if shutil.which("docker") is None:
        return f"docker is not installed; {get}"
    for what, command in (
        ("no Docker daemon answers", ["version"]),
        ("docker-buildx is not installed", ["buildx", "version"]),
        (f"there is no image {BASE}", ["image", "inspect", BASE]),
    ):
        if subprocess.run(["docker", *command], capture_output=True).returncode:
            return f"{what}; {get}"
    return ""


def skip_without_docker() -> None:
    """Skip, or fail where continuous integration does not expect to be without.

    The words name an installation, which `nothing_missing.py` lets pass nowhere under CI.
    """
    if lack := missing():
        if os.environ.get("WITHOUT_DOCKER") == "expected":
            pytest.skip("the environment says that no Docker is expected here (WITHOUT_DOCKER)")
        pytest.skip(lack)


class DockerHub(SandboxHub):
    """The Hub's process and data directory."""

    def __init__(self, root: Path, extra: str = "") -> None:
        super().__init__(root, extra=_EXTRA.format(network=NETWORK) + extra)
        self.host = network.ensure_network(NETWORK).gateway

    def container(self, user: str, server: str = "one") -> str:
        """The name of a server's container."""
        return f"binder-{RunDirectory.of(self.layout, user, server).name}"

    def address(self, user: str, server: str = "one") -> str:
        """The address of a server on the servers' network."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return docker("inspect", f"--format={form}", self.container(user, server))

    def server_address(self, user: str, server: str) -> str:
        """Address and port of a server on the servers' network."""
        return f"{self.address(user, server)}:8888"

    def containers(self) -> list[str]:
        """Every container of this Hub, running or not."""
        form = '{{.Names}} {{.Label "binder-at-home.user"}}'
        label = f"label={HUB}={hub_label(self.layout)}"
        return docker("ps", "-a", f"--filter={label}", f"--format={form}").splitlines()

    def leftovers(self) -> list[str]:
        """Containers, directories of servers and mounts."""
        servers = self.layout.run / "containers"
        directories = [str(path) for path in servers.iterdir()] if servers.exists() else []
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        return [
            *self.containers(),
            *directories,
            *(line for line in mounts if str(self.root) in line),
        ]


@contextmanager
def running_docker_hub(
    image: str, extra: str = "", disk: Disk = nullcontext
) -> Iterator[DockerHub]:
    """A running Hub whose launches are of this image."""
    with (
        TemporaryDirectory(prefix="bh-", ignore_cleanup_errors=True) as folder,
        disk(Path(folder, "data")),
    ):
        Path(folder).chmod(0o755)
        hub = DockerHub(Path(folder), extra)
        hub.image = image
        try:
            hub.start()
            yield hub
        finally:
            hub.stop()
            for line in hub.containers():
                docker("rm", "-f", line.split()[0], check=False)
