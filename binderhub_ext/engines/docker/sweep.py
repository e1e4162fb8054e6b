"""Remove what servers left that no Hub knows of.

Containers carry the hub they belong to, so that hubs on one daemon leave each other alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from ...core.layout import DataDirectory
from ..rundir import lost
from .rundir import RunDirectory, folder

HUB = "binder-at-home.hub"
RUN = "binder-at-home.run"

NO_SERVER = {HUB: "", RUN: ""}
"""Labels of every image, in place of its own: a container has those unless it says others."""

Docker = Callable[..., Awaitable[Any]]
"""DockerSpawner's way to call docker-py."""


def hub_label(layout: DataDirectory) -> str:
    """A name for the hub of a data directory that tells nothing of where it is."""
    return sha256(str(layout.root).encode()).hexdigest()[:20]


async def sweep(docker: Docker, layout: DataDirectory) -> list[str]:
    """Call it before a Hub starts any server.

    A server is left alone if a Hub has stored it, since that Hub finds it again.

    Returns:
        The names of what was removed.
    """
    filters = {"label": f"{HUB}={hub_label(layout)}"}
    containers = {
        one["Labels"].get(RUN, ""): one["Id"]
        for one in await docker("containers", all=True, filters=filters)
    }
    root = folder(layout)
    names = lost(root, containers)
    for name in names:
        if name in containers:
            await docker("remove_container", containers[name], v=True, force=True)
        await RunDirectory(root / name).remove()
    return names
