"""Service and builds added to a hub somebody has: JupyterHub with its own proxy, in one pod."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from textwrap import dedent

import pytest
from kubehub import IMAGE, kubectl
from release import NODE, PASSWORD, Release

NAMESPACE = f"added-{os.getpid()}"
THEIRS = f"""
c.JupyterHub.bind_url = "http://:8000"
c.JupyterHub.hub_bind_url = "http://:8081"
c.JupyterHub.hub_connect_url = "http://theirs:8081"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.db_url = "sqlite:////tmp/hub.sqlite"
c.DummyAuthenticator.password = {PASSWORD!r}
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {{"root"}}
c.BinderKubeSpawner.mem_limit = "512M"
c.BinderKubeSpawner.delete_grace_period = 1
"""
READ = ["get", "list", "watch"]
RIGHTS = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": [*READ, "create", "delete"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": READ},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
]


class Added(Release):
    """The chart without a hub, and the hub that is there."""

    settings = ("hub.enabled=false", "existingHub.apiUrl=http://theirs:8081/hub/api")

    def install(self, *settings: str) -> None:
        """Install it, and start a hub that has the lines of the notes in its configuration."""
        self.apply(*settings)
        for each in self._objects():
            kubectl(
                f"--namespace={self.namespace}", "apply", "--filename=-", given=json.dumps(each)
            )
        self.kubectl("wait", "--for=condition=Ready", "pod/theirs", "--timeout=4m")
        self.until_found()

    def lines_of_the_notes(self) -> str:
        notes = self.helm("get", "notes", "it")
        return dedent(notes[notes.index("     import os") : notes.index("It runs as the user")])

    @property
    def address(self) -> str:
        service = json.loads(self.kubectl("get", "service/theirs", "--output=json"))
        (port,) = [p["nodePort"] for p in service["spec"]["ports"] if p["name"] == "proxy"]
        return f"http://{NODE}:{port}"

    def _objects(self) -> Iterator[dict[str, object]]:
        named = {"metadata": {"name": "theirs", "labels": {"app": "theirs"}}}
        role = {"kind": "Role", "name": "theirs", "apiGroup": "rbac.authorization.k8s.io"}
        subject = {"kind": "ServiceAccount", "name": "theirs", "namespace": self.namespace}
        config = {"config.py": self.lines_of_the_notes() + THEIRS}
        rbac = "rbac.authorization.k8s.io/v1"
        ports = [{"name": "proxy", "port": 8000}, {"name": "hub", "port": 8081}]
        yield {"apiVersion": "v1", "kind": "ServiceAccount", **named}
        yield {"apiVersion": rbac, "kind": "Role", **named, "rules": RIGHTS}
        yield {
            "apiVersion": rbac,
            "kind": "RoleBinding",
            **named,
            "roleRef": role,
            "subjects": [subject],
        }
        yield {"apiVersion": "v1", "kind": "ConfigMap", **named, "data": config}
        spec = {"type": "NodePort", "selector": {"app": "theirs"}, "ports": ports}
        yield {"apiVersion": "v1", "kind": "Service", **named, "spec": spec}
        yield {"apiVersion": "v1", "kind": "Pod", **named, "spec": self._pod()}

    def _pod(self) -> dict[str, object]:
        token = {"secretKeyRef": {"name": "it-binder", "key": "service-token"}}
        container = {
            "name": "hub",
            "image": IMAGE,
            "imagePullPolicy": "Never",
            "command": ["jupyterhub", "-f", "/config/config.py"],
            "workingDir": "/tmp",
            "env": [
                {"name": "HOME", "value": "/tmp"},
                {"name": "BINDER_SERVICE_TOKEN", "valueFrom": token},
            ],
            "readinessProbe": {"httpGet": {"path": "/hub/health", "port": 8081}},
            "volumeMounts": [
                {"name": "data", "mountPath": "/srv/binder"},
                {"name": "config", "mountPath": "/config"},
            ],
        }
        return {
            "serviceAccountName": "theirs",
            "enableServiceLinks": False,
            "securityContext": {"runAsUser": 1000, "runAsGroup": 1000},
            "containers": [container],
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "it-binder-data"}},
                {"name": "config", "configMap": {"name": "theirs"}},
            ],
        }


@pytest.fixture
def added(plain_repository: str) -> Iterator[Added]:
    with Added(NAMESPACE, *Added.settings).installed() as added:
        assert isinstance(added, Added)
        yield added


def test_a_hub_one_has_launches_too(added: Added, plain_repository: str) -> None:
    """With the lines of the notes: a repository is built, started, worked in and stopped."""
    assert set(added.parts()) == {"service"}
    ada = added.person("ada")
    ada.launch_until_ready(plain_repository)
    assert "of the repository" in ada.read("notes.txt")
    ada.stop()
    assert added.servers() == []
