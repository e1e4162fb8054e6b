"""The `local` engine starts its servers in the order that every engine has."""

from __future__ import annotations

import os

import pytest
from sandboxhub import SandboxHub
from startorder import *  # noqa: F403


@pytest.fixture
def hub(sandbox_hub: SandboxHub) -> SandboxHub:
    return sandbox_hub


pytestmark = pytest.mark.parametrize(
    "sandbox_hub", ["ordinary" if os.geteuid() else "root"], indirect=True
)
