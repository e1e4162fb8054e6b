"""Which tests may not run beside each other, when several processes share the work (pytest-xdist).

A file stays in one process, for its fixtures. Folders that use one Hub of a whole session, or the
one Docker daemon, whose images and containers they count, stay in one process together. A test of
every engine goes to the others of its engine.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "tests/attack": "sandboxes",
    "tests/browser": "browser",
    "tests/clients": "clients",
    "tests/engines/contract": "docker",
    "tests/engines/docker": "docker",
    "tests/engines/kubernetes": "cluster",
    "tests/engines/local_run": "sandboxes",
    "tests/helm/test_cluster_added.py": "cluster",
    "tests/helm/test_cluster_crowd.py": "cluster",
    "tests/helm/test_cluster_faults.py": "cluster",
    "tests/helm/test_on_cluster.py": "cluster",
    "tests/house/test_up_with_docker.py": "docker",
}


class Rooms(LoadScopeScheduling):
    """FileChanger out whole rooms of tests."""

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        if "[kubernetes" in test:
            return "cluster"
        return TOGETHER.get(file) or TOGETHER.get(str(PurePosixPath(file).parent), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Rooms:
    return Rooms(config, log)
