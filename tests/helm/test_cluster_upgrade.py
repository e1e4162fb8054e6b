"""An older chart brought to this one while people work, and then to a registry of its own.

`tests/fixtures/first-chart.tgz` is the first chart that this project had, packed by
`git archive e30f91f helm/binder-at-home | tar x && helm package helm/binder-at-home`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from charts import CHART
from release import NODE, Release

FIRST_CHART = Path(__file__).parents[1] / "fixtures" / "first-chart.tgz"
SMALL_SITE = (
    "--set=registry.enabled=true,images.repository=,registry.size=1Gi",
    "--set=registry.image=docker.io/binder-at-home/registry:1",
)
REGISTRY = "it-binder-registry:5000"
ASK = f"""
from urllib.request import urlopen
from urllib.error import HTTPError
try:
    print(urlopen("http://{REGISTRY}/v2/", timeout=5).status)
except HTTPError as error:
    print(error.code)
"""


@pytest.fixture(scope="module")
def older(plain_repository: str) -> Iterator[Release]:
    """An installation of the first chart."""
    with Release(f"older-{os.getpid()}", chart=FIRST_CHART).installed() as older:
        yield older


def test_what_people_have_is_there_after_an_upgrade(older: Release, plain_repository: str) -> None:
    """Their sign-ins and files, a server that runs, claims and secrets."""
    ada = older.person("ada")
    ada.launch_until_ready(plain_repository)
    ada.write("mine.txt", "kept")
    server = older.server_of("ada")["metadata"]["uid"]
    known, secrets = older.claims(), older.secrets()
    older.chart = CHART
    older.install()
    assert older.server_of("ada")["metadata"]["uid"] == server
    assert ada.read("mine.txt") == "kept"
    assert (older.claims(), older.secrets()) == (known, secrets)
    ada.stop()
    ada.launch_until_ready(plain_repository)
    assert ada.read("mine.txt") == "kept"


def test_a_registry_of_its_own(older: Release, plain_repository: str) -> None:
    """It is pushed to by builds, pulled from by nodes, and nothing to people's servers.

    Who worked before goes on; an environment that was elsewhere is built once more.
    """
    older.install(*SMALL_SITE)
    parts, secrets = older.parts(), older.secrets()
    ada, eve = older.people(["ada", "eve"])
    assert ada.read("mine.txt") == "kept"
    eve.launch_until_ready(plain_repository)
    server = older.server_of("eve")
    (notebook,) = (each for each in server["spec"]["containers"] if each["name"] == "notebook")
    assert notebook["image"].startswith("127.0.0.1:30500/environments:")
    inside = (server["metadata"]["name"], "--container=notebook")
    assert older.reached(*inside, places=[REGISTRY, f"{NODE}:30500"]) == []
    assert older.inside_hub("python3", "-c", ASK) == "401"
    older.install(*SMALL_SITE)
    assert (older.parts(), older.secrets()) == (parts, secrets)
    # Room is given back, and what is in use stays.
    built = older.builds()
    older.kubectl("rollout", "restart", "deployment/it-binder-registry")
    older.kubectl("rollout", "status", "deployment/it-binder-registry", "--timeout=4m")
    ada.stop()
    ada.launch_until_ready(plain_repository)
    assert ada.read("mine.txt") == "kept" and older.builds() == built
    for person in (ada, eve):
        person.stop()
