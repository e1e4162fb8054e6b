"""The chart on a real cluster: installed, used, changed, removed, installed again."""

from __future__ import annotations

import time

import pytest
from charts import helm
from metadata import cloud_metadata
from release import NODE, Browser, Release

pytestmark = pytest.mark.story


def secret(release: Release) -> dict[str, str]:
    [found] = [s for s in release.get("secrets") if s["metadata"]["name"] == "it-binder"]
    data: dict[str, str] = found["data"]
    return data


def claims(release: Release) -> dict[str, str]:
    return {c["metadata"]["name"]: c["spec"]["volumeName"] for c in release.get("pvc")}


def test_all_of_it_runs(release: Release) -> None:
    assert set(release.parts()) == {"hub", "proxy", "service"}
    assert {restarts for _, restarts in release.parts().values()} == {0}


def test_somebody_signs_in_and_sees_the_form(release: Release) -> None:
    url, page = Browser(release.address).sign_in("ada")
    assert url == f"{release.address}/services/binder/"
    assert "Binder" in page and "ada" in page


def test_helm_test_launches_something_real(release: Release) -> None:
    """It builds, starts and stops; and network policies keep what they promise."""
    told = release.helm("test", "it", "--logs", "--timeout=10m")
    assert "Succeeded" in told and "ready" in told
    assert release.servers() == []


def test_helm_test_notices_that_policies_are_not_enforced(release: Release) -> None:
    """As on a cluster whose network knows none."""
    release.kubectl("delete", "networkpolicy", "it-binder-servers")
    try:
        arguments = ("test", "it", "--filter=name=it-binder-test-reach", "--logs", "--timeout=5m")
        done = helm("--namespace", release.namespace, *arguments)
        assert done.returncode != 0
        assert "kubernetes.default:443 is reached, and must not be." in done.stdout
        assert "Does this cluster's network enforce network policies?" in done.stdout
    finally:
        release.install()


def test_an_upgrade_that_changes_nothing_restarts_nothing(release: Release) -> None:
    before, secrets = release.parts(), secret(release)
    release.install()
    release.install()
    time.sleep(2)
    assert release.parts() == before
    assert secret(release) == secrets


REACH = """
import socket, sys
for place in sys.argv[1:]:
    host, port = place.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), 3) as connection:
            print(place, "reached")
    except OSError:
        print(place, "refused")
"""


def reached(release: Release, *where: str, places: list[str]) -> list[str]:
    """Which of these a container reaches."""
    told = release.kubectl("exec", *where, "--", "python3", "-c", REACH, *places)
    return [line.split()[0] for line in told.splitlines() if line.endswith(" reached")]


def pod_of(release: Release, name: str) -> dict[str, str]:
    """Name and address of the pod of somebody's one server."""
    label = f"--selector=component=singleuser-server,hub.jupyter.org/username={name}"
    (pod,) = release.get("pods", label)
    return {"name": pod["metadata"]["name"], "address": pod["status"]["podIP"]}


DATABASE = ("run", "database", "--image=docker.io/binder-at-home/busybox:1", "--restart=Never")
LISTEN = ("--image-pull-policy=Never", "--", "nc", "-ll", "-p", "5432", "-e", "true")


@pytest.fixture
def database(release: Release) -> str:
    """Where something listens as PostgreSQL in a cluster does."""
    release.kubectl(*DATABASE, *LISTEN)
    release.kubectl("wait", "--for=condition=Ready", "pod/database", "--timeout=60s")
    (pod,) = (p for p in release.get("pods") if p["metadata"]["name"] == "database")
    return f"{pod['status']['podIP']}:5432"


def test_a_server_reaches_nothing_in_the_cluster(
    release: Release, plain_repository: str, database: str
) -> None:
    """What it does not reach is there: the Hub's pod, which nothing limits, reaches all of it."""
    eve, ana = release.people(["eve", "ana"])
    for person in (eve, ana):
        person.launch_until_ready(plain_repository)
    mine, other = pod_of(release, "eve"), pod_of(release, "ana")
    parts = release.get("pods", "--selector=app=binder-at-home,component in (proxy, service)")
    ports = {"proxy": 8001, "service": 8003}
    ours = [
        f"{pod['status']['podIP']}:{ports[pod['metadata']['labels']['component']]}" for pod in parts
    ]
    places = [
        "169.254.169.254:80",
        "kubernetes.default:443",
        f"{NODE}:16443",
        f"{NODE}:15000",
        f"{NODE}:10250",
        database,
        *ours,
    ]
    with cloud_metadata():
        inside = (mine["name"], "--container=notebook")
        theirs = f"{other['address']}:8888"
        assert reached(release, *inside, places=[*places, theirs]) == []
        assert reached(release, *inside, places=["it-binder-hub:8081"]) == ["it-binder-hub:8081"]
        assert reached(release, "deploy/it-binder-hub", places=[*places, theirs]) == [
            *places,
            theirs,
        ]
    release.kubectl("delete", "pod", "database", "--now")
    for person in (eve, ana):
        person.stop()


def test_what_people_have_survives(release: Release, plain_repository: str) -> None:
    """An upgrade leaves servers alone; an uninstallation keeps claims and secrets, and the next
    installation goes on with them.
    """
    ada = release.person("ada")
    ada.launch_until_ready(plain_repository)
    ada.write("mine.txt", "kept")
    assert "of the repository" in ada.read("notes.txt")
    before = release.servers()
    release.install("--set=hub.env.PLAIN=changed")
    assert release.servers() == before and ada.read("mine.txt") == "kept"
    ada.stop()
    known, secrets = claims(release), secret(release)
    release.helm("uninstall", "it", "--wait")
    assert not release.get("deployments")
    assert claims(release) == known
    release.install()
    assert secret(release) == secrets
    ada = release.person("ada")
    ada.launch_until_ready(plain_repository)
    assert ada.read("mine.txt") == "kept"
    ada.stop()
