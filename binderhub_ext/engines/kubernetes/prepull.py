"""What has every node pull an image on which servers may run: a DaemonSet for as long. Pure.

The cluster's own controller knows the nodes, so that we need no right to see them: it makes one pod
on each that fits, also on those that come meanwhile, asks no autoscaler for more, and says how
many there are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from . import labels
from .cluster import Cluster
from .images import at_nodes
from .placement import Placement
from .pods import restricted

OURS, ENVIRONMENT = "hub", "environment"
"""Names of its pods' first containers, in their order; a server's pod needs both images."""

_NOBODY = 1000
_LIMITS = {"cpu": "100m", "memory": "64Mi"}
_NOTHING = {"cpu": "0", "memory": "0"}
_DIGITS = 16


def name_of(hub: str, image: str, placement: Placement) -> str:
    """The name of what pulls an image onto some nodes: twice the same is one."""
    what = sha256(json.dumps([image, placement.spec], sort_keys=True).encode()).hexdigest()
    return f"binder-pull-{hub[:6]}-{what[:_DIGITS]}"


def marks_of(hub: str, name: str) -> dict[str, str]:
    """The labels of its pods."""
    return {**labels.PREPULL, labels.HUB: hub, labels.PULLED: name.rpartition("-")[2]}


def manifest(image: str, placement: Placement, cluster: Cluster) -> dict[str, Any]:
    """The DaemonSet that pulls an image; the end of the service's pod is its end too.

    Args:
        image: by the name that servers are started with, or their nodes would ask again.
    """
    name = name_of(cluster.hub, image, placement)
    marks = marks_of(cluster.hub, name)
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "labels": marks, "ownerReferences": cluster.own_pod},
        "spec": {
            "selector": {"matchLabels": marks},
            "template": {
                "metadata": {"labels": marks},
                "spec": _pod_spec(image, placement, cluster),
            },
        },
    }


def _pod_spec(image: str, placement: Placement, cluster: Cluster) -> dict[str, Any]:
    ours = {"image": cluster.image, "imagePullPolicy": cluster.pull_policy}
    theirs = {"image": at_nodes(cluster, image), "imagePullPolicy": "IfNotPresent"}
    secrets = [{"name": name} for name in cluster.pull_secrets]
    return {
        **placement.spec,
        **({"imagePullSecrets": secrets} if secrets else {}),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "initContainers": [
            _container(OURS, ours, "true"),
            # Whether it runs is all the same: what counts is that it is there.
            _container(ENVIRONMENT, theirs, "/bin/sh", "-c", "exit 0"),
        ],
        "containers": [_container("done", ours, "sleep", "infinity")],
    }


def _container(name: str, image: Mapping[str, str], *command: str) -> dict[str, Any]:
    """One that keeps nothing from anybody: it asks for nothing, and so makes nobody give way."""
    context = {"runAsUser": _NOBODY, "runAsGroup": _NOBODY, "readOnlyRootFilesystem": True}
    return {
        "name": name,
        **image,
        "command": list(command),
        "workingDir": "/",
        "securityContext": {**restricted(), **context},
        "resources": {"limits": dict(_LIMITS), "requests": dict(_NOTHING)},
    }
