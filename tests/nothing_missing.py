"""Under CI a test may not be skipped for lack of something that could have been installed.

A skip whose words name an installation ("chromium is not installed", "apt-get install …") is then
an error; one for what no package brings (not root, no user namespaces) stays a skip.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr)
        if "install" in reason:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} may not be skipped under CI: {reason}"
    return report
