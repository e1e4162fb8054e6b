"""Chromium (`chromium.py`), the pages without a hub, and the whole thing running."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from chromium import artifacts, browser, context, page, pytest_runtest_teardown
from gitserver import missing
from harness import Pages
from homehub import HomeHub
from playwright.sync_api import Page

__all__ = ["artifacts", "browser", "context", "page", "pytest_runtest_teardown"]


_CONFIG = """
c.LaunchPolicy.max_memory = "2G"
c.Classes.teachers = ["staff"]
c.JupyterHub.load_groups = {"staff": {"users": ["maria"]}}
"""


@pytest.fixture
def pages() -> Iterator[Pages]:
    """Our pages with contexts the test chooses, and no hub."""
    with Pages() as server:
        yield server


@pytest.fixture(scope="session")
def home_hub() -> Iterator[HomeHub]:
    """`binder-at-home up` with the local engine and two people; started once for all tests."""
    lacking = [name for name in ("bwrap", "pasta") if shutil.which(name) is None]
    if problem := missing() or ", ".join(f"{name} is not installed" for name in lacking):
        pytest.skip(problem)
    with HomeHub.running(_CONFIG) as hub:
        yield hub


@pytest.fixture
def maria(home_hub: HomeHub, page: Page) -> Page:
    """Her browser, signed in."""
    home_hub.sign_in(page, "maria")
    return page
