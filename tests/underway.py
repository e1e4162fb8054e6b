"""Names the tests that were underway when a run was given up, so that one that hangs is found."""

from __future__ import annotations

import time

import pytest

_began: dict[str, float] = {}


def pytest_runtest_logstart(nodeid: str) -> None:
    _began[nodeid] = time.monotonic()


def pytest_runtest_logfinish(nodeid: str) -> None:
    _began.pop(nodeid, None)


def tell_underway(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests had not ended."""
    for nodeid, began in _began.items():
        terminalreporter.write_line(f"UNDERWAY for {time.monotonic() - began:.0f} s: {nodeid}")
