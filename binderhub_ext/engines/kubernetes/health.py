"""What the `kubernetes` engine needs of its cluster, as `doctor` and the health page show it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

from kubernetes_asyncio.client import ApiException

from ...core.errors import BinderError
from ...core.sentences import Sentence
from ..base import Check, EngineDown
from ..checks import git
from .api import Api
from .cluster import Cluster
from .daemon import BuildDaemon
from .registry import Registry

_MANY = {"ReadWriteMany"}
_SETTINGS, _CLUSTER = Sentence("settings"), Sentence("cluster")
_REGISTRY, _DAEMON = Sentence("registry"), Sentence("build daemon")
_PREPULL = Sentence("images on nodes before people come")
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
        said = Sentence.verbatim(error.detail) if error.detail else error.message
        fix = Sentence("Set KUBECONFIG to where a cluster is described, or run the hub in one.")
        return [*checks, Check(_CLUSTER, False, said, fix)]


def _settings(cluster: Cluster) -> Check:
    lacks = [name for name in ("repository", "image", "data_claim") if not getattr(cluster, name)]
    settings = ", ".join(f"c.Cluster.{name} = …" for name in lacks)
    if lacks:
        fix = Sentence("Set {settings}.", settings=settings)
        return Check(_SETTINGS, False, Sentence("Not all is set."), fix)
    kept = Sentence("images are kept in {repository}", repository=cluster.repository)
    return Check(_SETTINGS, True, kept)


async def _cluster(cluster: Cluster, api: Api) -> list[Check]:
    running = await api.jobs(cluster.hub)
    answers = Sentence.counted(
        "answers; namespace {namespace}, {count} build at the moment",
        "answers; namespace {namespace}, {count} builds at the moment",
        count=len(running),
        namespace=cluster.namespace,
    )
    checks = [Check(_CLUSTER, True, answers), await _claim(cluster.data_claim, api)]
    return [*checks, await _prepull(cluster.hub, api)]


async def _prepull(hub: str, api: Api) -> Check:
    try:
        at_work = len(await api.daemon_sets(hub))
    except ApiException as error:
        message = Sentence("Nodes cannot be told to pull: {why}", why=error.reason)
        fix = Sentence(
            "Give the service's account get, list, create and delete on daemonsets (apps)."
        )
        return Check(_PREPULL, False, message, fix, required=False)
    told = Sentence("nodes can be told to pull; {count} at the moment", count=at_work)
    return Check(_PREPULL, True, told)


async def _claim(name: str, api: Api) -> Check:
    what = Sentence("claim of the data directory")
    try:
        claim = await api.claim(name) if name else None
    except ApiException as error:
        message = Sentence("{name} was not looked at: {why}", name=name, why=error.reason)
        return Check(what, True, message, required=False)
    if claim is None:
        named = Sentence("Make a claim {name} in the namespace.", name=name)
        fix = named if name else Sentence("Set c.Cluster.data_claim.")
        return Check(what, False, Sentence("There is none."), fix)
    phase = str((claim.get("status") or {}).get("phase"))
    if phase != "Bound":
        command = f"kubectl describe pvc {name}"
        fix = Sentence(
            "See why: {command}. Often there is no default StorageClass.", command=command
        )
        return Check(what, False, Sentence("{name} is {phase}", name=name, phase=phase), fix)
    if not _MANY & set(claim["spec"].get("accessModes") or ()):
        message = Sentence("{name} is bound, and only one node can mount it.", name=name)
        fix = Sentence("On a cluster of more than one node use a claim with ReadWriteMany.")
        return Check(what, False, message, fix, required=False)
    bound = Sentence("{name} is bound, and all nodes can mount it.", name=name)
    return Check(what, True, bound)


async def _daemon(daemon: BuildDaemon) -> Check:
    where = daemon.address
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(*daemon.place)
    except OSError as error:
        fix = Sentence("See c.KubernetesBuilder.buildkit_address, and whether the daemon runs.")
        why = str(error) or type(error).__name__
        message = Sentence("{address} does not answer: {why}", address=where, why=why)
        return Check(_DAEMON, False, message, fix)
    writer.close()
    if not daemon.secret:
        fix = Sentence("Let it demand certificates, and set c.KubernetesBuilder.buildkit_secret.")
        message = Sentence("{address} answers, and whoever reaches it can use it.", address=where)
        return Check(_DAEMON, False, message, fix, required=False)
    return Check(_DAEMON, True, Sentence("{address} answers", address=where))


async def _registry(cluster: Cluster) -> Check:
    try:
        tags = await Registry(cluster).tags(cluster.repository)
    except BinderError as error:
        said = Sentence("{what} {said}", what=error.message, said=error.detail)
        fix = Sentence("See c.Cluster.registry_credentials and c.Cluster.insecure_registry.")
        return Check(_REGISTRY, False, said if error.detail else error.message, fix)
    answers = Sentence.counted(
        "answers; {count} image of environments",
        "answers; {count} images of environments",
        count=len(tags),
    )
    return Check(_REGISTRY, True, answers)
