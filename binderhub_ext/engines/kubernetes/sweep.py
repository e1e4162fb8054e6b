"""Remove what servers left that no Hub knows of.

Pods carry the hub they belong to, so that hubs in one namespace leave each other alone.
"""

from __future__ import annotations

from typing import Any

from ...core.layout import DataDirectory
from ..rundir import lost
from . import labels
from .cluster import Cluster
from .rundir import RunDirectory, folder


async def sweep(api: Any, cluster: Cluster, layout: DataDirectory) -> list[str]:
    """Call it before a Hub starts any server.

    A server is left alone if a Hub has stored it, since that Hub finds it again.

    Args:
        api: Kubernetes' client.

    Returns:
        The names of what was removed.
    """
    mine = labels.selector({labels.HUB: cluster.hub, "component": "singleuser-server"})
    listed = await api.list_namespaced_pod(cluster.namespace, label_selector=mine)
    pods = {each.metadata.labels.get(labels.RUN, ""): each.metadata.name for each in listed.items}
    root = folder(layout)
    names = lost(root, pods)
    for name in names:
        if name in pods:
            await api.delete_namespaced_pod(pods[name], cluster.namespace, grace_period_seconds=0)
        await RunDirectory(root / name).remove()
    return names
