"""The `local` engine starts its servers in the order that every engine has."""

from __future__ import annotations

import pytest
from sandboxhub import SandboxHub, root_if_possible
from startorder import *  # noqa: F403


@pytest.fixture
def hub(sandbox_hub: SandboxHub) -> SandboxHub:
    return sandbox_hub


pytestmark = root_if_possible
