"""The `kubernetes` engine starts its servers in the order that every engine has."""

from __future__ import annotations

import pytest
from kubehub import KubeHub
from startorder import *  # noqa: F403


@pytest.fixture
def hub(kube_hub: KubeHub) -> KubeHub:
    return kube_hub
