"""The Job of a build: its name and its manifest. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from . import labels
from .daemon import BuildDaemon
from .places import CERTIFICATES, ORDER, PULLING, PUSHED, RESULT, STORE, TRUSTED, folder
from .pods import ClaimMount, DataClaim, as_is, restricted
from .push import CREDENTIALS

BUILD, PUSH = "build", "push"
"""Names of its pod's containers, in their order."""

_RESULT, _STORE = "result", "store"
_SECRET, _PULLING, _CERTIFICATES = "credentials", "pulling", "certificates"
_PUSHING = {"name": _SECRET, "mountPath": str(CREDENTIALS.parent), "readOnly": True}
_NOBODY = 1000
_HOME = "/tmp"
_KNOWN = f"{_HOME}/.local/share/containers/cache"
"""Where skopeo notes which layers it pushed, and how it compressed them."""

_KEPT = 600
"""Seconds for which an ended Job stays, so that a service that was away finds it."""

_GRACE = 120
"""Seconds the cluster leaves a build beyond its time: the service ends it before, with words."""


@dataclass(frozen=True)
class BuildOptions:
    """What a build may have.

    Attributes:
        seconds: it may take.
        memory: bytes.
        cpu: processors.
        disk: bytes of its node's disk; 0 for no limit of ours.
        environment: variables it gets.
        node_selector: labels of nodes it may run on.
        tolerations: of nodes' taints.
        cache_claim: claim on which layers are kept; empty for none.
        push_secret: Secret with which it is pushed; empty for none.
        pull_secret: Secret with which images it begins from are pulled; empty for none.
        priority: name of a PriorityClass; empty for none.
        daemon: BuildKit daemon that builds; otherwise the Job does, with buildah.
    """

    seconds: float
    memory: int
    cpu: float
    disk: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, Any]] = ()
    cache_claim: str = ""
    push_secret: str = ""
    pull_secret: str = ""
    priority: str = ""
    daemon: BuildDaemon | None = None


def name_of(hub: str, key: str) -> str:
    """The name of an environment's Job: two builds of one key are one."""
    return f"binder-build-{hub[:6]}-{key}"


def requests(options: BuildOptions) -> dict[str, float]:
    """What a node keeps for a build; it may take more if there is more."""
    if options.daemon:
        return {"memory": 256 << 20, "cpu": 0.05}
    return {"memory": options.memory // 4, "cpu": round(options.cpu / 10, 3)}


def manifest(key: str, image: str, data: DataClaim, options: BuildOptions) -> dict[str, Any]:
    """The Job that builds an environment and pushes its image."""
    cluster = data.cluster
    marks = {**labels.BUILD, labels.HUB: cluster.hub, labels.KEY: key}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name_of(cluster.hub, key), "labels": marks},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": round(options.seconds) + _GRACE,
            "ttlSecondsAfterFinished": _KEPT,
            # A build that its node had to give up begins anew elsewhere; it has done no harm.
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "Ignore",
                        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                    }
                ]
            },
            "template": {
                "metadata": {"labels": marks},
                "spec": _pod_spec(key, image, data, options),
            },
        },
    }


def _pod_spec(key: str, image: str, data: DataClaim, options: BuildOptions) -> dict[str, Any]:
    secrets = [{"name": name} for name in data.cluster.pull_secrets]
    optional = {
        "priorityClassName": options.priority,
        "nodeSelector": dict(options.node_selector),
        "tolerations": [dict(each) for each in options.tolerations],
        "imagePullSecrets": secrets,
    }
    return {
        **{name: value for name, value in optional.items() if value},
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "initContainers": [(_write if options.daemon else _build)(key, data, options)],
        "containers": [(_ask if options.daemon else _push)(key, image, data, options)],
        "volumes": _volumes(data, options),
    }


def _build(key: str, data: DataClaim, options: BuildOptions) -> dict[str, Any]:
    """The container in which a repository's own commands run: it has nothing that is secret."""
    mounts = [
        _given(key, data),
        {"name": _STORE, "mountPath": str(STORE)},
        {"name": _RESULT, "mountPath": str(RESULT)},
    ]
    variables = dict(options.environment)
    if options.pull_secret:
        mounts.append({"name": _PULLING, "mountPath": str(PULLING), "readOnly": True})
        variables["REGISTRY_AUTH_FILE"] = str(PULLING / "config.json")
    limits: dict[str, Any] = {"memory": options.memory, "cpu": options.cpu}
    if options.disk:
        limits["ephemeral-storage"] = options.disk
    return {
        **_ours(BUILD, data, ["worker"]),
        "env": [{"name": name, "value": value} for name, value in sorted(variables.items())],
        # Root in the container, with the usual capabilities but for that to pretend to be another
        # pod, makes a namespace of its own there; the seccomp profile of most runtimes would
        # forbid that.
        "securityContext": {
            "runAsUser": 0,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["NET_RAW"]},
        },
        "resources": {
            "limits": {name: amount for name, amount in limits.items() if amount},
            "requests": {name: amount for name, amount in requests(options).items() if amount},
        },
        "volumeMounts": mounts,
    }


def _push(key: str, image: str, data: DataClaim, options: BuildOptions) -> dict[str, Any]:
    bundle = folder(data.layout, key) / "trusted"
    trusted = ClaimMount(bundle, PurePosixPath(TRUSTED), read_only=True)
    mounts = [{"name": _RESULT, "mountPath": str(RESULT), "readOnly": True}, data.mount(trusted)]
    if options.push_secret:
        mounts.append(_PUSHING)
    if options.cache_claim:
        mounts.append({"name": _STORE, "mountPath": _KNOWN, "subPath": PUSHED})
    return _modest(PUSH, data, ["push", image, *_insecure(data)], mounts)


def _write(key: str, data: DataClaim, options: BuildOptions) -> dict[str, Any]:
    """The container that reads what a repository wrote, for a daemon: it has nothing secret."""
    mounts = [_given(key, data), {"name": _RESULT, "mountPath": str(RESULT)}]
    return _modest(BUILD, data, ["writer"], mounts)


def _ask(key: str, image: str, data: DataClaim, options: BuildOptions) -> dict[str, Any]:
    """The container that has a daemon build, and pushes: nothing of a repository runs in it."""
    assert options.daemon
    mounts = [_given(key, data), {"name": _RESULT, "mountPath": str(RESULT)}]
    for name, place in ((_PULLING, PULLING), (_CERTIFICATES, CERTIFICATES)):
        if _secrets(options)[name]:
            mounts.append({"name": name, "mountPath": str(place), "readOnly": True})
    if options.push_secret:
        mounts.append(_PUSHING)
    words = ["remote", image, options.daemon.address, key, *_insecure(data)]
    container = _modest(PUSH, data, words, mounts)
    if options.disk:
        # The whole image comes through here.
        container["resources"]["limits"]["ephemeral-storage"] = options.disk
    return container


def _given(key: str, data: DataClaim) -> dict[str, Any]:
    """How a container mounts what its build is given."""
    given = ClaimMount(folder(data.layout, key), PurePosixPath(ORDER), read_only=True)
    return data.mount(given)


def _insecure(data: DataClaim) -> list[str]:
    return ["insecure"] if data.cluster.insecure_registry else []


def _modest(
    name: str, data: DataClaim, arguments: Sequence[str], mounts: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A container in which nothing of a repository runs, without any rights."""
    return {
        **_ours(name, data, arguments),
        "env": [{"name": "HOME", "value": _HOME}],
        "securityContext": {**restricted(), "runAsUser": _NOBODY, "runAsGroup": _NOBODY},
        "resources": {
            "limits": {"memory": "1Gi", "cpu": "2"},
            "requests": {"memory": "128Mi", "cpu": "50m"},
        },
        "volumeMounts": [*mounts],
    }


def _ours(name: str, data: DataClaim, arguments: Sequence[str]) -> dict[str, Any]:
    program, *rest = arguments
    return {
        "name": name,
        "image": data.cluster.image,
        "imagePullPolicy": data.cluster.pull_policy,
        "command": ["python3", "-P", "-m", f"{__package__}.{program}", *map(as_is, rest)],
        "workingDir": "/",
    }


def _volumes(data: DataClaim, options: BuildOptions) -> list[dict[str, Any]]:
    kept: dict[str, Any] = {"emptyDir": {}}
    if options.cache_claim:
        kept = {"persistentVolumeClaim": {"claimName": options.cache_claim}}
    stores = [] if options.daemon else [{"name": _STORE, **kept}]
    given = [
        {"name": name, "secret": secret} for name, secret in _secrets(options).items() if secret
    ]
    return [data.volume, *stores, {"name": _RESULT, "emptyDir": {}}, *given]


def _secrets(options: BuildOptions) -> dict[str, dict[str, Any]]:
    """What volumes have of Secrets, by name; nothing where none is set."""
    certificates = options.daemon.secret if options.daemon else ""
    # Under the name that every client of registries knows.
    items = [{"key": ".dockerconfigjson", "path": "config.json"}]
    return {
        _SECRET: {"secretName": options.push_secret} if options.push_secret else {},
        _PULLING: (
            {"secretName": options.pull_secret, "items": items} if options.pull_secret else {}
        ),
        _CERTIFICATES: {"secretName": certificates} if certificates else {},
    }
