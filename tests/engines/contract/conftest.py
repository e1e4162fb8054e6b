"""Every engine, with a data directory of its own, for one suite.

`kit`: an engine under test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from datadirs import temporary_data
from dockerhub import BASE, remove_images, skip_without_docker
from enginekit import Kit
from kubehub import KUBECONFIG, running_namespace, skip_without_cluster
from kubesettings import builder_settings
from readymade import give_environment


@pytest.fixture(scope="session", params=["local", "docker", "kubernetes"])
def kit(request: pytest.FixtureRequest) -> Iterator[Kit]:
    """Each engine in turn."""
    if request.param == "kubernetes":
        skip_without_cluster()
        os.environ["KUBECONFIG"] = KUBECONFIG
        with running_namespace(f"bah-contract-{os.getpid()}") as namespace:
            others = {"Cluster": namespace.settings}
            settings = {**builder_settings(), "build_timeout": 300}
            yield Kit("kubernetes", namespace.data, settings, others, namespace)
        return
    with temporary_data() as data:
        if request.param == "local":
            if not shutil.which("bwrap"):
                pytest.skip("bubblewrap is not installed (apt-get install -y bubblewrap)")
            give_environment(data)
            yield Kit("local", data, {"build_timeout": 300})
            return
        skip_without_docker()
        prefix = f"bah-contract-{os.getpid()}/"
        settings = {
            "build_timeout": 300,
            "buildpack": "uv",
            "base_image": BASE,
            "image_prefix": prefix,
            "min_free_space": 1 << 30,
        }
        yield Kit("docker", data, settings)
        remove_images(prefix)
