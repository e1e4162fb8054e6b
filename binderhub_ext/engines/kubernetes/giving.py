"""The Secret from which one start's pod gets its person's secrets.

It is made after its pod, which owns it from its first moment on: the cluster removes it with that
pod, whoever removes that, and at once if the pod is gone already. So the Hub's account may create
Secrets, and can neither read, list, change nor remove any.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from ...core.errors import LaunchFailed
from ...core.secretnames import Secret
from . import labels
from .sizes import SizedKubeSpawner

FOLDER = "/run/binder/secrets"
"""Where a server finds those that are files, in its node's memory."""

VOLUME = "binder-secrets"
_READABLE = 0o444
_NOT_ALLOWED = (401, 403)
_REFUSED = (
    "The cluster does not let this hub hand secrets to servers. Launch without them, and tell the"
    " administrator: rights and quotas have to let the Hub's account create Secrets in its"
    " namespace."
)


def new_name() -> str:
    """A name that no other start's Secret has."""
    return f"{labels.GIVEN}{token_hex(10)}"


def manifest(
    name: str, given: Sequence[Secret], pod: Mapping[str, str], marks: Mapping[str, str]
) -> dict[str, Any]:
    """The Secret of a start.

    Args:
        pod: `name` and `uid` of the pod that it goes with.
        marks: labels by which it is found.
    """
    owner = {"apiVersion": "v1", "kind": "Pod", **pod}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": dict(marks), "ownerReferences": [owner]},
        "immutable": True,
        "data": {each.name: b64encode(each.value.encode()).decode() for each in given},
    }


def refer(spec: Any, server: Any, name: str, given: Sequence[Secret]) -> None:
    """Have a server read its secrets from there; nothing that it has already is replaced.

    Args:
        spec: of its pod, changed in place.
        server: its container, changed in place.
        name: of the Secret.
    """
    files = [each.name for each in given if each.file]
    # Also without a file: a node waits until a volume is there, and so until the Secret is.
    place: dict[str, Any] = {"secretName": name, "defaultMode": _READABLE}
    if files:
        place["items"] = [{"key": each, "path": each} for each in files]
        mount = {"name": VOLUME, "mountPath": FOLDER, "readOnly": True}
        server.volume_mounts = [*(server.volume_mounts or ()), mount]
    spec.volumes = [*(spec.volumes or ()), {"name": VOLUME, "secret": place}]
    taken = {each.name for each in server.env or ()}
    ours = [_variable(each, name) for each in given if each.name not in taken]
    server.env = [*ours, *(server.env or ())]


def _variable(secret: Secret, name: str) -> dict[str, Any]:
    if secret.file:
        return {"name": secret.name, "value": f"{FOLDER}/{secret.name}"}
    source = {"secretKeyRef": {"name": name, "key": secret.name}}
    return {"name": secret.name, "valueFrom": source}


class GivingKubeSpawner(SizedKubeSpawner):
    """KubeSpawner that makes its pod's Secret once the pod is there."""

    if TYPE_CHECKING:
        api: Any
        k8s_api_request_retry_timeout: float
        secrets: tuple[Secret, ...]

        @property
        def marks(self) -> dict[str, str]:
            """Labels of what belongs to this server."""

    making_pod = False
    """Whether KubeSpawner asks for the pod; it stops one then that is in the way."""

    _secret_name = ""

    def refer_to_secrets(self, spec: Any, server: Any) -> None:
        """Have a pod's server read the secrets of this start."""
        if self.secrets:
            self._secret_name = new_name()
            refer(spec, server, self._secret_name, self.secrets)

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        self.making_pod = True
        try:
            made: bool = await super()._make_create_pod_request(pod, request_timeout)
        finally:
            self.making_pod = False
        if made and self.secrets:
            async with asyncio.timeout(self.k8s_api_request_retry_timeout):
                await self._make_secret(pod.metadata.name)
        return made

    async def _make_secret(self, pod: str) -> None:
        known = await self.api.read_namespaced_pod(pod, self.namespace)
        owner = {"name": pod, "uid": known.metadata.uid}
        secret = manifest(self._secret_name, self.secrets, owner, self.marks)
        # What comes back has the values again: it is neither read nor logged.
        response = await self.api.create_namespaced_secret(
            self.namespace, secret, _preload_content=False
        )
        async with response:
            if response.status in _NOT_ALLOWED:
                raise LaunchFailed(_REFUSED, detail=f"{response.status} {response.reason}")
            response.raise_for_status()
