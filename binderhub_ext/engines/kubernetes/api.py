"""The cluster's API, as far as builds need it: plain values in, plain values out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from kubernetes_asyncio import config
from kubernetes_asyncio.client import (
    ApiClient,
    ApiException,
    AppsV1Api,
    BatchV1Api,
    CoreV1Api,
    CustomObjectsApi,
)

from ...programs import LINE_LENGTH
from . import labels

_NOT_THERE, _THERE = 404, 409
_NOT_MEASURED = (403, 404, 503)
_SILENCE = 3600


class Api:
    """One connection to the API server, in one namespace.

    Args:
        client: of kubernetes_asyncio.
    """

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self._client, self._namespace = client, namespace
        self._core, self._batch = CoreV1Api(client), BatchV1Api(client)
        self._apps = AppsV1Api(client)

    def _plain(self, thing: Any) -> Any:
        return self._client.sanitize_for_serialization(thing)

    async def job(self, name: str) -> dict[str, Any] | None:
        """A Job; `None` if there is none of that name, or it is being removed."""
        with _unless(_NOT_THERE):
            job = self._plain(await self._batch.read_namespaced_job(name, self._namespace))
            return None if job["metadata"].get("deletionTimestamp") else dict(job)
        return None

    async def create_job(self, manifest: Any) -> bool:
        """Make a Job; returns whether it was this call that made it."""
        with _unless(_THERE):
            await self._batch.create_namespaced_job(self._namespace, manifest)
            return True
        return False

    async def delete_job(self, name: str) -> None:
        """Remove a Job with its pods, and wait until all of it is gone. Safe to repeat."""
        with _unless(_NOT_THERE):
            await self._batch.delete_namespaced_job(
                name, self._namespace, propagation_policy="Foreground"
            )
            while await self.pods_of(name) or await self._is_there(name):  # noqa: ASYNC110 - polled
                await asyncio.sleep(0.2)

    async def _is_there(self, name: str) -> bool:
        with _unless(_NOT_THERE):
            await self._batch.read_namespaced_job(name, self._namespace)
            return True
        return False

    async def jobs(self, hub: str) -> list[dict[str, Any]]:
        """All builds of a hub."""
        mine = labels.selector({"component": labels.BUILD["component"], labels.HUB: hub})
        listed = await self._batch.list_namespaced_job(self._namespace, label_selector=mine)
        return [dict(self._plain(each)) for each in listed.items]

    async def daemon_set(self, name: str) -> dict[str, Any] | None:
        """A DaemonSet; `None` if there is none of that name."""
        with _unless(_NOT_THERE):
            return dict(
                self._plain(await self._apps.read_namespaced_daemon_set(name, self._namespace))
            )
        return None

    async def daemon_sets(self, hub: str) -> list[str]:
        """Names of all that has nodes pull images for a hub."""
        mine = labels.selector({"component": labels.PREPULL["component"], labels.HUB: hub})
        listed = await self._apps.list_namespaced_daemon_set(self._namespace, label_selector=mine)
        return [each.metadata.name for each in listed.items]

    async def create_daemon_set(self, manifest: Any) -> None:
        """Make a DaemonSet."""
        await self._apps.create_namespaced_daemon_set(self._namespace, manifest)

    async def delete_daemon_set(self, name: str) -> None:
        """Remove a DaemonSet; its pods follow, which nobody waits for, as a node may be gone."""
        with _unless(_NOT_THERE):
            await self._apps.delete_namespaced_daemon_set(
                name, self._namespace, propagation_policy="Background"
            )

    async def pods_of(self, job: str) -> list[dict[str, Any]]:
        """The pods of a Job, the newest last."""
        return await self.pods({"batch.kubernetes.io/job-name": job})

    async def pods(self, marks: dict[str, str]) -> list[dict[str, Any]]:
        """Pods with these labels, the newest last."""
        listed = await self._core.list_namespaced_pod(
            self._namespace, label_selector=labels.selector(marks)
        )
        pods = [dict(self._plain(each)) for each in listed.items]
        return sorted(pods, key=lambda each: str(each["metadata"]["creationTimestamp"]))

    async def metrics(self, marks: dict[str, str]) -> list[dict[str, Any]]:
        """What pods with these labels use; nothing where the cluster does not measure it."""
        asked = "metrics.k8s.io", "v1beta1", self._namespace, "pods"
        try:
            listed: Any = await CustomObjectsApi(self._client).list_namespaced_custom_object(
                *asked, label_selector=labels.selector(marks)
            )
        except ApiException as error:
            if error.status not in _NOT_MEASURED:
                raise
            return []
        return list(listed.get("items") or ())

    async def events_of(self, about: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What the cluster says of a pod, a Job or a DaemonSet, in its order.

        Args:
            about: its metadata; what was said of an earlier one of its name is left out.
        """
        which = f"involvedObject.name={about['name']},involvedObject.uid={about['uid']}"
        listed = await self._core.list_namespaced_event(self._namespace, field_selector=which)
        events = [dict(self._plain(each)) for each in listed.items]
        return sorted(events, key=lambda e: str(e.get("lastTimestamp") or e.get("eventTime")))

    async def log(self, pod: str, container: str) -> AsyncIterator[bytes]:
        """The lines of a container's log, as they come, until it ends."""
        response: Any = await self._core.read_namespaced_pod_log(
            pod,
            self._namespace,
            container=container,
            follow=True,
            _preload_content=False,
            _request_timeout=_SILENCE,
        )
        try:
            response.raise_for_status()
            rest = b""
            async for chunk in response.content.iter_any():
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line
                # A line without end must not grow: what is over the length is not shown anyway.
                rest = rest[: LINE_LENGTH * 4]
            if rest:
                yield rest
        finally:
            response.close()

    async def claim(self, name: str) -> dict[str, Any] | None:
        """A claim; `None` if there is none of that name."""
        with _unless(_NOT_THERE):
            claim = await self._core.read_namespaced_persistent_volume_claim(name, self._namespace)
            return dict(self._plain(claim))
        return None


@contextmanager
def _unless(status: int) -> Iterator[None]:
    """Pass over an answer that says this and no more."""
    try:
        yield
    except ApiException as error:
        if error.status != status:
            raise


@asynccontextmanager
async def connected(namespace: str) -> AsyncIterator[Api]:
    """The API server, as the account of this pod, or outside of a cluster as `KUBECONFIG` says.

    Raises:
        config.ConfigException: nothing says where it is.
    """
    try:
        config.load_incluster_config()
    except config.ConfigException:
        await config.load_kube_config(os.environ.get("KUBECONFIG"))
    async with ApiClient() as client:
        yield Api(client, namespace)
