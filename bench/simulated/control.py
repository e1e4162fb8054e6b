"""etcd, an API server, a scheduler and kwok: on loopback, in a directory, gone with the block."""

from __future__ import annotations

import json
import os
import secrets
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ports import free_ports

from .processes import end_of, program

STATE = Path(os.environ.get("CLUSTER_DIR", str(Path.home() / ".cache/binder-at-home/cluster")))
PROGRAMS = STATE / "bin"
HERE = Path(__file__).parent

PODS_PER_NODE = 200
_ADDRESSES = "127.77.0.1/16"
"""Where pods have their addresses: on the loopback interface, at which one server answers."""

_STARTS = 60
_AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "Metadata", "users": ["hub"]}, {"level": "None"}],
}
_OFF = "ServiceAccount,TaintNodesByCondition"
"""What controllers would have to answer for, which do not run."""

_NO_STREAMED_LISTS = "--feature-gates=WatchList=false"
"""kwok asks for them, and with the etcd that Debian has they never come."""


def missing() -> str:
    """What is not there of what this takes; empty if nothing."""
    lack = [name for name in ("etcd", "kube", "kwok") if not (PROGRAMS / name).exists()]
    names = ", ".join(lack)
    return f"{names} not built yet: run scripts/cluster simulator (once)" if lack else ""


class Control:
    """A running control plane.

    Args:
        folder: for all that it writes.

    Attributes:
        kubeconfig: for the programs that are measured: their requests are counted.
        answers: port at which one server answers for all pods.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kubeconfig = folder / "hub.kubeconfig"
        self._works = folder / "works.kubeconfig"
        self._audit = folder / "audit.log"
        self._ports = free_ports(6)
        self._port = self._ports + 2
        self.answers = self._ports + 5
        self._tokens = {name: secrets.token_hex() for name in ("hub", "works")}

    # --- what is counted ------------------------------------------------------------------

    def mark(self) -> int:
        """A moment; what is asked later counts from here."""
        return self._audit.stat().st_size

    def asked(self, since: int) -> Counter[str]:
        """Requests of the Hub and its service since a moment, by verb and kind."""
        with self._audit.open("rb") as log:
            log.seek(since)
            entries = [json.loads(line) for line in log]
        return Counter(
            f"{entry['verb']} {(entry.get('objectRef') or {}).get('resource', 'other')}"
            for entry in entries
        )

    # --- what is there --------------------------------------------------------------------

    def make(self, path: str, thing: dict[str, Any]) -> None:
        """Have the API server make something."""
        self._ask("POST", path, json.dumps(thing).encode())

    def make_nodes(self, people: int) -> None:
        """So many nodes as people's pods take, with room to spare."""
        room = {"cpu": "100", "memory": "1Ti", "pods": str(PODS_PER_NODE)}
        for number in range(people // PODS_PER_NODE + 2):
            name = f"node-{number}"
            about = {"name": name, "labels": {"kubernetes.io/hostname": name}}
            status = {"allocatable": room, "capacity": room}
            fields = {"apiVersion": "v1", "kind": "Node", "metadata": about, "status": status}
            self.make("/api/v1/nodes", fields)

    def make_namespace(self, name: str, claim: str) -> None:
        """A namespace with a claim, which nothing but the scheduler looks at."""
        about = {"name": name}
        self.make(
            "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": about}
        )
        size, volume = {"storage": "10Gi"}, f"{name}-{claim}"
        spec = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
        of = {"namespace": name, "name": claim}
        fields: dict[str, Any] = {
            **spec,
            "capacity": size,
            "hostPath": {"path": "/nowhere"},
            "claimRef": of,
        }
        self.make(
            "/api/v1/persistentvolumes",
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": volume},
                "spec": fields,
            },
        )
        bound = {"pv.kubernetes.io/bind-completed": "yes"}
        self.make(
            f"/api/v1/namespaces/{name}/persistentvolumeclaims",
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {**of, "annotations": bound},
                "spec": {**spec, "volumeName": volume, "resources": {"requests": size}},
            },
        )

    def remove_pods(self, namespace: str) -> None:
        """Remove all pods of a namespace, and wait until they are gone."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        self._ask("DELETE", f"{path}?gracePeriodSeconds=0")
        deadline = time.monotonic() + 600
        while json.loads(self._ask("GET", f"{path}?limit=1"))["items"]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"pods of {namespace} are left")
            time.sleep(1)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {
            "Authorization": f"Bearer {self._tokens['works']}",
            "Content-Type": "application/json",
        }
        url = f"https://127.0.0.1:{self._port}{path}"
        request = urllib.request.Request(url, body, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self._trust()) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.read().decode()}") from None

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "certs/apiserver.crt"))

    # --- its life -------------------------------------------------------------------------

    @contextmanager
    def running(self, answer: str) -> Iterator[Control]:
        """All of it for as long as the block runs.

        Args:
            answer: what the first container of a pod says when it has ended.
        """
        self._write(answer)
        with ExitStack() as stack:
            for name, argv in self._commands().items():
                log = self.folder / f"{name}.log"
                process = stack.enter_context(program(argv, log))
                if name == "apiserver":
                    self._wait(process, log)
            yield self

    def _write(self, answer: str) -> None:
        """What its programs read."""
        rows = [f'{token},{name},{name},"works"' for name, token in self._tokens.items()]
        tokens = self.folder / "tokens.csv"
        tokens.write_text("\n".join(rows) + "\n")
        tokens.chmod(0o600)
        (self.folder / "audit.json").write_text(json.dumps(_AUDIT))
        stages = (HERE / "stages.yaml").read_text().replace("ANSWER", answer.replace("'", "''"))
        (self.folder / "stages.yaml").write_text(stages)
        for name, path in (("hub", self.kubeconfig), ("works", self._works)):
            path.write_text(json.dumps(self._kubeconfig(self._tokens[name])))
            path.chmod(0o600)
        ecparam = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"]
        subprocess.run([*ecparam, "-out", str(self.folder / "accounts.key")], check=True)
        self._audit.touch()

    def _kubeconfig(self, token: str) -> dict[str, Any]:
        place = {
            "server": f"https://127.0.0.1:{self._port}",
            "certificate-authority": str(self.folder / "certs/apiserver.crt"),
        }
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "cluster", "cluster": place}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "own", "context": {"cluster": "cluster", "user": "user"}}],
            "current-context": "own",
        }

    def _commands(self) -> dict[str, list[str]]:
        kube, client, peer = str(PROGRAMS / "kube"), self._ports, self._ports + 1
        folder, etcd = self.folder, f"http://127.0.0.1:{client}"
        scheduler = [
            *(f"--kubeconfig={self._works}", "--leader-elect=false", "--profiling=false"),
            *("--bind-address=127.0.0.1", f"--secure-port={self._ports + 3}"),
            *("--kube-api-qps=1000", "--kube-api-burst=1000"),
        ]
        kwok = [
            *(f"--kubeconfig={self._works}", f"--config={folder / 'stages.yaml'}"),
            *("--manage-all-nodes", f"--cidr={_ADDRESSES}", "--node-ip=127.0.0.1"),
            f"--server-address=127.0.0.1:{self._ports + 4}",
        ]
        return {
            "answers": [sys.executable, str(HERE / "answers.py"), str(self.answers)],
            "etcd": [
                *(str(PROGRAMS / "etcd"), "--name=node", f"--data-dir={folder / 'etcd'}"),
                *(f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}"),
                f"--listen-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=node=http://127.0.0.1:{peer}",
            ],
            "apiserver": [kube, "kube-apiserver", *self._apiserver(etcd)],
            "scheduler": [kube, "kube-scheduler", *scheduler],
            "kwok": [str(PROGRAMS / "kwok"), *kwok],
        }

    def _apiserver(self, etcd: str) -> list[str]:
        key = self.folder / "accounts.key"
        return [
            *(f"--etcd-servers={etcd}", "--bind-address=127.0.0.1", f"--secure-port={self._port}"),
            *("--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"),
            *(f"--cert-dir={self.folder / 'certs'}", "--service-cluster-ip-range=10.97.0.0/16"),
            *("--authorization-mode=AlwaysAllow", "--anonymous-auth=false", "--profiling=false"),
            *(f"--token-auth-file={self.folder / 'tokens.csv'}", "--service-account-issuer=own"),
            *(f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}"),
            *(f"--disable-admission-plugins={_OFF}", f"--audit-log-path={self._audit}"),
            f"--audit-policy-file={self.folder / 'audit.json'}",
            _NO_STREAMED_LISTS,
        ]

    def _wait(self, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + _STARTS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                self._ask("GET", "/readyz")
                return
            except (OSError, RuntimeError):
                time.sleep(0.2)
        raise RuntimeError(f"the API server did not start:\n{end_of(log)}")
