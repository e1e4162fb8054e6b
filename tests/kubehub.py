"""A real cluster (`scripts/cluster up`): a namespace for a session's tests, a Hub beside it.

The Hub and the builders run on this machine and see the data directory as a folder; what they
start in the cluster sees the same folder through a claim.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from leftout import WHY
from patience import SOON
from sandboxhub import SandboxHub
from traitlets.config import Config

from binderhub_ext.engines.kubernetes.cluster import Cluster
from binderhub_ext.engines.kubernetes.labels import HUB
from binderhub_ext.engines.kubernetes.rundir import RunDirectory

HERE = Path(__file__).parent
STATE = Path(os.environ.get("CLUSTER_DIR", str(Path.home() / ".cache/binder-at-home/cluster")))
KUBECONFIG = os.environ.get("KUBECONFIG") or str(STATE / "run/admin.kubeconfig")
REGISTRY = "10.250.0.1:15000"
BASE = f"{REGISTRY}/binder-at-home/base:bookworm"
IMAGE = os.environ.get("BINDER_AT_HOME_IMAGE", "docker.io/binder-at-home/binder:dev")
HOST = "10.250.0.2"
"""Address at which pods find a program on this machine."""

CLAIM = "binder-data"
LAYERS = "layers"

_EXTRA = """
c.JupyterHub.spawner_class = "binder-kubernetes"
c.JupyterHub.hub_ip = {host!r}
c.BinderKubeSpawner.start_timeout = 300
c.BinderKubeSpawner.mem_limit = "512M"
c.BinderKubeSpawner.delete_grace_period = 5
"""


def kubectl_command(*arguments: str) -> list[str]:
    """Kubernetes' command line."""
    program = STATE / "bin/kubectl"
    known = str(program) if program.exists() else "kubectl"
    return [known, f"--kubeconfig={KUBECONFIG}", *arguments]


def kubectl(*arguments: str, check: bool = True, given: str = "") -> str:
    """What Kubernetes' command line says."""
    command = kubectl_command(*arguments)
    done = subprocess.run(command, capture_output=True, text=True, input=given or None)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


def missing() -> str:
    """What this machine lacks for these tests, and how to get it; empty if nothing."""
    get = "scripts/cluster up installs and starts what is missing"
    if not Path(KUBECONFIG).exists():
        return f"there is no cluster here; {get}"
    try:
        kubectl("get", "--raw=/readyz", "--request-timeout=60s")
    except (AssertionError, OSError):
        return f"no cluster answers; {get}"
    return ""


def skip_without_cluster() -> None:
    """Skip, or fail where continuous integration does not expect to be without.

    The words name an installation, which `nothing_missing.py` lets pass nowhere under CI.
    """
    if lack := missing():
        if os.environ.get("WITHOUT_CLUSTER") == "expected":
            pytest.skip(f"the environment says that no cluster is expected here {WHY}")
        pytest.skip(lack)


def apply(version: str, kind: str, name: str, namespace: str = "", **fields: Any) -> None:
    """Have the cluster make something."""
    place = {"namespace": namespace} if namespace else {}
    thing = {"apiVersion": version, "kind": kind, **fields}
    thing["metadata"] = {"name": name, **place, **fields.get("metadata", {})}
    kubectl("apply", "--filename=-", given=json.dumps(thing))


def claim_of_folder(namespace: str, name: str, folder: Path) -> None:
    """Make a folder of this machine a claim of a namespace."""
    claim = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    size = {"storage": "10Gi"}
    volume = f"{namespace}-{name}"
    apply(
        "v1",
        "PersistentVolume",
        volume,
        metadata={"labels": {"of": namespace}},
        spec={
            **claim,
            "capacity": size,
            "hostPath": {"path": str(folder)},
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": namespace, "name": name},
        },
    )
    bound = {**claim, "volumeName": volume, "resources": {"requests": size}}
    apply("v1", "PersistentVolumeClaim", name, namespace, spec=bound)


def remove_namespace(name: str) -> None:
    """Remove a namespace, and what :func:`claim_of_folder` made for it.

    Nothing of it runs when this returns. The rest goes by itself, for which the cluster takes its
    time.
    """
    inside = ("--namespace", name, "--all", "--ignore-not-found", "--timeout=4m")
    kubectl("delete", "deployments,jobs,pods", "--now", *inside, check=False)
    kubectl("delete", "namespace", name, "--wait=false", check=False)
    kubectl("delete", "persistentvolume", f"--selector=of={name}", "--wait=false", check=False)


def layers_folder() -> Path:
    """Where all builds of these tests keep layers, so that one of them alone installs Jupyter.

    It goes with the cluster.
    """
    folder = STATE / "run/layers"
    folder.mkdir(exist_ok=True)
    return folder


class Namespace:
    """A namespace in which a folder of this machine is a claim.

    Attributes:
        name: of it, and of the volume.
        data: the folder, a data directory.
    """

    def __init__(self, name: str, data: Path) -> None:
        self.name, self.data = name, data

    @property
    def settings(self) -> dict[str, Any]:
        """Of class `Cluster`."""
        return {
            "namespace": self.name,
            "data_claim": CLAIM,
            "image": IMAGE,
            "repository": f"{REGISTRY}/{self.name}",
            "insecure_registry": True,
        }

    @property
    def cluster(self) -> Cluster:
        return Cluster(config=Config(Cluster=self.settings))

    def kubectl(self, *arguments: str, check: bool = True, given: str = "") -> str:
        return kubectl(f"--namespace={self.name}", *arguments, check=check, given=given)

    def json(self, *arguments: str) -> Any:
        """What is there, as the API server says it."""
        return json.loads(self.kubectl("get", *arguments, "--output=json"))

    def make(self) -> None:
        """Make all of it, with the level of Pod Security that the chart sets."""
        level = "pod-security.kubernetes.io"
        labels = {f"{level}/enforce": "baseline"}
        apply("v1", "Namespace", self.name, metadata={"labels": labels})
        claim_of_folder(self.name, CLAIM, self.data)
        claim_of_folder(self.name, LAYERS, layers_folder())

    def remove(self) -> None:
        """Remove all of it."""
        remove_namespace(self.name)


@contextmanager
def running_namespace(name: str) -> Iterator[Namespace]:
    """A namespace with an empty data directory."""
    with TemporaryDirectory(prefix="bh-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        namespace = Namespace(name, Path(folder))
        try:
            namespace.make()
            yield namespace
        finally:
            namespace.remove()


class KubeHub(SandboxHub):
    """The Hub's process, whose data directory is a claim of a namespace."""

    host = HOST
    own_profile = False

    def __init__(self, root: Path, name: str, extra: str = "") -> None:
        self.namespace = Namespace(name, root / "data")
        settings = "".join(
            f"c.Cluster.{key} = {value!r}\n" for key, value in self.namespace.settings.items()
        )
        super().__init__(root, extra=_EXTRA.format(host=HOST) + settings + extra)

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "KUBECONFIG": KUBECONFIG}

    def server_address(self, user: str, server: str) -> str:
        """Address and port of a server's pod, which this machine reaches."""
        return f"{self.pod(user, server)['status']['podIP']}:8888"

    def pod(self, user: str, server: str = "one") -> Any:
        """A server's pod, as the API server has it."""
        name = RunDirectory.of(self.layout, self.namespace.cluster.hub, user, server).name
        (pod,) = self.namespace.json("pods", f"--selector=binder-at-home/run={name}")["items"]
        return pod

    def pods(self) -> list[str]:
        """Names of every pod of this Hub."""
        marked = self.namespace.json("pods", f"--selector={HUB}={self.namespace.cluster.hub}")
        return [pod["metadata"]["name"] for pod in marked["items"]]

    def secrets(self) -> list[Any]:
        """The Secrets of this Hub's servers, as the API server has them."""
        marked = f"--selector={HUB}={self.namespace.cluster.hub}"
        found: list[Any] = self.namespace.json("secrets", marked)["items"]
        return found

    def leftovers(self) -> list[str]:
        """Pods, their Secrets, and directories of servers."""
        servers = self.layout.run / "pods"
        directories = [str(path) for path in servers.iterdir()] if servers.exists() else []
        deadline = time.monotonic() + SOON
        while (left := self._left_in_the_cluster()) and time.monotonic() < deadline:
            time.sleep(0.5)
        return [*left, *directories]

    def _left_in_the_cluster(self) -> list[str]:
        return [*self.pods(), *(secret["metadata"]["name"] for secret in self.secrets())]


@contextmanager
def running_kube_hub(image: str, name: str, repository: str, extra: str = "") -> Iterator[KubeHub]:
    """A running Hub whose launches are of this image.

    Args:
        name: of its namespace.
        repository: of the image.
    """
    with TemporaryDirectory(prefix="bh-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        hub = KubeHub(Path(folder), name, f"c.Cluster.repository = {repository!r}\n{extra}")
        hub.image = image
        try:
            hub.namespace.make()
            hub.start()
            yield hub
        finally:
            hub.stop()
            hub.namespace.remove()
