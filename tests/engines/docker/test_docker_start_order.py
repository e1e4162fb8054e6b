"""The `docker` engine starts its servers in the order that every engine has."""

from __future__ import annotations

import pytest
from dockerhub import DockerHub
from startorder import *  # noqa: F403


@pytest.fixture
def hub(docker_hub: DockerHub) -> DockerHub:
    return docker_hub
