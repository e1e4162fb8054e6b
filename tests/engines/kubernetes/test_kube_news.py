"""What the cluster says of a pod, in words, as it was heard of real clusters."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from binderhub_ext.core.errors import BinderError, ImageNotFound, ImageRefused
from binderhub_ext.engines.kubernetes.giving import new_name
from binderhub_ext.engines.kubernetes.podevents import (
    PodEvents,
    PodRequest,
    ended_words,
    pod_failed,
    unschedulable,
)
from binderhub_ext.engines.kubernetes.watching import PodEventReflector

IMAGE = "registry.example.org/binder:0123456789abcdef"
BIG = PodRequest(memory=16 << 30, cpu=0.5, sizes={IMAGE: 1_234_000_000}, own_image="ours:1")


def event(reason: str, message: str) -> dict[str, Any]:
    return {"metadata": {"uid": str(uuid4())}, "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: "
            "3 No preemption victims found for incoming pod.",
            "Waiting: no node has 16 GB of memory free",
        ),
        (
            "0/2 nodes are available: 1 Insufficient cpu, 2 Insufficient memory.",
            "Waiting: no node has 16 GB of memory and 0.5 processors free",
        ),
        (
            "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
            "Waiting: no node has gpu free",
        ),
        ("0/1 nodes are available: 1 Too many pods.", "every node runs as much as it may"),
        (
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            "Waiting for the storage of people's files",
        ),
        (
            '0/1 nodes are available: persistentvolumeclaim "binder-data" not found.',
            "Waiting for the storage of people's files",
        ),
        (
            "0/1 nodes are available: 1 node(s) had untolerated taint {a: b}.",
            "Waiting for a node that may run it",
        ),
        (
            "0/1 nodes are available: 1 node(s) had untolerated taint "
            "{node.kubernetes.io/disk-pressure: }.",
            "the nodes' disks are full",
        ),
    ],
)
def test_why_there_is_no_node(said: str, words: str) -> None:
    assert words in unschedulable(said, BIG)


def test_a_start_as_a_person_reads_it() -> None:
    """Each thing once, and nothing of what they cannot do anything with."""
    news = PodEvents(BIG)
    heard = [
        event("FailedScheduling", "0/1 nodes are available: 1 Insufficient memory."),
        event("FailedScheduling", "0/1 nodes are available: 1 Insufficient memory. preemption: 0"),
        event("TriggeredScaleUp", "pod triggered scale-up: [{a 1->2 (max: 3)}]"),
        event("Scheduled", "Successfully assigned binder/jupyter-ana to node-3"),
        event("Pulling", 'Pulling image "ours:1"'),
        event("Pulled", 'Container image "ours:1" already present on machine'),
        event("Created", "Created container: files"),
        event("Pulling", f'Pulling image "{IMAGE}"'),
        event("Started", "Started container notebook"),
    ]
    assert [words for one in heard if (words := news.of(one))] == [
        "Waiting: no node has 16 GB of memory free",
        "The cluster gets another node, which takes some minutes",
        "Your server gets its place on node-3",
        "Pulling the hub's own image on node-3",
        "Pulling 1.2 GB on node-3",
    ]


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            f'Failed to pull image "{IMAGE}": rpc error: code = NotFound desc = failed to pull and '
            f'unpack image "{IMAGE}": failed to resolve reference: {IMAGE}: not found: 404 Not '
            "Found",
            ImageNotFound,
            "There is no image registry.example.org/binder",
        ),
        (
            f'Failed to pull image "{IMAGE}": failed to authorize: failed to fetch anonymous '
            "token: unexpected status: 401 Unauthorized",
            ImageRefused,
            "does not let this hub use",
        ),
    ],
)
def test_an_image_that_will_not_come_ends_the_wait(
    said: str, kind: type[BinderError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        PodEvents(BIG).of(event("Failed", said))


def test_a_registry_that_is_away_for_a_moment_ends_nothing() -> None:
    said = f'Failed to pull image "{IMAGE}": dial tcp 10.0.0.1:443: connect: connection refused'
    assert "did not answer" in PodEvents(BIG).of(event("Failed", said))
    again = PodEvents(BIG).of(event("BackOff", f'Back-off pulling image "{IMAGE}"'))
    assert again.startswith("The image cannot be pulled yet; it is tried again")
    assert PodEvents(BIG).of(event("BackOff", "Back-off restarting failed container")) == ""


def test_why_a_server_ended() -> None:
    assert "more memory than it may have (2 GB)" in ended_words({"reason": "OOMKilled"}, 2 << 30)
    assert ended_words({"reason": "Error", "exitCode": 1}, 2 << 30) == ""
    gone = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: x."}
    error = pod_failed(gone)
    assert error is not None and "ran out of memory or disk" in error.message
    assert pod_failed({"phase": "Failed"}) is None and pod_failed({"phase": "Running"}) is None


def test_a_secret_that_comes_after_its_pod_is_no_news() -> None:
    """Its pod waits for it, which no person has to know; for anything else they do."""
    said = 'MountVolume.SetUp failed for volume "binder-secrets" : secret "{}" not found'
    events = PodEvents(BIG)
    assert not events.of(event("FailedMount", said.format(new_name())))
    assert "cannot be attached" in events.of(event("FailedMount", said.format("theirs")))


def of_pod(pod: str, second: int, **fields: Any) -> dict[str, Any]:
    times = {"lastTimestamp": f"2026-01-01T00:00:{second:02}Z", "eventTime": None}
    return {"involvedObject": {"name": pod}, **times, **fields}


async def test_a_pods_events_are_found_without_looking_at_everybody_elses() -> None:
    """As KubeSpawner keeps them: exchanged whole, put in, put in again and taken out."""
    reflector = PodEventReflector(namespace="x")
    assert reflector.of("ana").events == []
    reflector.resources = {"x/1": of_pod("ana", 3), "x/2": of_pod("bo", 2)}
    reflector.resources["x/3"] = of_pod("ana", 1)
    later = {"lastTimestamp": None, "eventTime": "2026-01-01T00:00:02.5Z"}
    reflector.resources["x/4"] = of_pod("ana", 0, **later)
    assert reflector.of("ana").events == [
        of_pod("ana", 1),
        of_pod("ana", 0, **later),
        of_pod("ana", 3),
    ]
    reflector.resources["x/3"] = of_pod("ana", 4)
    assert reflector.resources.pop("x/1", None) == of_pod("ana", 3)
    assert reflector.resources.pop("x/1", None) is None
    assert reflector.of("ana").events == [of_pod("ana", 0, **later), of_pod("ana", 4)]
    assert reflector.of("bo").events == [of_pod("bo", 2)]
    assert len(reflector.events) == 3
    reflector.resources = {}
    assert reflector.of("ana").events == [] and not reflector.events
