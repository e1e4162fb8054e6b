"""Caches that steps of Dockerfiles ask for: which builds are kept apart, and how they are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from binderhub_ext.engines.containers.caches import asks_for_caches, own_caches
from binderhub_ext.engines.detect import Detection
from binderhub_ext.engines.docker.job import Job

CACHE = "RUN --mount=type=cache,id=pip,target=/c pip install six\n"


def found(folder: str, *names: str) -> Detection:
    return Detection(
        "DockerBuildPack", folder, "", "", tuple((name, "") for name in names), (), True
    )


@pytest.mark.parametrize(
    ("folder", "text", "asks"),
    [("", CACHE, True), ("binder", CACHE, True), ("", "RUN pip install six\n", False)],
)
def test_a_dockerfile_whose_steps_ask_for_caches_is_known(
    tmp_path: Path, folder: str, text: str, asks: bool
) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "Dockerfile").write_text(f"FROM scratch\n{text}")
    path = str(Path(folder, "Dockerfile"))
    assert asks_for_caches(tmp_path, found(folder, path)) is asks
    assert not asks_for_caches(tmp_path, found(folder, "environment.yml"))


def test_its_steps_are_no_other_builds_steps() -> None:
    """BuildKit leaves names of caches out of what it knows a step by, not that of its machine."""
    assert own_caches("mine") == {"BUILDKIT_CACHE_MOUNT_NS": "mine"}
    assert own_caches("mine", apart=True)["BUILDKIT_SANDBOX_HOSTNAME"] == "mine"
    job = Job("/context", "image", cache="mine", apart=True)
    assert "--build-arg=BUILDKIT_SANDBOX_HOSTNAME=mine" in job.own_caches
    podman = Job("/context", "image", apart=True)
    assert podman.own_caches == ["--no-cache"], "which has no such arguments"
