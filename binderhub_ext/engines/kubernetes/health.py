"""What the `kubernetes` engine needs of its cluster, as `doctor` and the health page show it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

from kubernetes_asyncio.client import ApiException

from ...core.errors import BinderError
from ..base import Check, EngineDown
from ..checks import git
from .api import Api
from .cluster import Cluster
from .daemon import BuildDaemon
from .registry import Registry

_MANY = {"ReadWriteMany"}
_PATIENCE = 5
"""Seconds for a daemon to take a connection."""


async def checks(
    cluster: Cluster,
    daemon: BuildDaemon | None,
    connected: AbstractAsyncContextManager[Api],
) -> list[Check]:
    """Everything building and running in a cluster needs.

    Args:
        daemon: that builds, if one does.
        connected: its API server; raises `EngineDown` where that does not answer.
    """
    checks = [_settings(cluster), git(), *([await _daemon(daemon)] if daemon else ())]
    try:
        async with connected as api:
            return [*checks, *await _cluster(cluster, api), await _registry(cluster)]
    except EngineDown as error:
        fix = "Set KUBECONFIG to where a cluster is described, or run the hub in one."
        return [*checks, Check("cluster", False, error.detail or error.message, fix)]


def _settings(cluster: Cluster) -> Check:
    lacks = [name for name in ("repository", "image", "data_claim") if not getattr(cluster, name)]
    fix = ", ".join(f"c.Cluster.{name} = …" for name in lacks)
    message = "not all is set" if lacks else f"images are kept in {cluster.repository}"
    return Check("settings", not lacks, message, f"Set {fix}." if fix else "")


async def _cluster(cluster: Cluster, api: Api) -> list[Check]:
    running = await api.jobs(cluster.hub)
    answers = f"answers; namespace {cluster.namespace}, {len(running)} builds at the moment"
    checks = [Check("cluster", True, answers), await _claim(cluster.data_claim, api)]
    return [*checks, await _prepull(cluster.hub, api)]


async def _prepull(hub: str, api: Api) -> Check:
    what = "images on nodes before people come"
    try:
        at_work = len(await api.daemon_sets(hub))
    except ApiException as error:
        message = f"nodes cannot be told to pull: {error.reason}"
        fix = "Give the service's account get, list, create and delete on daemonsets (apps)."
        return Check(what, False, message, fix, required=False)
    return Check(what, True, f"nodes can be told to pull; {at_work} at the moment")


async def _claim(name: str, api: Api) -> Check:
    what = "claim of the data directory"
    try:
        claim = await api.claim(name) if name else None
    except ApiException as error:
        message = f"{name} was not looked at: {error.reason}"
        return Check(what, True, message, required=False)
    if claim is None:
        fix = f"Make a claim {name or '(see c.Cluster.data_claim)'} in the namespace."
        return Check(what, False, "there is none", fix)
    phase = str((claim.get("status") or {}).get("phase"))
    if phase != "Bound":
        fix = f"See why: kubectl describe pvc {name}. Often there is no default StorageClass."
        return Check(what, False, f"{name} is {phase}", fix)
    if not _MANY & set(claim["spec"].get("accessModes") or ()):
        message = f"{name} is bound, and only one node can mount it"
        fix = "On a cluster of more than one node use a claim with ReadWriteMany."
        return Check(what, False, message, fix, required=False)
    return Check(what, True, f"{name} is bound, and all nodes can mount it")


async def _daemon(daemon: BuildDaemon) -> Check:
    what, where = "build daemon", daemon.address
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(*daemon.place)
    except OSError as error:
        fix = "See c.KubernetesBuilder.buildkit_address, and whether the daemon runs."
        return Check(what, False, f"{where} does not answer: {error or 'it takes too long'}", fix)
    writer.close()
    if not daemon.secret:
        fix = "Let it demand certificates, and set c.KubernetesBuilder.buildkit_secret."
        message = f"{where} answers, and whoever reaches it can use it"
        return Check(what, False, message, fix, required=False)
    return Check(what, True, f"{where} answers")


async def _registry(cluster: Cluster) -> Check:
    try:
        tags = await Registry(cluster).tags(cluster.repository)
    except BinderError as error:
        fix = "See c.Cluster.registry_credentials and c.Cluster.insecure_registry."
        return Check("registry", False, f"{error.message} {error.detail}", fix)
    return Check("registry", True, f"answers; {len(tags)} images of environments")
