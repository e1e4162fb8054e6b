"""Images of environments, as the registry has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..containers import quickstart
from .cluster import Cluster
from .registry import Manifest, Registry

_KEY = re.compile(r"[0-9a-f]{16,64}")


@dataclass(frozen=True)
class RegistryImage:
    """An image that is there.

    Attributes:
        name: with its tag.
        size: bytes of its layers, as they are moved.
        known: what it is configured to do, as Docker describes it.
    """

    name: str
    size: int
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def python_path(self) -> str:
        """The `PYTHONPATH` it sets, or empty."""
        return quickstart.python_path_of(self.known)


def name_of(cluster: Cluster, key: str) -> str:
    """What the image of an environment is called."""
    return f"{cluster.repository}:{key}"


def key_of(cluster: Cluster, image: str) -> str:
    """The key in a name that :func:`name_of` made; empty for any other."""
    repository, _, key = image.rpartition(":")
    return key if repository == cluster.repository and _KEY.fullmatch(key) else ""


def at_nodes(cluster: Cluster, image: str) -> str:
    """What nodes call the image of an environment."""
    return _moved(image, cluster.repository, cluster.node_repository)


def from_nodes(cluster: Cluster, image: str) -> str:
    """The inverse of :func:`at_nodes`; any other name stays as it is."""
    return _moved(image, cluster.node_repository, cluster.repository)


def _moved(image: str, source: str, target: str) -> str:
    repository, colon, tag = image.rpartition(":")
    return f"{target}:{tag}" if colon and repository == source else image


async def find(cluster: Cluster, image: str) -> RegistryImage | None:
    """An image of this hub's, if it is there.

    Raises:
        RegistryUnavailable: that cannot be found out.
    """
    if not key_of(cluster, image):
        return None
    registry = Registry(cluster)
    manifest: Manifest | None = await registry.find(image)
    if manifest is None:
        return None
    config: Mapping[str, Any] = await registry.config(image, manifest)
    return RegistryImage(image, manifest.size, {"Config": config.get("config") or {}})
