"""The chart's own registry for small sites, rendered."""

from __future__ import annotations

import json
from base64 import b64decode

from charts import REGISTRY, SMALL_SITE, named, pod_specs, rendered
from traitlets.config import Config

from binderhub_ext.engines.kubernetes.cluster import Cluster


def test_nodes_and_pods_call_the_registry_by_names_of_their_own() -> None:
    objects, at_nodes = rendered(values=SMALL_SITE), "127.0.0.1:30500"
    secret = named(objects, "Secret", "registry")["data"]
    password = b64decode(secret["password"])
    auths = json.loads(b64decode(secret[".dockerconfigjson"]))["auths"]
    assert set(auths) == {REGISTRY, at_nodes}
    assert {b64decode(each["auth"]) for each in auths.values()} == {b"binder:" + password}
    assert b64decode(secret["htpasswd"]).startswith(b"binder:$2a$")
    for part in ("hub", "service"):
        config = json.loads(named(objects, "ConfigMap", part)["data"][f"{part}.json"])
        cluster = Cluster(config=Config(config))
        assert cluster.insecure_registry and cluster.pull_secrets == ["it-binder-registry"]
        assert cluster.repository == f"{REGISTRY}/environments"
        assert cluster.node_repository == f"{at_nodes}/environments"
    pods = dict(pod_specs(objects))
    assert "it-binder-registry" in json.dumps(pods["it-binder-service"]["volumes"])
    prepull = pods["it-binder-prepull"]
    assert prepull["initContainers"][0]["image"] == f"{at_nodes}/environments:1"
    assert prepull["imagePullSecrets"] == [{"name": "it-binder-registry"}]
    (port,) = named(objects, "Service", "registry")["spec"]["ports"]
    assert f"127.0.0.1:{port['nodePort']}" == at_nodes
    elsewhere = rendered("registry.nodeAddress=images.example.org", values=SMALL_SITE)
    config = named(elsewhere, "ConfigMap", "hub")["data"]["hub.json"]
    assert json.loads(config)["Cluster"]["node_repository"] == "images.example.org/environments"


def test_builds_hub_service_and_nodes_reach_the_registry() -> None:
    """Servers do not; and it reaches nothing."""
    objects = rendered("registry.nodes.ten=null", values=SMALL_SITE)
    policy = named(objects, "NetworkPolicy", "registry")["spec"]
    assert "egress" not in policy and "Egress" in policy["policyTypes"]
    (rule,) = policy["ingress"]
    pods = [each["podSelector"]["matchLabels"] for each in rule["from"] if "podSelector" in each]
    assert [each["component"] for each in pods] == ["binder-build", "service", "hub"]
    nodes = {each["ipBlock"]["cidr"] for each in rule["from"] if "ipBlock" in each}
    assert "192.168.0.0/16" in nodes and "10.0.0.0/8" not in nodes
    reached = {
        part: "registry" in json.dumps(named(objects, "NetworkPolicy", part)["spec"]["egress"])
        for part in ("builds", "servers")
    }
    assert reached == {"builds": True, "servers": False}


def test_the_registry_gives_room_back_before_anybody_pushes() -> None:
    """One at a time, of one claim; what is collected begins where nothing was pushed yet, too."""
    spec = named(rendered(values=SMALL_SITE), "Deployment", "registry")["spec"]
    assert spec["strategy"] == {"type": "Recreate"}
    folders, collect = spec["template"]["spec"]["initContainers"]
    assert folders["command"][0] == "mkdir" and "garbage-collect" in collect["command"]
