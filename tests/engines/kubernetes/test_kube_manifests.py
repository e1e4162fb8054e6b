"""What is asked of the cluster: for builds and for servers, read as the cluster reads it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from traitlets.config import Config

from binderhub_ext.core.launch import Access, Files, Launch
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.engines.kubernetes.cluster import Cluster
from binderhub_ext.engines.kubernetes.jobs import BuildOptions, manifest, name_of
from binderhub_ext.engines.kubernetes.pods import DataClaim, first_container, of_server, pod_name
from binderhub_ext.engines.kubernetes.rundir import RunDirectory
from binderhub_ext.engines.rundir import Owner
from binderhub_ext.storage.mounts import Mount, mounts_for
from binderhub_ext.storage.sync.words import Request

KEY = "0123456789abcdef0123456789abcdef"
LAYOUT = DataDirectory(Path("/srv/binder/data"))
SETTINGS = Config(
    Cluster={
        "namespace": "binder",
        "data_claim": "claim",
        "data_path": "data",
        "image": "registry.example.org/ours:1",
        "repository": "registry.example.org/binder",
        "pull_secrets": ["pull"],
    }
)
DATA = DataClaim(LAYOUT, Cluster(config=SETTINGS))
ALLOWED = BuildOptions(
    600, 4 << 30, 2, disk=10 << 30, environment={"PIP_INDEX_URL": "x"}, push_secret="push"
)


@pytest.fixture
def job() -> dict[str, Any]:
    made = manifest(KEY, f"registry.example.org/binder:{KEY}", DATA, ALLOWED)
    return json.loads(json.dumps(made))  # as it goes over the wire


def test_two_builds_of_one_key_are_one_job_and_two_hubs_two(job: dict[str, Any]) -> None:
    name = job["metadata"]["name"]
    assert name == name_of(DATA.cluster.hub, KEY) and len(name) <= 63
    other = Cluster(config=Config(Cluster={**SETTINGS.Cluster, "data_path": "other"}))
    assert name_of(other.hub, KEY) != name


def test_what_runs_foreign_code_has_nothing_that_is_worth_something(job: dict[str, Any]) -> None:
    pod = job["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False and pod["enableServiceLinks"] is False
    (build,), (push,) = pod["initContainers"], pod["containers"]
    assert [mount["name"] for mount in build["volumeMounts"]] == ["binder-data", "store", "result"]
    data = build["volumeMounts"][0]
    assert data["subPath"] == f"data/run/jobs/{KEY}" and data["readOnly"] is True
    # the credentials, and of the data directory whom to trust alone
    named = {mount["name"]: mount for mount in push["volumeMounts"]}
    assert set(named) == {"result", "credentials", "binder-data"}
    assert named["binder-data"]["subPath"] == f"data/run/jobs/{KEY}/trusted"
    assert named["binder-data"]["readOnly"] is True
    assert {each["name"] for each in build["env"]} == {"PIP_INDEX_URL"}


def test_layers_are_kept_on_a_claim() -> None:
    """Of which the container that pushes sees a folder with what it knows of them, not they."""
    options = replace(ALLOWED, cache_claim="layers")
    pod = manifest(KEY, "image", DATA, options)["spec"]["template"]["spec"]
    assert {"name": "store", "persistentVolumeClaim": {"claimName": "layers"}} in pod["volumes"]
    (store,) = (m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "store")
    assert store["subPath"] == "pushed"


def test_pod_security(job: dict[str, Any]) -> None:
    """Builds pass `baseline`; whatever else is ours passes `restricted`."""
    pod = job["spec"]["template"]["spec"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "securityContext"} & pod.keys()
    assert not any("hostPath" in volume for volume in pod["volumes"])
    build = pod["initContainers"][0]["securityContext"]
    assert build == {
        "runAsUser": 0,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["NET_RAW"]},
    }
    for container in (pod["containers"][0], first()):
        context = container["securityContext"]
        assert context["runAsNonRoot"] and context["runAsUser"] == 1000
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["allowPrivilegeEscalation"] is False
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_limits_and_time(job: dict[str, Any]) -> None:
    assert 600 < job["spec"]["activeDeadlineSeconds"] < 1000
    build = job["spec"]["template"]["spec"]["initContainers"][0]["resources"]
    assert build["limits"] == {"memory": 4 << 30, "cpu": 2, "ephemeral-storage": 10 << 30}
    assert build["requests"] == {"memory": 1 << 30, "cpu": 0.2}


def test_labels_that_network_policies_select(job: dict[str, Any]) -> None:
    for labels in (job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]):
        assert labels["component"] == "binder-build" and labels["binder-at-home/key"] == KEY


# --- servers ------------------------------------------------------------------------------


def launch(files: Files) -> Launch:
    return Launch("ana", "one", None, "projects/o/r", "image", files)


def mounts(files: Files) -> tuple[Mount, ...]:
    volumes = {"v-1": "shared/v", "v-2": "projects/o/r/data"}
    placed = (
        Mount(LAYOUT.volumes, PurePosixPath(name), PurePosixPath(place), Access.RO)
        for name, place in volumes.items()
    )
    return (*mounts_for(launch(files), LAYOUT), *placed)


def first() -> dict[str, Any]:
    request = Request(
        str(LAYOUT.repos / "abc" / "commit.bundle"),
        "c" * 40,
        "https://example.org/o/r",
        str(LAYOUT.home("ana")),
        "projects/o/r",
        branch="a$$b-$(HOME)",
    )
    return first_container(mounts(Files.PROJECT), [request], Owner(1000, 1000), DATA)


def test_a_server_sees_what_its_launch_says_and_no_more() -> None:
    seen = [DATA.mount(place) for place in of_server(mounts(Files.PROJECT), LAYOUT)]
    found = {mount["mountPath"]: (mount["subPath"], mount["readOnly"]) for mount in seen}
    home = "/home/jovyan"
    assert found[home][0].startswith("data/states/ana/") and found[home][1] is False
    assert found[f"{home}/projects/o/r"] == ("data/homes/ana/projects/o/r", False)
    assert found[f"{home}/shared/v"] == ("data/volumes/v-1", True)
    assert all(mount["subPath"].strip("/") for mount in seen), "never the whole claim"
    whole = [DATA.mount(place) for place in of_server(mounts(Files.HOME), LAYOUT)]
    assert whole[0]["subPath"] == "data/homes/ana" and whole[0]["mountPath"] == home


def test_the_first_container_mounts_what_nobody_else_can_rename() -> None:
    container = first()
    found = {mount["subPath"]: mount["readOnly"] for mount in container["volumeMounts"]}
    assert found == {"data/homes/ana": False, "data/repos/abc": True}
    # each at the name it has here, so that one request is good for both
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
        f"/srv/binder/{path}" for path in found
    }
    written = container["command"][-1]
    assert "a$$$$b-$$(HOME)" in written, "the cluster puts values in the place of names"
    spec = json.loads(written)
    (sync,) = spec["syncs"]
    assert "--json" in sync and not any("owner" in word for word in sync)
    assert (spec["places"], spec["empty"]) == (["projects/o/r/data"], [])


def test_no_two_servers_have_a_pod_of_one_name() -> None:
    """Also of people whose names have the same hash, or begin with the same letters."""
    people = "ana.__~.#x", "ana_ +@__x", "a" * 200, "a" * 201, "ana", "娜娜", ""
    layout, hubs, servers = DataDirectory(Path("/data")), ("h", "i"), ("", "tides-1234abcd")
    names = {
        pod_name(user, RunDirectory.of(layout, hub, user, server).name)
        for user in people
        for hub in hubs
        for server in servers
    }
    assert len(names) == len(people) * len(hubs) * len(servers)
    assert all(re.fullmatch(r"jupyter-[a-z0-9-]{,54}[a-z0-9]", name) for name in names)
