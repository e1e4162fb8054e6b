"""What postBuild makes is in the projects and homes of those who launch it, wherever it made it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from anymade import *  # noqa: F403
from anymade import FILES
from authority import Authority
from dockerhub import BASE, DockerHub, docker
from dockersources import Built, build, make_source

from binderhub_ext import certificates
from binderhub_ext.engines.docker.build import DockerBuilder
from binderhub_ext.engines.docker.images import trusting


@pytest.fixture
def hub(docker_hub: DockerHub) -> DockerHub:
    return docker_hub


@pytest.fixture(scope="module")
def made(docker_builder: DockerBuilder, tmp_path_factory: pytest.TempPathFactory) -> Built:
    source = make_source(tmp_path_factory.mktemp("made") / "repo", FILES)
    return asyncio.run(build(docker_builder, source))


async def test_a_base_image_trusts_whom_the_hub_trusts(
    docker_builder: DockerBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, daemon = docker_builder.store, docker_builder.daemon
    assert await trusting(daemon, store, BASE) == BASE
    before = docker_builder.recipe.ingredients
    authority = Authority(tmp_path / "authority")
    for name in certificates.NAMES:
        monkeypatch.setenv(name, str(authority.file))
    bundle = certificates.establish(tmp_path / "certificates.pem")
    assert bundle and docker_builder.recipe.ingredients != before
    name = await trusting(daemon, store, BASE)
    assert name != BASE and await trusting(daemon, store, BASE) == name
    (facts,) = json.loads(docker("inspect", name))
    variables = dict(one.split("=", 1) for one in facts["Config"]["Env"])
    place = variables["SSL_CERT_FILE"]
    assert {variables[one] for one in certificates.NAMES} == {place}
    seen = docker("run", "--rm", "--network=none", "--entrypoint=cat", name, place)
    assert authority.file.read_text().strip() in seen
