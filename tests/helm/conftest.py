"""The chart on a cluster.

`repositories`: a Git server where pods find it.
`release`: the chart, installed once for all tests of it.
`browser`, `context`, `page`, `artifacts`: Chromium (`tests/browser/chromium.py`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gitserver import GitServer
from kubehub import HOST, skip_without_cluster
from release import Release, namespace

# What a person does in a browser is written down once, in the browser tests' folder.
sys.path[:0] = [str(Path(__file__).parents[1] / "browser")]

from chromium import artifacts, browser, context, page, pytest_runtest_teardown  # noqa: E402

__all__ = ["artifacts", "browser", "context", "page", "pytest_runtest_teardown"]


@pytest.fixture(scope="session")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    skip_without_cluster()
    with GitServer(tmp_path_factory.mktemp("git"), host=HOST) as server:
        yield server


@pytest.fixture(scope="session")
def plain_repository(repositories: GitServer) -> str:
    """The address of one whose environment is that of an empty repository."""
    return repositories.create_repo("ada/notes", {"notes.txt": "of the repository"}).url


@pytest.fixture(scope="session")
def release(plain_repository: str) -> Iterator[Release]:
    with Release(namespace(), f"tests.repository={plain_repository}").installed() as release:
        yield release
