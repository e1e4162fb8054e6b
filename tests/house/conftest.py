"""Fixtures of the house's tests.

- `free_ports`: the first of four ports that are free now.
"""

from __future__ import annotations

import random

import pytest

from binderhub_ext.core.errors import CannotStart
from binderhub_ext.up.network import Ports, check_free


@pytest.fixture
def free_ports() -> int:
    """Below the range from which the kernel gives out ports by itself."""
    for _ in range(100):
        port = random.randrange(12000, 30000, 4)
        try:
            check_free("127.0.0.1", Ports(port), patience=0)
        except CannotStart:
            continue
        return port
    raise AssertionError("no four free ports")
