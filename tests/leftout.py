"""Tells at the end of a run how many tests were left out for want of a cluster."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

WHY = "(WITHOUT_CLUSTER)"
"""What such a skip ends with."""


def tell_left_out(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it, and write the number to the file that `LEFT_OUT` names, for whoever runs this."""
    skipped = terminalreporter.stats.get("skipped", [])
    number = sum(WHY in str(report.longrepr) for report in skipped)
    if number:
        terminalreporter.write_line(f"NOT TESTED: {number} tests on a cluster")
    if place := os.environ.get("LEFT_OUT"):
        Path(place).write_text(str(number))
