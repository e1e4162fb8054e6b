"""A BuildKit daemon as it is set, asked for and blamed: without one."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_kube_manifests import ALLOWED, DATA, KEY
from traitlets import TraitError
from traitlets.config import Config

from binderhub_ext.core.errors import BinderError, BuildFailed, NoSpace
from binderhub_ext.engines.base import EngineDown
from binderhub_ext.engines.containers.order import BuildOrder
from binderhub_ext.engines.kubernetes import remote
from binderhub_ext.engines.kubernetes.build import KubernetesBuilder
from binderhub_ext.engines.kubernetes.buildkit import BuildKit, printed
from binderhub_ext.engines.kubernetes.daemon import BuildDaemon, failed, in_words, unanswered
from binderhub_ext.engines.kubernetes.endings import failure
from binderhub_ext.engines.kubernetes.jobs import manifest

TOP = Path(__file__).parents[3]
DAEMON = BuildDaemon("tcp://buildkitd.builds:1234", "certificates")


@pytest.fixture
def pod() -> dict[str, Any]:
    options = replace(ALLOWED, daemon=DAEMON, pull_secret="pull", cache_claim="layers")
    made = manifest(KEY, f"registry.example.org/binder:{KEY}", DATA, options)
    spec: dict[str, Any] = json.loads(json.dumps(made))["spec"]["template"]["spec"]
    return spec


def test_what_reads_a_repository_has_nothing_that_is_worth_something(pod: dict[str, Any]) -> None:
    (write,), (ask,) = pod["initContainers"], pod["containers"]
    assert {mount["name"] for mount in write["volumeMounts"]} == {"binder-data", "result"}
    secrets = {"certificates", "credentials", "pulling"}
    mounts = {mount["name"]: mount for mount in ask["volumeMounts"]}
    assert set(mounts) == {"binder-data", "result", *secrets}
    assert all(mounts[name]["readOnly"] for name in (*secrets, "binder-data"))
    assert mounts["binder-data"]["subPath"] == f"data/run/jobs/{KEY}"
    assert DAEMON.address in ask["command"]
    assert "layers" not in json.dumps(pod), "the daemon has its own cache"


def test_all_of_it_passes_for_restricted(pod: dict[str, Any]) -> None:
    for container in (*pod["initContainers"], *pod["containers"]):
        context = container["securityContext"]
        assert context["runAsNonRoot"] and context["runAsUser"] == 1000
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["allowPrivilegeEscalation"] is False
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}


def test_an_image_takes_no_more_of_its_node_than_a_build_may(pod: dict[str, Any]) -> None:
    """It comes to the last container whole, however much the daemon has room for."""
    assert ALLOWED.disk
    (ask,) = pod["containers"]
    assert ask["resources"]["limits"]["ephemeral-storage"] == ALLOWED.disk


async def test_what_reads_a_repository_cannot_name_what_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says only whether it packed something, and that is no link to where secrets are."""
    secret = tmp_path / "credentials"
    secret.mkdir()
    (secret / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (context := tmp_path / "context").symlink_to(secret)
    monkeypatch.setattr(remote, "CONTEXT", context)
    tool = BuildKit(DAEMON.address, None, tmp_path, tmp_path, KEY, tmp_path, apart=False)
    written = {"packed": True, "context": str(secret), "file": "Dockerfile", "labels": {}}
    with pytest.raises(NotADirectoryError):
        await remote._build(tool, BuildOrder("/job/context", "x"), {**written, "arguments": {}}, {})


@pytest.mark.parametrize(
    "address",
    ["buildkitd:1234", "tcp://buildkitd", "tcp://b:0", "tcp://b:65536", "unix:///s", "tcp://b:1/"],
)
def test_an_address_that_is_none_is_refused(address: str, tmp_path: Path) -> None:
    config = Config(KubernetesBuilder={"buildkit_address": address})
    with pytest.raises(TraitError, match="is not like tcp://buildkitd:1234"):
        KubernetesBuilder(config=config, data_dir=str(tmp_path))


def test_places() -> None:
    assert BuildDaemon("tcp://[2001:db8::1]:1234").place == ("2001:db8::1", 1234)
    assert DAEMON.place == ("buildkitd.builds", 1234)


SILENT = 'rpc error: desc = "transport: Error while dialing: dial tcp: connection refused"'
WRITTEN_TO = "error: failed to list workers: Unavailable: write tcp 10.0.0.2:4->10.0.0.2:9: broken"
HUNG_UP = 'desc = "transport: failed to write client preface: write tcp: broken pipe"'
STRANGER = "tls: failed to verify certificate: x509: certificate signed by unknown authority"


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (unanswered(SILENT), EngineDown, "does not answer"),
        (unanswered(STRANGER), EngineDown, "accept each other's certificates"),
        (unanswered("remote error: tls: certificate required"), EngineDown, "certificates"),
        (unanswered("error reading server preface: EOF"), EngineDown, "certificates"),
        (unanswered(HUNG_UP), EngineDown, "certificates"),
        (unanswered(WRITTEN_TO), EngineDown, "certificates"),
        (failed("write /x: no space left on device"), NoSpace, "disk of the build daemon"),
        (failed("error: failed to receive status: EOF"), BuildFailed, "went away"),
    ],
)
def test_faults_in_words(fault: str, kind: type[BinderError], words: str) -> None:
    """As the last container says it in its pod, and the service to people."""
    said = json.dumps({"daemon": fault, "said": "its client's words"})
    ended = {"exitCode": 1, "reason": "Error", "message": said}
    pod = {"status": {"containerStatuses": [{"name": "push", "state": {"terminated": ended}}]}}
    job = {"conditions": [{"type": "Failed", "status": "True", "reason": "PodFailurePolicy"}]}
    with pytest.raises(kind, match=words) as told:
        raise failure(job, pod, "a log", "registry.example.org/binder:abc", ALLOWED)
    assert told.value.detail == "its client's words"
    assert str(in_words(fault, "").message) == str(told.value.message)


def test_what_a_step_says_is_no_fault_of_the_daemon() -> None:
    said = '#5 0.2 x509: nonsense\nerror: failed to solve: process "/bin/sh -c false" did not'
    assert failed(said) is None


def test_what_steps_print_is_read_from_what_the_daemon_tells() -> None:
    def log(stream: int, text: str) -> dict[str, Any]:
        return {"stream": stream, "data": b64encode(text.encode()).decode()}

    told = [{"vertexes": []}, {"logs": [log(2, "warning\n"), log(1, "5.0")]}, {"logs": None}]
    assert printed(map(json.dumps, [*told, {"logs": [log(1, ".1\n\n")]}])) == "5.0.1"


def test_both_ways_to_make_our_image_have_the_same_client() -> None:
    module = (TOP / "scripts/cluster.d/buildkit/go.mod").read_text()
    dockerfile = (TOP / "helm/image/Dockerfile").read_text()
    (built,) = re.findall(r"moby/buildkit (v\S+)", module)
    assert re.findall(r"moby/buildkit:(v\S+)", dockerfile) == [built]
