"""A server's pod: what we add to the manifest that KubeSpawner makes. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...core.launch import Access
from ...core.layout import DataDirectory
from ...storage.mounts import Mount
from ...storage.sync import call
from ...storage.sync.words import Request
from ..containers import quickstart
from ..rundir import Owner
from ..serving import HOME
from .cluster import Cluster

NOTEBOOK, FIRST = "notebook", "files"
"""Names of a pod's containers: KubeSpawner's, and the one that runs before it."""

VOLUME = "binder-data"

_FIRST_LIMITS = {"cpu": "1", "memory": "1Gi"}
_FIRST_REQUESTS = {"cpu": "50m", "memory": "128Mi"}


@dataclass(frozen=True)
class Place:
    """A directory of the claim as a container sees it.

    Attributes:
        source: where it is in the data directory.
        target: absolute path inside.
        read_only: enforced by the mount.
    """

    source: Path
    target: PurePosixPath
    read_only: bool = False


@dataclass(frozen=True)
class Data:
    """The data directory and where it is in the cluster."""

    layout: DataDirectory
    cluster: Cluster

    @property
    def volume(self) -> dict[str, Any]:
        """What a pod needs to mount parts of it."""
        return {"name": VOLUME, "persistentVolumeClaim": {"claimName": self.cluster.data_claim}}

    def mount(self, place: Place) -> dict[str, Any]:
        """How a container mounts a part of it; never the whole."""
        return {
            "name": VOLUME,
            "mountPath": str(place.target),
            "subPath": self.cluster.sub_path(self.layout, place.source),
            "readOnly": place.read_only,
        }


def of_server(mounts: Sequence[Mount], layout: DataDirectory) -> list[Place]:
    """What a server sees, outermost first."""
    seen = [
        Place(each.root / each.path, PurePosixPath(HOME) / each.target, each.access is Access.RO)
        for each in mounts
    ]
    if (source := quickstart.source(layout)).exists():
        seen.append(Place(source, PurePosixPath(quickstart.TARGET), True))
    return seen


def of_first(mounts: Sequence[Mount], request: Request) -> list[Place]:
    """What the first container sees, each at the name it has here: all that it may touch.

    Only what lies directly in a folder of ours is mounted: a link that a person puts in the place
    of a folder further down would be followed, up to the claim's own root.
    """
    home = Path(request.root)
    writable = {_top(home, home.parent): True}
    for each in mounts:
        source = _top(each.root / each.path, each.root)
        writable[source] = writable.get(source, False) or each.access is Access.RW
    places = [Place(each, PurePosixPath(each), not rw) for each, rw in writable.items()]
    bundles = Path(request.bundle).parent
    return [*places, Place(bundles, PurePosixPath(bundles), read_only=True)]


def _top(source: Path, root: Path) -> Path:
    """The part of a source that only we can rename."""
    parts = source.relative_to(root).parts
    return root / parts[0] if parts else root


def first_container(
    mounts: Sequence[Mount], request: Request, owner: Owner, data: Data
) -> dict[str, Any]:
    """The container that brings the project to its commit and makes the places of mounts."""
    spec = {
        "sync": call.arguments(request),
        "mounts": [[str(m.root), str(m.path), str(m.target), str(m.access)] for m in mounts],
    }
    return {
        "name": FIRST,
        "image": data.cluster.image,
        "imagePullPolicy": data.cluster.pull_policy,
        "command": ["python3", "-P", "-m", f"{__package__}.first", json.dumps(spec)],
        "workingDir": "/",
        "env": [{"name": "HOME", "value": "/tmp"}],
        "securityContext": {**restricted(), **as_owner(owner)},
        "resources": {"limits": _FIRST_LIMITS, "requests": _FIRST_REQUESTS},
        "volumeMounts": [data.mount(place) for place in of_first(mounts, request)],
    }


def restricted() -> dict[str, Any]:
    """What Pod Security's level `restricted` asks of a container."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def as_owner(owner: Owner) -> dict[str, int]:
    """As whom a container runs."""
    fields = {"runAsUser": owner.uid, "runAsGroup": owner.gid}
    return {name: number for name, number in fields.items() if number is not None}


def ended(pod: Mapping[str, Any] | None, container: str) -> Mapping[str, Any] | None:
    """How a container of a pod ended (`exitCode`, `message`, `reason`); `None` if it has not."""
    status = (pod or {}).get("status") or {}
    both = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    for each in both:
        if each["name"] == container:
            terminated: Mapping[str, Any] | None = (each.get("state") or {}).get("terminated")
            return terminated
    return None
