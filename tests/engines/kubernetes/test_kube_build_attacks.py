"""What one repository's build can do to others, in Jobs on a real cluster."""

from __future__ import annotations

from uuid import uuid4

import pytest
from anybuilds import (
    Attacked,
    test_a_cache_of_one_repository_is_not_anothers,
    test_a_dockerfile_cannot_pass_for_another_environment,
    test_no_program_of_a_repository_runs_on_this_machine,
)
from kubehub import BASE, Namespace

from binderhub_ext.engines.kubernetes import labels
from binderhub_ext.engines.kubernetes.build import KubernetesBuilder

__all__ = [
    "test_a_cache_of_one_repository_is_not_anothers",
    "test_a_dockerfile_cannot_pass_for_another_environment",
    "test_no_program_of_a_repository_runs_on_this_machine",
]

pytestmark = pytest.mark.story


@pytest.fixture
def attacked(kube_builder: KubernetesBuilder, kube_namespace: Namespace) -> Attacked:
    def read(image: str, path: str) -> str:
        command = ("run", f"read-{uuid4().hex[:8]}", f"--image={image}", "--restart=Never")
        attach = ("--attach", "--rm", "--quiet", "--pod-running-timeout=5m")
        return kube_namespace.kubectl(*command, *attach, "--command", "--", "cat", path)

    async def labels_of(image: str) -> dict[str, str]:
        registry = kube_builder.registry
        manifest = await registry.find(image)
        assert manifest
        found: dict[str, str] = (await registry.config(image, manifest))["config"]["Labels"]
        return found

    return Attacked(kube_builder, BASE, labels.KEY, read, labels_of)
