"""Fixtures of the house's tests.

- `free_ports`: the first of four ports that are free now.
"""

from __future__ import annotations

import ports
import pytest


@pytest.fixture
def free_ports() -> int:
    return ports.free_ports(4)
