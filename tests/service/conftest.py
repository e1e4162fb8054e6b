"""Fixtures of the service's tests.

- `realhub`: one JupyterHub with our service for all tests (`realhub.py`).
- `repos`: a real Git server for all of them.
- `postgres`: a real PostgreSQL for all of them.
- `records`: of a service, in a file.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gitserver import GitServer
from postgres import Postgres, running_postgres
from realhub import RealHub

from binderhub_ext.service.records.database import sqlite_url
from binderhub_ext.service.records.records import Records

_GENEROUS = """
c.Volumes.groups = {"class-a": {"rw": ["teachers"], "ro": ["students"]}}
c.Volumes.per_person = 3
c.LaunchPolicy.max_memory = "8G"
c.LaunchPolicy.max_cpu = 4
c.LaunchPolicy.images = ["quay.io/jupyter/.*"]
c.LaunchPolicy.sizes = {
    "large": {"memory": "4G", "cpu": 2},
    "of crew": {"memory": "6G", "groups": ["crew"]},
}
c.Authenticator.admin_users = {"ada-of-admin"}
c.Classes.teachers = ["staff"]
c.JupyterHub.load_groups = {
    "crew": {"users": ["cy-of-crew"]},
    "lab": {"users": ["bob"]},
    "readers": {"users": ["gil-of-catalogue", "gus-of-catalogue"]},
    "staff": {"users": ["tessa-of-class", "tina-of-class", "tom-of-class"]},
    "students": {"users": ["stu"]},
    "teachers": {"users": ["tea"]},
}
c.JupyterHub.load_roles = [
    {
        "name": "looks",
        "scopes": ["admin-ui", "list:users", "read:users", "read:servers"],
        "users": ["lou-of-looks"],
    }
]
c.Appearance.languages = ["en", "de", "fr", "xx"]
c.Catalogue.per_person = 3
c.Catalogue.reports_per_day = 2
# so that lists of the Hub come in several pages
c.JupyterHub.api_page_max_limit = 2
c.JupyterHub.api_page_default_limit = 2
"""


@pytest.fixture(scope="session")
def repos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with GitServer(tmp_path_factory.mktemp("git")) as server:
        server.create_repo("me/mine", {"requirements.txt": "", "index.ipynb": "{}"})
        yield server


@pytest.fixture(scope="session")
def realhub(tmp_path_factory: pytest.TempPathFactory, repos: GitServer) -> Iterator[RealHub]:
    keys = f"c.GitProvider.unencrypted_credential_hosts = ['127.0.0.1:{repos.port}']"
    with RealHub(tmp_path_factory.mktemp("hub"), f"{_GENEROUS}{keys}\n") as hub:
        yield hub


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as running:
        yield running


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records(sqlite_url(tmp_path / "b.sqlite"), engine="local")
    yield opened
    opened.close()
