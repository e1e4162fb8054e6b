"""The chart, rendered."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from kubehub import KUBECONFIG, STATE
from ruamel.yaml import YAML

CHART = Path(__file__).parents[2] / "helm" / "binder-at-home"
REPOSITORY = "images.repository=registry.example.org/binder"
OWN_REGISTRY = "registry: {enabled: true}\n"
"""Values in place of that."""

REGISTRY = "it-binder-registry.ns:5000"
SMALL_SITE = f"{OWN_REGISTRY}prepull: {{images: {{class: '{REGISTRY}/environments:1'}}}}"


def helm(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """What Helm says, of the cluster if there is one; skips where there is no Helm."""
    own = STATE / "bin" / "helm"
    if not (found := str(own) if own.exists() else shutil.which("helm")):
        if os.environ.get("WITHOUT_CLUSTER") == "expected":
            pytest.skip("there is no Helm, and the environment expects none (WITHOUT_CLUSTER)")
        pytest.skip("helm is not installed; `scripts/cluster clients` gets it")
    command = [found, f"--kubeconfig={KUBECONFIG}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, input=stdin)


def template(*settings: str, values: str = "") -> subprocess.CompletedProcess[str]:
    """`helm template` with settings, and further values as YAML."""
    elsewhere = () if values.startswith(OWN_REGISTRY) else (REPOSITORY,)
    options = [f"--set={setting}" for setting in (*elsewhere, *settings)]
    return helm("template", "it", str(CHART), "--namespace=ns", "-f=-", *options, stdin=values)


@cache
def rendered(*settings: str, values: str = "") -> list[dict[str, Any]]:
    """Every object of the chart."""
    done = template(*settings, values=values)
    assert done.returncode == 0, done.stderr
    return [each for each in YAML(typ="safe").load_all(done.stdout) if each]


def named(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """The one object of that kind and name; the release's part of the name is left out."""
    [found] = [
        each
        for each in objects
        if each["kind"] == kind and each["metadata"]["name"] == f"it-binder-{name}".rstrip("-")
    ]
    return found


def pod_specs(objects: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What every pod will be, by the name of what makes it."""
    for each in objects:
        if each["kind"] in ("Deployment", "DaemonSet"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]
        elif each["kind"] == "Pod":
            yield each["metadata"]["name"], each["spec"]
