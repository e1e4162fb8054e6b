"""Secrets of a start: in its own server, and nowhere else in the cluster."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from types import SimpleNamespace
from typing import Any

import pytest
from keeper import keeping
from kubehub import KubeHub
from sandboxhub import Failed

from binderhub_ext.core.secretnames import Secret
from binderhub_ext.engines.kubernetes import giving
from binderhub_ext.engines.kubernetes.manifest import literal

VARIABLE = Secret("API_KEY", "hush-4f1e \u00fc\n$(HOME)")
FILE = Secret("KEY_FILE", "-----BEGIN\n17a2\n", file=True)


def referred(*given: Secret, **env: str) -> tuple[Any, Any]:
    """What a pod and its server become that has a volume and these variables."""
    spec = SimpleNamespace(volumes=[{"name": "theirs"}])
    had = [SimpleNamespace(name=name, value=value) for name, value in env.items()]
    server = SimpleNamespace(volume_mounts=None, env=had)
    giving.refer(spec, server, "s", given)
    return spec, server


def test_a_pod_names_secrets_and_has_none() -> None:
    spec, server = referred(VARIABLE, FILE, PATH="/bin")
    told = json.dumps([spec.volumes, server.volume_mounts, server.env], default=vars)
    for secret in (VARIABLE, FILE):
        assert secret.value not in told and b64encode(secret.value.encode()).decode() not in told
    variable, file, path = server.env
    assert variable["valueFrom"] == {"secretKeyRef": {"name": "s", "key": "API_KEY"}}
    assert file == {"name": "KEY_FILE", "value": f"{giving.FOLDER}/KEY_FILE"}
    assert path.value == "/bin"
    assert spec.volumes[-1]["secret"]["items"] == [{"key": "KEY_FILE", "path": "KEY_FILE"}]
    assert server.volume_mounts[0]["readOnly"] is True


def test_variables_alone_are_no_files_and_the_pod_waits_for_them() -> None:
    spec, server = referred(VARIABLE, API_KEY="the Hub's")
    assert server.volume_mounts is None
    assert spec.volumes[-1]["secret"]["secretName"] == "s"
    # nothing of the Hub's own is replaced
    assert [each.value for each in server.env] == ["the Hub's"]


def test_a_secret_goes_with_its_pod() -> None:
    pod = {"name": "p", "uid": "u"}
    made = giving.manifest("s", (VARIABLE,), pod, {"of": "me"})
    assert made["metadata"]["ownerReferences"] == [{"apiVersion": "v1", "kind": "Pod", **pod}]
    assert made["immutable"] and made["metadata"]["labels"] == {"of": "me"}
    assert VARIABLE.value not in str(made["metadata"])
    assert giving.new_name() != giving.new_name()


def test_words_of_a_link_stay_words() -> None:
    """A branch may be called so; in a pod's variable the token would stand there."""
    env = {"BINDER_REQUEST": "v2/gh/o/r/$(JUPYTERHUB_API_TOKEN)", "MINE": "$(HOME)"}
    assert literal(env) == {**env, "BINDER_REQUEST": "v2/gh/o/r/$$(JUPYTERHUB_API_TOKEN)"}
    # of two the cluster makes one, before it looks for names
    assert literal({"BINDER_REF": "$$(HOME)"}) == {"BINDER_REF": "$$$$(HOME)"}


async def test_there_and_nowhere_else(kube_hub: KubeHub) -> None:
    given = {secret.name: secret for secret in (VARIABLE, FILE)}
    commit, project = kube_hub.repository({"readme.txt": "x"}, "owner/given")
    launch = kube_hub.launch("ida", commit=commit, project=project, secrets=tuple(given))
    async with kube_hub.client() as client, keeping(kube_hub, given):
        told = await client.start(launch)
        code = """
import os
path = os.environ["KEY_FILE"]
shown = [name for name in os.listdir(os.path.dirname(path)) if not name.startswith(".")]
print(ascii([os.environ["API_KEY"], open(path).read(), shown]))
print(os.access(path, os.W_OK), os.path.exists("/var/run/secrets"))
"""
        seen = ascii([VARIABLE.value, FILE.value, ["KEY_FILE"]])
        assert (await client.run("ida", code)).output == f"{seen}\nFalse False\n"
        pod = kube_hub.pod("ida")
        (secret,) = kube_hub.secrets()
        assert secret["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"]
        (first,) = pod["spec"]["initContainers"]
        assert secret["metadata"]["name"] not in json.dumps(first)
        events = kube_hub.namespace.json("events")
        elsewhere = f"{json.dumps([pod, events, told])}{kube_hub.log.read_text()}"
        for each in given.values():
            for text in (each.value, b64encode(each.value.encode()).decode()):
                assert text not in elsewhere and json.dumps(text)[1:-1] not in elsewhere
        await client.stop("ida")
    assert kube_hub.leftovers() == []


async def test_a_cluster_that_takes_none_is_told_and_nothing_is_left(kube_hub: KubeHub) -> None:
    limit = ("quota", "none", "--hard=count/secrets=0")
    kube_hub.namespace.kubectl("create", *limit)
    try:
        async with kube_hub.client() as client, keeping(kube_hub, {"API_KEY": VARIABLE}):
            with pytest.raises(Failed, match="does not let this hub hand secrets to servers"):
                await client.start(kube_hub.launch("ida", secrets=("API_KEY",)))
    finally:
        kube_hub.namespace.kubectl("delete", "quota", "none")
    assert await asyncio.to_thread(kube_hub.leftovers) == []
