"""A server's pod: what we add to the manifest that KubeSpawner makes. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from escapism import safe_slug

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
class ClaimMount:
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
class DataClaim:
    """The data directory and where it is in the cluster."""

    layout: DataDirectory
    cluster: Cluster

    @property
    def volume(self) -> dict[str, Any]:
        """What a pod needs to mount parts of it."""
        return {"name": VOLUME, "persistentVolumeClaim": {"claimName": self.cluster.data_claim}}

    def mount(self, place: ClaimMount) -> dict[str, Any]:
        """How a container mounts a part of it; never the whole."""
        return {
            "name": VOLUME,
            "mountPath": str(place.target),
            "subPath": self.cluster.sub_path(self.layout, place.source),
            "readOnly": place.read_only,
        }


def of_server(mounts: Sequence[Mount], layout: DataDirectory) -> list[ClaimMount]:
    """What a server sees, outermost first."""
    seen = [
        ClaimMount(
            each.root / each.path, PurePosixPath(HOME) / each.target, each.access is Access.RO
        )
        for each in mounts
    ]
    if (source := quickstart.source(layout)).exists():
        seen.append(ClaimMount(source, PurePosixPath(quickstart.TARGET), True))
    return seen


def inside_projects(mounts: Sequence[Mount], requests: Sequence[Request]) -> list[Mount]:
    """What appears inside of projects' folders: its place is made once these are there."""
    projects = {PurePosixPath(request.into) for request in requests}
    return [mount for mount in mounts if projects & set(mount.target.parents)]


def first_container(
    mounts: Sequence[Mount], requests: Sequence[Request], owner: Owner, data: DataClaim
) -> dict[str, Any]:
    """The container that brings projects to their commits and makes the places inside of them.

    It sees the home, whose name only we can change, and the fetched files, each at the name it has
    here; nothing else.
    """
    home = Path(requests[0].root)
    fetched = dict.fromkeys(Path(request.bundle).parent for request in requests)
    seen = [
        ClaimMount(home, PurePosixPath(home)),
        *(ClaimMount(folder, PurePosixPath(folder), read_only=True) for folder in fetched),
    ]
    inside = inside_projects(mounts, requests)
    spec = {
        "syncs": [call.arguments(request) for request in requests],
        "root": str(home),
        "projects": [request.into for request in requests],
        "places": [str(mount.target) for mount in inside],
        "empty": [str(mount.target) for mount in inside if mount.on_empty],
    }
    return {
        "name": FIRST,
        "image": data.cluster.image,
        "imagePullPolicy": data.cluster.pull_policy,
        "command": ["python3", "-P", "-m", f"{__package__}.first", as_is(json.dumps(spec))],
        "workingDir": "/",
        "env": [{"name": "HOME", "value": "/tmp"}],
        "securityContext": {**restricted(), **as_owner(owner)},
        "resources": {"limits": _FIRST_LIMITS, "requests": _FIRST_REQUESTS},
        "volumeMounts": [data.mount(place) for place in seen],
    }


def as_is(text: str) -> str:
    """Text as a pod has to have it in a command or variable so that it stays what it is.

    The cluster puts a variable's value in the place of `$(NAME)`, such as the server's token, and
    one `$` in that of two.
    """
    return text.replace("$", "$$")


def pod_name(user: str, run: str) -> str:
    """The name of a server's pod, of at most 63 letters; nobody else's server comes by it.

    KubeSpawner's own tells servers apart by 32 bits, and who has a pod of the same name ends it, or
    gets it shown at their address.

    Args:
        run: name of the server's run directory.
    """
    return f"jupyter-{safe_slug(user, max_length=30)}-{run}"


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
