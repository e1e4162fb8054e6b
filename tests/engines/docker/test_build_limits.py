"""Builds that want too much of the machine: memory, processors, log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from dockerhub import BASE, docker
from dockersources import build, make_source

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.engines.docker import limits
from binderhub_ext.engines.docker.build import DockerBuilder

GROUP = limits.CGROUPS / "memory" / "docker/buildkit"


@pytest.fixture
def limited(docker_builder: DockerBuilder) -> Iterator[DockerBuilder]:
    """A builder with limits, which are the daemon's and so are taken back afterwards."""
    if docker("info", "--format={{.CgroupDriver}}{{.CgroupVersion}}") != "cgroupfs1":
        pytest.skip("this test reads what cgroupfs and version 1 write")
    if os.geteuid() != 0:
        pytest.skip("only root sets limits")
    builder = DockerBuilder(
        config=docker_builder.config, **docker_builder.trait_values(config=True)
    )
    # Others may build on this daemon at the same time: enough for them.
    builder.build_memory, builder.build_cpu = 2 << 30, 1.5
    yield builder
    (GROUP / "memory.limit_in_bytes").write_text("-1")
    (limits.CGROUPS / "cpu" / "docker/buildkit" / "cpu.cfs_quota_us").write_text("-1")


async def test_a_build_that_wants_too_much_memory_is_ended(
    limited: DockerBuilder, tmp_path: Path
) -> None:
    line = 'RUN python3 -c "bytearray(4 << 30)" && echo it-fitted'
    source = make_source(tmp_path / "repo", {"Dockerfile": f"FROM {BASE}\n{line}\n"})
    with pytest.raises(BuildFailed) as failure:
        await build(limited, source)
    assert "137" in failure.value.detail or "Killed" in failure.value.detail
    quota = limits.CGROUPS / "cpu" / "docker/buildkit" / "cpu.cfs_quota_us"
    assert quota.read_text().strip() == "150000"
    checks = {check.name: check for check in await limited.checks()}
    assert checks["limits of builds"].ok


async def test_a_log_without_end_fills_nothing(
    docker_builder: DockerBuilder, plain_image: str, tmp_path: Path
) -> None:
    """100 MB of it: what is told stays small, and the build goes on to its end."""
    line = "RUN yes 'this line is one of very many' | head -c 100000000"
    source = make_source(tmp_path / "repo", {"Dockerfile": f"FROM {plain_image}\n{line}\n"})
    built = await build(docker_builder, source)
    assert built.was_built
    assert len(built.log) < 10_000_000 and len(built.events) < 6000


def test_limits_of_version_2(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").touch()
    assert limits.apply(1 << 30, 2, "cgroupfs", tmp_path) == ""
    group = tmp_path / "docker/buildkit"
    assert (group / "memory.max").read_text() == str(1 << 30)
    assert (group / "cpu.max").read_text() == "200000 100000"


@pytest.mark.parametrize(
    ("memory", "driver", "words"), [(1, "systemd", "systemd"), (0, "systemd", ""), (0, "", "")]
)
def test_where_there_can_be_none(tmp_path: Path, memory: int, driver: str, words: str) -> None:
    assert words in limits.apply(memory, 0, driver, tmp_path)
    assert not list(tmp_path.iterdir())
