"""The chart on a real cluster: installed, used, changed, removed, installed again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

import pytest
from charts import CHART
from charts import helm as run_helm
from gitserver import GitServer
from kubehub import BASE, HOST, IMAGE, KUBECONFIG, REGISTRY, STATE, kubectl, skip_without_cluster

NAMESPACE = f"chart-{os.getpid()}"
VALUES = f"""
image: {{name: {IMAGE.rpartition(":")[0]}, tag: {IMAGE.rpartition(":")[2]}, pullPolicy: Never}}
images: {{repository: "{REGISTRY}/chart", insecure: true}}
data: {{accessMode: ReadWriteOnce, size: 1Gi}}
database: {{size: 1Gi}}
builds:
  config:
    KubernetesBuilder: {{buildpack: uv, base_image: "{BASE}", build_memory: 2147483648}}
    # Tests' repositories are on this machine.
    AddressPolicy: {{allowed_networks: ["{HOST}/32"]}}
servers:
  config:
    BinderKubeSpawner: {{mem_limit: 512M, start_timeout: 300, delete_grace_period: 1}}
networkPolicy: {{buildsReach: {{registry: {{cidr: {REGISTRY.partition(":")[0]}/32}}}}}}
hub:
  config:
    JupyterHub: {{authenticator_class: dummy}}
    DummyAuthenticator: {{password: a-long-password-for-tests}}
    Authenticator: {{allow_all: true}}
"""


def helm(*arguments: str) -> str:
    done = run_helm("--namespace", NAMESPACE, *arguments, stdin=VALUES)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def install(*settings: str) -> None:
    helm("upgrade", "--install", "it", str(CHART), "-f=-", "--wait", "--timeout=5m", *settings)


def ours(*arguments: str) -> str:
    return kubectl(f"--namespace={NAMESPACE}", *arguments)


def get(*what: str) -> list[dict[str, Any]]:
    """Objects of the namespace."""
    items: list[dict[str, Any]] = json.loads(ours("get", *what, "--output=json"))["items"]
    return items


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A repository where pods find it."""
    skip_without_cluster()
    with GitServer(tmp_path_factory.mktemp("git"), host=HOST) as server:
        yield server.create_repo("ada/notes", {"notes.txt": "of mine"}).url


@pytest.fixture(scope="module", autouse=True)
def installed(repository: str) -> Iterator[None]:
    kubectl("create", "namespace", NAMESPACE)
    level = "pod-security.kubernetes.io/enforce=baseline"
    kubectl("label", "namespace", NAMESPACE, level)
    try:
        install(f"--set=tests.repository={repository}")
        yield
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--timeout=2m", check=False)


@contextmanager
def entrance() -> Iterator[str]:
    """An address of the proxy on this machine's loopback."""
    command = [str(STATE / "bin" / "kubectl"), f"--kubeconfig={KUBECONFIG}", "port-forward"]
    command += [f"--namespace={NAMESPACE}", "service/it-binder-proxy", ":80"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            [port] = re.findall(r"127\.0\.0\.1:(\d+)", process.stdout.readline())
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


class Browser:
    """Somebody with cookies."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies = CookieJar()
        self._opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.cookies))

    def page(self, path: str, **form: str) -> tuple[str, str]:
        """Where one lands, and what is there."""
        data = urlencode(form).encode() if form else None
        with self._opener.open(self.address + path, data, timeout=60) as answer:
            return str(answer.geturl()), answer.read().decode()

    def sign_in(self, name: str) -> tuple[str, str]:
        self.page("/hub/login")
        [xsrf] = [cookie.value for cookie in self.cookies if cookie.name == "_xsrf"]
        form = {"username": name, "password": "a-long-password-for-tests", "_xsrf": xsrf or ""}
        return self.page("/hub/login?next=", **form)


def pods() -> dict[str, tuple[str, int]]:
    """Each pod of ours, with its identity and how often it was started again."""
    return {
        pod["metadata"]["labels"]["component"]: (
            pod["metadata"]["uid"],
            pod["status"]["containerStatuses"][0]["restartCount"],
        )
        for pod in get("pods", "--selector=app=binder-at-home")
        if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
    }


def secret() -> dict[str, str]:
    [found] = [s for s in get("secrets") if s["metadata"]["name"] == "it-binder"]
    data: dict[str, str] = found["data"]
    return data


def test_all_of_it_runs() -> None:
    assert set(pods()) == {"hub", "proxy", "service"}
    assert {restarts for _, restarts in pods().values()} == {0}


def test_somebody_signs_in_and_sees_the_form() -> None:
    with entrance() as address:
        url, page = Browser(address).sign_in("ada")
        assert url == f"{address}/services/binder/"
        assert "Binder" in page and "ada" in page


def test_helm_test_launches_something_real(repository: str) -> None:
    """It builds, starts and stops; and network policies keep what they promise."""
    told = helm("test", "it", "--logs", "--timeout=10m")
    assert "Succeeded" in told and "ready" in told
    assert not get("pods", "--selector=component=singleuser-server,app=jupyterhub")


def test_an_upgrade_that_changes_nothing_restarts_nothing() -> None:
    before, secrets = pods(), secret()
    install("--reuse-values")
    install("--reuse-values")
    time.sleep(2)
    assert pods() == before
    assert secret() == secrets


def test_a_killed_hub_and_proxy_are_back() -> None:
    with entrance() as address:
        Browser(address).sign_in("ada")
    ours("delete", "pod", "--selector=component in (hub, proxy)")
    ours(
        "wait",
        "--for=condition=Ready",
        "pod",
        "--selector=component in (hub, proxy)",
        "--timeout=2m",
    )

    deadline = time.monotonic() + 60
    while not signs_in():
        assert time.monotonic() < deadline
        time.sleep(1)


def signs_in() -> bool:
    with entrance() as address:
        try:
            return Browser(address).sign_in("ada")[0] == f"{address}/services/binder/"
        except OSError:
            return False


def test_what_people_have_survives() -> None:
    """An uninstallation keeps claims and secrets; the next installation goes on with them."""
    claims = {c["metadata"]["name"]: c["spec"]["volumeName"] for c in get("pvc")}
    secrets = secret()
    hub = ["exec", "deploy/it-binder-hub", "--"]
    ours(*hub, "touch", "/srv/binder/data/homes/kept")
    helm("uninstall", "it", "--wait")
    assert not get("deployments")
    assert {c["metadata"]["name"]: c["spec"]["volumeName"] for c in get("pvc")} == claims
    install()
    assert secret() == secrets
    ours(*hub, "rm", "/srv/binder/data/homes/kept")
