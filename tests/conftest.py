"""Fixtures of more than one room's tests.

- `cleared`: for tests that make folders deeper than pytest can remove (`hostile.py`).
- `own_authorities`: what a test had programs trust ends with it.
- `leftout.py`: how many tests were left out for want of a cluster.
- `gitserver`: a real Git server on loopback (`gitserver.py`).
- `readymade.py`: the environment of an empty repository, for every data directory.
- `rooms.py`: which tests may not run beside each other.
- `sandbox_hub`: a real Hub with real sandboxes, once as root and once as an ordinary user
  (`sandboxhub.py`).
- `underway.py`: which tests a run that was given up did not get to end.
"""

import os
from collections.abc import Iterator

import pytest
from gitserver import gitserver
from hostiletrees import cleared
from hypothesis import settings
from leftout import tell_left_out
from nothing_missing import pytest_runtest_makereport
from readymade import pytest_configure, pytest_unconfigure
from rooms import (
    pytest_collection_modifyitems,
    pytest_itemcollected,
    pytest_runtest_protocol,
    pytest_xdist_make_scheduler,
)
from sandboxhub import pytest_sessionfinish, sandbox_hub
from underway import pytest_runtest_logfinish, pytest_runtest_logstart, tell_underway

from binderhub_ext import certificates

__all__ = [
    "cleared",
    "gitserver",
    "own_authorities",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_itemcollected",
    "pytest_runtest_logfinish",
    "pytest_runtest_logstart",
    "pytest_runtest_makereport",
    "pytest_runtest_protocol",
    "pytest_sessionfinish",
    "pytest_unconfigure",
    "pytest_xdist_make_scheduler",
    "sandbox_hub",
]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    tell_underway(terminalreporter)
    tell_left_out(terminalreporter)


# Everywhere as Hypothesis by itself has it under CI: the same examples each time, however slow.
settings.register_profile(
    "ours", settings.get_profile("ci"), derandomize=not os.environ.get("BINDER_LONG")
)
settings.load_profile("ours")


@pytest.fixture(autouse=True)
def own_authorities() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in certificates.NAMES}
    yield
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
