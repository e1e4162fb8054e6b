"""Nodes of a real cluster pull an image before anybody comes, and nothing stays but that."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from dockersources import build, make_source
from kubehub import Namespace
from kubesettings import builder_config
from patience import SOON

from binderhub_ext.core.progress import Event, unheard
from binderhub_ext.engines.base import Image
from binderhub_ext.engines.kubernetes import labels, prepulling
from binderhub_ext.engines.kubernetes.build import KubernetesBuilder
from binderhub_ext.engines.kubernetes.placement import Placement
from binderhub_ext.engines.kubernetes.prepull import ENVIRONMENT, manifest, name_of

PULLING = f"--selector=component={labels.PREPULL['component']}"
NOWHERE = {"node_selector": {"pool": "nowhere"}}
MISSING = "0" * 32


@pytest.fixture
def image(kube_image: str) -> Image:
    return Image(kube_image, kube_image.rpartition(":")[2])


def builder_of(namespace: Namespace, **others: Any) -> KubernetesBuilder:
    """A builder that knows of the spawner's settings, or has others of its own."""
    config = builder_config(namespace, **others.pop("KubernetesBuilder", {}))
    config.update(others)
    return KubernetesBuilder(config=config, data_dir=str(namespace.data))


def missing(image: Image) -> Image:
    return Image(f"{image.name.rpartition(':')[0]}:{MISSING}", MISSING)


def until_nothing_is_left(namespace: Namespace) -> None:
    deadline = time.monotonic() + SOON
    while namespace.json("daemonsets,pods", PULLING)["items"]:
        assert time.monotonic() < deadline, "what pulled is still there"
        time.sleep(0.3)


@asynccontextmanager
async def under_way(
    builder: KubernetesBuilder, image: Image, namespace: Namespace
) -> AsyncIterator[asyncio.Task[Any]]:
    """Nodes that pull, to be cancelled: there is a pod on one of them."""
    pulling = asyncio.create_task(builder.prepull(image, "", unheard))
    while not namespace.json("pods", PULLING)["items"]:
        await asyncio.sleep(0.2)
        assert not pulling.done()
    yield pulling
    pulling.cancel()
    await asyncio.gather(pulling, return_exceptions=True)


async def test_every_node_pulls_it_and_says_so(
    kube_namespace: Namespace, kube_builder: KubernetesBuilder, tmp_path: Path
) -> None:
    """What no node has yet: made just now, by a build of which its node keeps nothing."""
    mark = f"{os.getpid()}-{time.time()}"
    source = make_source(tmp_path / "repo", {"postBuild": f"#!/bin/sh\necho {mark} >~/mark\n"})
    image = (await build(kube_builder, source)).image
    events: list[Event] = []
    async with under_way(kube_builder, missing(image), kube_namespace):
        # another one is in nobody's way
        words = await kube_builder.prepull(image, "", events.append)
    assert words == "It is on the one node on which such servers may run."
    assert [event.message for event in events][-1] == "The image is on 1 of 1 nodes."
    assert (events[-1].data["pulled"], events[-1].data["nodes"]) == (1, 1)
    until_nothing_is_left(kube_namespace)
    # what has to be there already, runs
    options = (f"--image={image.name}", "--image-pull-policy=Never", "--restart=Never")
    kube_namespace.kubectl("run", "there", *options, "--command", "--", "true")
    done = ("--for=jsonpath={.status.phase}=Succeeded", "pod/there", "--timeout=4m")
    kube_namespace.kubectl("wait", *done)
    kube_namespace.kubectl("delete", "pod", "there", "--now")


async def test_no_node_on_which_such_servers_run(kube_namespace: Namespace, image: Image) -> None:
    """Of those of a size; of others there is one."""
    builder = builder_of(kube_namespace, BinderKubeSpawner={"sizes": {"gpu": NOWHERE}})
    assert "No node is there at the moment" in await builder.prepull(image, "gpu", unheard)
    assert "on the one node" in await builder.prepull(image, "", unheard)


async def test_what_cannot_be_pulled_is_said(
    kube_namespace: Namespace, kube_builder: KubernetesBuilder, image: Image
) -> None:
    events: list[Event] = []
    words = await kube_builder.prepull(missing(image), "", events.append)
    assert words.startswith("It is on 0 of 1 nodes")
    (attention,) = [event.data["attention"] for event in events if "attention" in event.data]
    assert "There is no image" in attention
    until_nothing_is_left(kube_namespace)


async def test_it_has_an_end(kube_namespace: Namespace, image: Image) -> None:
    quick = builder_of(kube_namespace, KubernetesBuilder={"prepull_timeout": 0.001})
    words = await quick.prepull(image, "", unheard)
    assert "The cluster did not say" in words or "It is on 0 of 1 nodes" in words, "no time at all"
    never = builder_of(kube_namespace, KubernetesBuilder={"prepull_timeout": 0})
    assert "It is in the registry" in await never.prepull(image, "", unheard)
    until_nothing_is_left(kube_namespace)


async def test_who_leaves_ends_it(
    kube_namespace: Namespace, kube_builder: KubernetesBuilder, image: Image
) -> None:
    async with under_way(kube_builder, missing(image), kube_namespace) as pulling:
        pulling.cancel()
    until_nothing_is_left(kube_namespace)


async def test_what_a_killed_service_left_is_swept(
    kube_namespace: Namespace, kube_builder: KubernetesBuilder, image: Image
) -> None:
    """And never what another is at; pressed again, it is made anew."""
    left = manifest(image.name, Placement(), kube_namespace.cluster)
    name = left["metadata"]["name"]
    async with kube_builder._connected() as api:
        await api.create_daemon_set(left)
        assert "on the one node" in await kube_builder.prepull(image, "", unheard)
        await api.create_daemon_set(left)
        async with under_way(kube_builder, missing(image), kube_namespace):
            assert await kube_builder.sweep() == [name]
            assert await api.daemon_sets(kube_namespace.cluster.hub) == [
                name_of(kube_namespace.cluster.hub, missing(image).name, Placement())
            ]
    until_nothing_is_left(kube_namespace)


QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: no-pods}
spec: {hard: {pods: "0"}}
"""


async def test_a_quota_is_kept_to_and_told(
    kube_namespace: Namespace, kube_builder: KubernetesBuilder, image: Image
) -> None:
    """It waits, and goes on where there is room again; of the next of its name that is not said."""
    kube_namespace.kubectl("apply", "--filename=-", given=QUOTA)
    events: list[Event] = []
    try:
        pulling = asyncio.create_task(kube_builder.prepull(image, "", events.append))
        while not any("a quota" in event.message for event in events):
            await asyncio.sleep(0.1)
            assert not pulling.done()
    finally:
        kube_namespace.kubectl("delete", "resourcequota", "no-pods")
    assert "on the one node" in await pulling
    made = manifest(image.name, Placement(), kube_namespace.cluster)
    name = made["metadata"]["name"]
    async with kube_builder._connected() as api:
        await api.create_daemon_set(made)
        next_one = await api.daemon_set(name)
        said = await api.events_of(next_one["metadata"])
        await api.delete_daemon_set(name)
    assert "FailedCreate" not in {event["reason"] for event in said}
    kept = kube_namespace.json("events", f"--field-selector=involvedObject.name={name}")["items"]
    assert "FailedCreate" in {event["reason"] for event in kept}


async def test_what_pulls_passes_pod_security_restricted(
    kube_namespace: Namespace, kube_builder: KubernetesBuilder, image: Image
) -> None:
    def enforce(level: str) -> None:
        label = f"pod-security.kubernetes.io/enforce={level}"
        kube_namespace.kubectl("label", "namespace", kube_namespace.name, label, "--overwrite")

    enforce("restricted")
    try:
        assert "on the one node" in await kube_builder.prepull(image, "", unheard)
    finally:
        enforce("baseline")


async def test_a_hub_without_the_right_to_says_so(kube_namespace: Namespace, image: Image) -> None:
    """As one whose chart is older: what it prepared is in the registry, and sweeping goes on."""
    builder = builder_of(kube_namespace)
    async with builder._connected() as api:
        forbid(api)
        pull = prepulling.Prepull(api, image.name, Placement(), kube_namespace.cluster, unheard)
        assert "does not let this hub" in await pull.run(60)
        assert await prepulling.sweep(api, kube_namespace.cluster.hub, builder.keys) == []


def forbid(api: Any) -> None:
    """Ask as an account that has no rights."""
    client = api._client
    client.set_default_header("Impersonate-User", "system:serviceaccount:default:nobody-at-all")


async def test_the_containers_that_pull_end_well(
    kube_namespace: Namespace, kube_builder: KubernetesBuilder, image: Image
) -> None:
    """With so little memory, as nobody, in a file system that is read-only."""
    async with kube_builder._connected() as api:
        made = manifest(image.name, Placement(), kube_namespace.cluster)
        await api.create_daemon_set(made)
        deadline = time.monotonic() + SOON
        while not (found := await _ended(api, made)):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.5)
        assert found == {"exitCode": 0, "reason": "Completed"}
        await api.delete_daemon_set(made["metadata"]["name"])
    until_nothing_is_left(kube_namespace)


async def _ended(api: Any, made: dict[str, Any]) -> dict[str, Any] | None:
    for pod in await api.pods(made["metadata"]["labels"]):
        for each in pod["status"].get("initContainerStatuses") or ():
            ended = (each.get("state") or {}).get("terminated")
            if each["name"] == ENVIRONMENT and ended:
                return {"exitCode": ended["exitCode"], "reason": ended["reason"]}
    return None
