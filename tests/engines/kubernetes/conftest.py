"""A builder on a real cluster, an image it made, and a Hub that runs it.

`kube_namespace`: a namespace with a data directory, for a session's builds.
`kube_builder`: a `KubernetesBuilder` on it, with our build pack and the cluster's base image.
`kube_image`: name of the image of an empty repository.
`kube_hub`: a Hub for launches of it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from dockersources import build, make_source
from kubebuilds import builder_on
from kubehub import (
    KUBECONFIG,
    KubeHub,
    Namespace,
    running_kube_hub,
    running_namespace,
    skip_without_cluster,
)

from binderhub_ext.engines.kubernetes.build import KubernetesBuilder


@pytest.fixture(scope="session")
def kube_namespace() -> Iterator[Namespace]:
    skip_without_cluster()
    os.environ["KUBECONFIG"] = KUBECONFIG
    with running_namespace(f"bah-builds-{os.getpid()}") as namespace:
        yield namespace


@pytest.fixture(scope="session")
def kube_builder(kube_namespace: Namespace) -> KubernetesBuilder:
    return builder_on(kube_namespace)


@pytest.fixture(scope="session")
def kube_image(kube_builder: KubernetesBuilder, tmp_path_factory: pytest.TempPathFactory) -> str:
    source = make_source(tmp_path_factory.mktemp("plain") / "repo", {"README.md": "nothing"})
    return asyncio.run(build(kube_builder, source)).image.name


@pytest.fixture(scope="session")
def kube_hub(kube_namespace: Namespace, kube_image: str) -> Iterator[KubeHub]:
    repository = kube_namespace.cluster.repository
    with running_kube_hub(kube_image, f"bah-hub-{os.getpid()}", repository) as hub:
        yield hub
