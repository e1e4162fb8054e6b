"""What has nodes pull an image, where, and what people read of how far they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from traitlets.config import Config

from binderhub_ext.core.progress import unheard
from binderhub_ext.core.sentences import Sentence
from binderhub_ext.engines.base import Image
from binderhub_ext.engines.kubernetes import cluster as cluster_module
from binderhub_ext.engines.kubernetes.build import KubernetesBuilder
from binderhub_ext.engines.kubernetes.cluster import POD_VARIABLES, Cluster
from binderhub_ext.engines.kubernetes.placement import Placement
from binderhub_ext.engines.kubernetes.prepull import ENVIRONMENT, OURS, manifest, name_of
from binderhub_ext.engines.kubernetes.pulled import NodePull, Pulled, late

REPOSITORY = "registry.example.org/binder"
IMAGE = f"{REPOSITORY}:0123456789abcdef"
CLUSTER = Cluster(
    config=Config(
        Cluster={
            "namespace": "binder",
            "image": "ours:1",
            "repository": REPOSITORY,
            "node_repository": "127.0.0.1:30500/binder",
            "pull_secrets": ["pull"],
        }
    )
)
TAINT = {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}
TERM = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
SAID = {
    "KubeSpawner": {"node_selector": {"pool": "people"}, "tolerations": {"b": TAINT}},
    "BinderKubeSpawner": {
        "node_affinity_required": [TERM],
        "sizes": {"gpu": {"node_selector": {"pool": "gpu"}, "mem_guarantee": 1}, "small": {}},
    },
}
GPU = Placement({"pool": "gpu"}, [TERM], [TAINT])


# --- where --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["", "small", "no longer there"])
def test_servers_run_where_the_spawner_puts_them(size: str) -> None:
    assert Placement.of_size(Config(SAID), size) == Placement({"pool": "people"}, [TERM], [TAINT])


def test_servers_of_a_size_run_where_the_size_says() -> None:
    assert Placement.of_size(Config(SAID), "gpu") == GPU


def test_where_nothing_is_said_of_nodes_servers_run_on_all() -> None:
    assert Placement.of_size(Config(), "gpu").spec == {}


def test_a_setting_that_a_file_only_adds_to_counts() -> None:
    config = Config()
    config.KubeSpawner.tolerations.append(TAINT)
    assert Placement.of_size(config, "").tolerations == [TAINT]


async def test_what_would_fill_all_disks_is_on_no_node_before(tmp_path: Path) -> None:
    """Nor is any node of a cluster asked for that."""
    builder = KubernetesBuilder(prepull_size="1G", data_dir=str(tmp_path))
    image = Image(IMAGE, IMAGE.rpartition(":")[2], size=(1 << 30) + 1)
    assert "too large to be on every node" in await builder.prepull(image, "", unheard)


# --- what ---------------------------------------------------------------------------------


@pytest.fixture
def made() -> dict[str, Any]:
    return json.loads(json.dumps(manifest(IMAGE, GPU, CLUSTER)))  # as it goes over the wire


def test_kubernetes_takes_it(made: dict[str, Any]) -> None:
    for version in ("1.32", "1.34"):
        kubernetes_validate.validate(made, version, strict=True)


def test_nodes_pull_it_by_the_name_that_servers_are_started_with(made: dict[str, Any]) -> None:
    pod = made["spec"]["template"]["spec"]
    ours, theirs = pod["initContainers"]
    assert (ours["name"], ours["image"]) == (OURS, "ours:1")
    assert (theirs["name"], theirs["image"]) == (
        ENVIRONMENT,
        "127.0.0.1:30500/binder:0123456789abcdef",
    )
    assert pod["imagePullSecrets"] == [{"name": "pull"}]
    assert [each["image"] for each in pod["containers"]] == ["ours:1"]


def test_it_goes_where_servers_may_run_and_takes_no_room_there(made: dict[str, Any]) -> None:
    pod = made["spec"]["template"]["spec"]
    assert (pod["nodeSelector"], pod["tolerations"]) == ({"pool": "gpu"}, [TAINT])
    [term] = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert term == TERM
    for container in [*pod["initContainers"], *pod["containers"]]:
        # nobody gives way to what asks for nothing, and a quota of limits can count it
        assert container["resources"]["requests"] == {"cpu": "0", "memory": "0"}
        assert set(container["resources"]["limits"]) == {"cpu", "memory"}


def test_it_passes_the_level_restricted_and_sees_nothing(made: dict[str, Any]) -> None:
    pod = made["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False and "volumes" not in pod
    for container in [*pod["initContainers"], *pod["containers"]]:
        context = container["securityContext"]
        assert context["runAsNonRoot"] and context["runAsUser"] == 1000
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["allowPrivilegeEscalation"] is False and context["readOnlyRootFilesystem"]
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_twice_the_same_is_one() -> None:
    name = name_of(CLUSTER.hub, IMAGE, GPU)
    assert name == name_of(CLUSTER.hub, IMAGE, Placement.of_size(Config(SAID), "gpu"))
    assert len(name) <= 52
    others = [
        name_of(CLUSTER.hub, IMAGE, Placement()),
        name_of(CLUSTER.hub, f"{IMAGE}0", GPU),
        name_of("another-hub", IMAGE, GPU),
    ]
    assert len({name, *others}) == 4


def test_it_ends_with_the_pod_of_the_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Unless that is in another namespace: the cluster would remove it at once."""
    assert manifest(IMAGE, GPU, CLUSTER)["metadata"]["ownerReferences"] == []
    for variable, value in zip(POD_VARIABLES, ("it-binder-service-1", "u-1"), strict=True):
        monkeypatch.setenv(variable, value)
    here = tmp_path / "namespace"
    monkeypatch.setattr(cluster_module, "_NAMESPACE", here)
    for namespace, owners in (("binder", ["u-1"]), ("another", [])):
        here.write_text(namespace)
        found = manifest(IMAGE, GPU, CLUSTER)["metadata"]["ownerReferences"]
        assert [each["uid"] for each in found] == owners


# --- how far ------------------------------------------------------------------------------


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def pod_on(node: str, state: dict[str, Any] | None = None, image_id: str = "") -> dict[str, Any]:
    """A pod that pulls, with what is said of its environment's container."""
    status = {"name": ENVIRONMENT, "image": IMAGE, "imageID": image_id, "state": state or {}}
    return {"spec": {"nodeName": node}, "status": {"initContainerStatuses": [status]}}


def unplaced(node: str, message: str) -> dict[str, Any]:
    """A pod that its node does not take, as the controller of DaemonSets and the scheduler say."""
    fields = [{"key": "metadata.name", "operator": "In", "values": [node]}]
    terms = {"nodeSelectorTerms": [{"matchFields": fields}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    said = {"type": "PodScheduled", "status": "False", "message": message}
    return {"spec": {"affinity": affinity}, "status": {"conditions": [said]}}


BACK_OFF = f'Back-off pulling image "{IMAGE}"'
NOT_FOUND = (
    f'failed to pull and unpack image "{IMAGE}": failed to resolve reference "{IMAGE}": {IMAGE}: '
    "not found"
)


@pytest.mark.parametrize(
    ("pod", "node"),
    [
        (pod_on("n", waiting("PodInitializing")), NodePull("n")),
        (pod_on("n", {"running": {}}, "sha256:1"), NodePull("n", done=True)),
        # it has no shell, or whatever; it is there
        (pod_on("n", {"terminated": {"exitCode": 128}}, "sha256:1"), NodePull("n", done=True)),
        (pod_on("n", waiting("CrashLoopBackOff", "x"), "sha256:1"), NodePull("n", done=True)),
        (
            pod_on("n", waiting("ImagePullBackOff", BACK_OFF)),
            NodePull("n"),
        ),
        ({"spec": {"nodeName": "n"}}, NodePull("n")),
    ],
)
def test_how_far_a_node_is(pod: dict[str, Any], node: NodePull) -> None:
    assert NodePull.of(pod) == node


@pytest.mark.parametrize(
    ("pod", "words", "hopeless"),
    [
        (pod_on("n", waiting("ErrImagePull", NOT_FOUND)), "There is no image", True),
        (
            pod_on("n", waiting("ImagePullBackOff", f"{BACK_OFF}: {NOT_FOUND}")),
            "There is no image",
            True,
        ),
        (
            pod_on("n", waiting("ErrImagePull", "no match for platform in manifest: not found")),
            "not made for this machine's kind of processor",
            True,
        ),
        (
            pod_on("n", waiting("ErrImagePull", "401 Unauthorized")),
            "give the hub credentials",
            True,
        ),
        (pod_on("n", waiting("ErrImagePull", "connection refused")), "did not answer", False),
        (pod_on("n", waiting("ErrImagePull", "no space left on device")), "Its disk", False),
        (
            unplaced("n", "0/2 nodes: 1 Too many pods."),
            "as many pods as it may",
            False,
        ),
        (unplaced("n", "0/2 nodes: 1 Insufficient cpu."), "lets no pod run", False),
    ],
)
def test_what_is_in_the_way_is_said(pod: dict[str, Any], words: str, hopeless: bool) -> None:
    node = NodePull.of(pod)
    assert (node.node, node.done, node.hopeless) == ("n", False, hopeless)
    assert words in node.why


HAS, HAS_NOT = NodePull("a", done=True), NodePull("b", why=Sentence("It is broken."))
NEVER = NodePull("c", why=Sentence("There is none."), hopeless=True)


@pytest.mark.parametrize(
    ("pulled", "settled", "stuck", "words"),
    [
        (Pulled(0), True, True, "No node is there at the moment"),
        (Pulled(1, [HAS]), True, True, "It is on the one node"),
        (Pulled(2, [HAS, HAS]), True, True, "It is on all 2 nodes"),
        (Pulled(2, [HAS]), False, False, "It is on 1 of 2 nodes"),
        (Pulled(2, [HAS], refused=True), False, True, "It is on 1 of 2 nodes"),
        (Pulled(2, [HAS, NodePull("d")]), False, False, "It is on 1 of 2 nodes"),
        (Pulled(2, [HAS, HAS_NOT]), False, True, "It is on 1 of 2 nodes"),
        (Pulled(2, [HAS, NEVER]), True, True, "It is on 1 of 2 nodes"),
        (Pulled(3, [HAS_NOT, NodePull("d")], refused=True), False, False, "It is on 0 of 3 nodes"),
    ],
)
def test_when_waiting_is_over(pulled: Pulled, settled: bool, stuck: bool, words: str) -> None:
    assert (pulled.settled, pulled.stuck) == (settled, stuck)
    assert words in pulled.words


def test_every_node_that_has_not_got_it_is_accounted_for() -> None:
    slow = NodePull("d")
    assert list(Pulled(2, [HAS, slow]).lacking(late(1800))) == [
        "d: It did not pull it within 30 minutes."
    ]
    assert list(Pulled(3, [HAS, HAS_NOT], refused=True).lacking(late(1))) == [
        "b: It is broken.",
        "A rule or a quota of the administrator's namespace lets no pod pull it on some nodes.",
        "There is 1 more node without it.",
    ]
    many = Pulled(40, [HAS_NOT] * 40)
    assert len(told := list(many.lacking(late(1)))) == 6
    assert told[-1] == "There are 35 more nodes without it."
    assert list(Pulled(1, [HAS]).lacking(late(1))) == []
