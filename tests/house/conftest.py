"""Fixtures of the house's tests.

- `free_ports`: the first of four ports that are free now.
"""

from __future__ import annotations

import pytest
from hubprocess import four_free_ports


@pytest.fixture
def free_ports() -> int:
    return four_free_ports()
