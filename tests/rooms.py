"""Which tests may not run beside each other, when several processes share the work (pytest-xdist).

A file stays in one process, for its fixtures. Folders that use one Hub or one data directory of a
whole session, or the one Docker daemon, whose images and containers they count, stay in one process
together. Rooms that take long come first, so that all processes end at about the same time.

Some rooms use one cluster. A test that stops a part of it (`disturbs`) waits until the others are
between two tests, and has it to itself.
"""

from __future__ import annotations

import fcntl
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "tests/attack": "sandboxes",
    "tests/browser": "browser",
    "tests/clients": "clients",
    "tests/engines/contract": "contract",
    "tests/engines/docker": "docker",
    "tests/engines/kubernetes": "cluster",
    "tests/engines/local_build": "builds",
    "tests/engines/local_run": "sandboxes",
    "tests/helm/test_cluster_added.py": "chart",
    "tests/helm/test_cluster_crowd.py": "chart",
    "tests/helm/test_cluster_faults.py": "chart",
    "tests/helm/test_cluster_story.py": "chart",
    "tests/helm/test_cluster_upgrade.py": "chart",
    "tests/helm/test_on_cluster.py": "chart",
    "tests/house/test_up_with_docker.py": "docker",
}

OF_ENGINES = {"[docker": "docker", "[kubernetes": "jobs"}
"""Where tests of every engine run for one of them."""

LONGEST = (
    "cluster",
    "docker",
    "chart",
    "jobs",
    "sandboxes",
    "browser",
    "contract",
    "builds",
    "clients",
    "tests/house/test_up.py",
    "tests/storage/test_sync_random.py",
    "tests/storage/test_sync_killed.py",
    "tests/service/test_postgresql.py",
)


def room_of(nodeid: str) -> str:
    """The room of a test."""
    file = nodeid.partition("::")[0]
    room = TOGETHER.get(file) or TOGETHER.get(str(PurePosixPath(file).parent), file)
    if room == "contract":
        return next((other for mark, other in OF_ENGINES.items() if mark in nodeid), room)
    return room


class Rooms(LoadScopeScheduling):
    """Hands out whole rooms of tests."""

    def _split_scope(self, nodeid: str) -> str:
        return room_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Rooms:
    return Rooms(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the longest rooms first where several processes share the work."""
    if hasattr(config, "workerinput"):
        ranks = {room: rank for rank, room in enumerate(LONGEST)}
        items.sort(key=lambda item: ranks.get(room_of(item.nodeid), len(ranks)))


ON_CLUSTER = ("cluster", "chart", "jobs")
_TURN, _USE = Path(__file__), Path(__file__).with_name("kubehub.py")
"""Files that say by locks whose turn it is to come to the cluster, and who uses it."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what uses the cluster."""
    if room_of(item.nodeid) in ON_CLUSTER:
        item.add_marker("cluster")


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    with path.open() as file:
        fcntl.flock(file, how)
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if not hasattr(item.config, "workerinput") or not item.get_closest_marker("cluster"):
        return (yield)
    disturbs = item.get_closest_marker("disturbs") is not None
    with ExitStack() as use:
        # Who waits for all others to leave is not passed by those who come later.
        with _locked(_TURN, fcntl.LOCK_EX):
            use.enter_context(_locked(_USE, fcntl.LOCK_EX if disturbs else fcntl.LOCK_SH))
        return (yield)
