"""A builder on this machine's daemon, images it made, and a Hub that runs them.

`docker_data`: one data directory for a session's builds.
`docker_builder`: a `DockerBuilder` on it, with our build pack and the base image of
`scripts/docker-engine`.
`plain_image`: name of the image of an empty repository.
`docker_hub`: a Hub for launches of it.
`registry`: a real registry; `lab_image`: the name of an image that is nowhere but in it.
`browser`, `context`, `page`, `artifacts`: Chromium (`tests/browser/chromium.py`).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from datadirs import temporary_data
from dockerhub import (
    BUILDER,
    NETWORK,
    PREFIX,
    DockerHub,
    remove_images,
    remove_network,
    running_docker_hub,
    skip_without_docker,
)
from dockerregistry import SmallRegistry, publish, running_registry
from dockersources import build, make_source

from binderhub_ext.engines.docker import network
from binderhub_ext.engines.docker.build import DockerBuilder

# What a person does in a browser is written down once, in the browser tests' folder.
sys.path[:0] = [str(Path(__file__).parents[2] / "browser")]

from chromium import artifacts, browser, context, page, pytest_runtest_teardown  # noqa: E402

__all__ = ["artifacts", "browser", "context", "page", "pytest_runtest_teardown"]


@pytest.fixture(scope="session", autouse=True)
def servers_network() -> Iterator[None]:
    """The tests' own network, taken away at the end with the rules that go with it."""
    skip_without_docker()
    network.ensure_network(NETWORK)
    yield
    remove_images(PREFIX)
    remove_network(NETWORK)


@pytest.fixture(scope="session")
def docker_data() -> Iterator[Path]:
    with temporary_data() as folder:
        yield folder


@pytest.fixture(scope="session")
def docker_builder(servers_network: None, docker_data: Path) -> DockerBuilder:
    return DockerBuilder(data_dir=str(docker_data), min_free_space=1 << 30, **BUILDER)


@pytest.fixture(scope="session")
def plain_image(docker_builder: DockerBuilder, tmp_path_factory: pytest.TempPathFactory) -> str:
    source = make_source(tmp_path_factory.mktemp("plain") / "repo", {"README.md": "nothing"})
    return asyncio.run(build(docker_builder, source)).image.name


@pytest.fixture(scope="session")
def docker_hub(plain_image: str) -> Iterator[DockerHub]:
    with running_docker_hub(plain_image) as hub:
        yield hub


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallRegistry]:
    skip_without_docker()
    with running_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="session")
def lab_image(registry: SmallRegistry, plain_image: str) -> str:
    return publish(registry, plain_image, "lab/python:1")
