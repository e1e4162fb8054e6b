"""What the `kubernetes` engine needs of its cluster, as `doctor` and the health page show it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from kubernetes_asyncio.client import ApiException

from ...core.errors import BinderError
from ...core.sentences import Sentence
from ..base import Check, EngineDown
from ..checks import git
from .api import Api
from .cluster import Cluster
from .registry import Registry

_MANY = {"ReadWriteMany"}
_SETTINGS, _CLUSTER = Sentence("settings"), Sentence("cluster")
_REGISTRY = Sentence("registry")


async def checks(cluster: Cluster, connected: AbstractAsyncContextManager[Api]) -> list[Check]:
    """Everything building and running in a cluster needs.

    Args:
        connected: its API server; raises `EngineDown` where that does not answer.
    """
    checks = [_settings(cluster), git()]
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
    return [Check(_CLUSTER, True, answers), await _claim(cluster.data_claim, api)]


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
