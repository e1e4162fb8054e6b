"""How tests set a builder on the cluster: quick builds, from what is in the cluster's registry."""

from __future__ import annotations

from typing import Any

from kubehub import BASE, LAYERS, Namespace
from traitlets.config import Config


def builder_settings() -> dict[str, Any]:
    """Of class `KubernetesBuilder`."""
    return {
        "build_timeout": 600,
        "buildpack": "uv",
        "base_image": BASE,
        "build_memory": "2G",
        "cache_claim": LAYERS,
    }


def builder_config(namespace: Namespace, **settings: Any) -> Config:
    """Of a builder in this namespace; further settings over ours."""
    return Config(Cluster=namespace.settings, KubernetesBuilder={**builder_settings(), **settings})
