"""`attack` (`anyattacks.py`) on a Hub of this machine; once that is root, once an ordinary user."""

from __future__ import annotations

import pytest
from anyattacks import attack, listeners, secret
from sandboxhub import SandboxHub

__all__ = ["attack", "listeners", "secret"]


@pytest.fixture(scope="session")
def hub(sandbox_hub: SandboxHub) -> SandboxHub:
    return sandbox_hub
