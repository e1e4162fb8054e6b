"""`binder-at-home up --engine docker`, for browsers and for programs; leaves nothing behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from dockerhub import BASE, docker, remove_images
from homehub import HomeHub

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.engines.docker.sweep import HUB, hub_label

_CONFIG = """
c.DockerBuilder.buildpack = "uv"
c.DockerBuilder.base_image = {base!r}
c.DockerBuilder.image_prefix = {prefix!r}
c.DockerBuilder.min_free_space = 1 << 30
"""


@contextmanager
def running_docker_home(name: str, extra: str = "", registry: str = "") -> Iterator[HomeHub]:
    """A hub whose images are called after it.

    Args:
        name: what they are called after.
        extra: lines added to its configuration.
        registry: host of a registry their names begin with, if they are kept there too.
    """
    prefix = f"{registry}/bah-{name}/" if registry else f"bah-{name}-{os.getpid()}/"
    config = _CONFIG.format(base=BASE, prefix=prefix)
    try:
        with HomeHub.running(config + extra, engine="docker") as hub:
            try:
                yield hub
            finally:
                hub.stop()
                # A failure leaves servers: they outlive a Hub that is killed.
                for line in servers(hub):
                    docker("rm", "-f", line.split()[0], check=False)
    finally:
        remove_images(prefix)


def servers(hub: HomeHub) -> list[str]:
    """Every container of a hub's servers, running or not: its id and whose it is."""
    mine = f"label={HUB}={hub_label(DataDirectory(hub.root))}"
    form = '{{.ID}} {{.Label "binder-at-home.user"}}'
    return docker("ps", "-a", f"--filter={mine}", f"--format={form}").splitlines()
