"""The chart on a real cluster: installed, used, changed, removed, installed again."""

from __future__ import annotations

import re
import time

import pytest
from charts import helm
from kubehub import kubectl
from metadata import cloud_metadata
from patience import SOON
from release import NODE, Browser, Release

pytestmark = pytest.mark.story


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
    before, secrets = release.parts(), release.secrets()
    release.install()
    release.install()
    time.sleep(2)
    assert release.parts() == before
    assert release.secrets() == secrets


def test_prepare_gets_an_image_onto_the_nodes(release: Release, plain_repository: str) -> None:
    """With the rights that the chart gives; nobody's server runs, and nothing that pulled stays."""
    outcome = release.person("tea").prepare(plain_repository)
    assert outcome.ready, outcome.told
    assert outcome.words == (
        "The image is ready. It is on the one node on which such servers may run."
    )
    assert release.servers() == [] and release.get("daemonsets") == []


PULLS_NOTHING = """
import json
from traitlets.config import Config
from binderhub_ext.engines.kubernetes.cluster import Cluster
from binderhub_ext.engines.kubernetes.placement import Placement
from binderhub_ext.engines.kubernetes.prepull import manifest

config = Config(json.load(open("/etc/binder/service.json")))
cluster = Cluster(config=config)
image = f"{cluster.repository}:{'0' * 32}"
print(json.dumps(manifest(image, Placement(), cluster)))
"""


def test_what_prepare_makes_is_gone_with_the_service(release: Release) -> None:
    """As by an uninstallation in the middle of it: nobody sweeps any more."""
    service = "deploy/it-binder-service"
    made = release.kubectl("exec", service, "--", "python3", "-c", PULLS_NOTHING)
    kubectl(f"--namespace={release.namespace}", "create", "--filename=-", given=made)
    assert len(release.get("daemonsets")) == 1
    release.kubectl("scale", service, "--replicas=0")
    try:
        until = time.monotonic() + SOON
        while release.get("daemonsets"):
            assert time.monotonic() < until, "it is still there"
            time.sleep(0.5)
    finally:
        release.kubectl("scale", service, "--replicas=1")
        release.until_ready()
        release.until_found()


DATABASE = ("run", "database", "--image=docker.io/binder-at-home/busybox:1", "--restart=Never")
LISTEN = ("--image-pull-policy=Never", "--", "nc", "-ll", "-p", "5432", "-e", "true")


@pytest.fixture
def database(release: Release) -> str:
    """Where something listens as PostgreSQL in a cluster does."""
    release.kubectl(*DATABASE, *LISTEN)
    release.kubectl("wait", "--for=condition=Ready", "pod/database", "--timeout=4m")
    (pod,) = (p for p in release.get("pods") if p["metadata"]["name"] == "database")
    return f"{pod['status']['podIP']}:5432"


def test_a_server_reaches_nothing_in_the_cluster(
    release: Release, plain_repository: str, database: str
) -> None:
    """What it does not reach is there: the Hub's pod, which nothing limits, reaches all of it."""
    eve, ana = release.people(["eve", "ana"])
    for person in (eve, ana):
        person.launch_until_ready(plain_repository)
    mine, other = release.server_of("eve"), release.server_of("ana")
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
        inside = (mine["metadata"]["name"], "--container=notebook")
        theirs = f"{other['status']['podIP']}:8888"
        assert release.reached(*inside, places=[*places, theirs]) == []
        assert release.reached(*inside, places=["it-binder-hub:8081"]) == ["it-binder-hub:8081"]
        assert release.reached("deploy/it-binder-hub", places=[*places, theirs]) == [
            *places,
            theirs,
        ]
    release.kubectl("delete", "pod", "database", "--now")
    for person in (eve, ana):
        person.stop()


def test_a_server_is_given_a_secret(release: Release, plain_repository: str) -> None:
    """With the rights that the chart gives, and no more."""
    browser = Browser(release.address)
    _, page = browser.sign_in("ida")
    (xsrf, *_) = re.findall(r'name="_xsrf" value="([^"]+)"', page)
    form = {"name": "API_KEY", "value": "hush-7c1f", "_xsrf": xsrf}
    browser.page("/services/binder/settings/secrets", **form)
    ida = release.person("ida")
    assert ida.launch(plain_repository, "API_KEY").ready
    server = release.server_of("ida")["metadata"]["name"]
    read = ("exec", server, "--container=notebook", "--", "printenv", "API_KEY")
    assert release.kubectl(*read) == "hush-7c1f"
    account = f"--as=system:serviceaccount:{release.namespace}:it-binder-hub"
    for verb in ("get", "list", "watch", "patch", "delete"):
        assert release.kubectl("auth", "can-i", verb, "secrets", account, check=False) == "no"
    ida.stop()


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
    known, secrets = release.claims(), release.secrets()
    release.helm("uninstall", "it", "--wait")
    assert not release.get("deployments")
    assert release.claims() == known
    release.install()
    assert release.secrets() == secrets
    ada = release.person("ada")
    ada.launch_until_ready(plain_repository)
    assert ada.read("mine.txt") == "kept"
    ada.stop()
