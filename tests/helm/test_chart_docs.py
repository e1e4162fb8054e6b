"""Values and objects that the documentation shows are ones that chart and Kubernetes take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from charts import CHART, REPOSITORY, helm, named
from documented import blocks_of, files_of
from ruamel.yaml import YAML

from binderhub_ext.config.check import check
from binderhub_ext.config.files import read

PAGES = ("how-to/kubernetes-clusters.md", "how-to/install-on-kubernetes.md")
MOVE = "how-to/move-from-another-hub.md"
NEWEST = "1.34"


def parsed(text: str) -> list[dict[str, Any]]:
    return [each for each in YAML(typ="safe").load_all(text) if each]


VALUES = [
    (page, text)
    for page in PAGES
    for text in blocks_of(page, "yaml")
    if "apiVersion" not in parsed(text)[0]
]
OBJECTS = [
    each
    for page in (*PAGES, MOVE)
    for text in blocks_of(page, "yaml")
    for each in parsed(text)
    if "apiVersion" in each
]


@pytest.mark.parametrize(("page", "values"), VALUES)
def test_the_chart_takes_documented_values(page: str, values: str, tmp_path: Path) -> None:
    # The package of the other one is in the image alone.
    values = values.replace("authenticator_class: github", "authenticator_class: dummy")
    asked = parsed(values)[0]
    whole = bool({"images", "registry"} & asked.keys())
    address = () if "publicUrl" in asked else ("--set=publicUrl=https://hub.example.org",)
    given = (*address, *(() if whole else (f"--set={REPOSITORY}",)))
    done = helm("template", "it", str(CHART), "--namespace=ns", "-f=-", *given, stdin=values)
    assert done.returncode == 0, f"{page}: {done.stderr}"
    objects = parsed(done.stdout)
    for part in ("hub", "service"):
        file = tmp_path / f"{part}.json"
        file.write_text(named(objects, "ConfigMap", part)["data"][f"{part}.json"])
        check(read(file).config, [file])


@pytest.mark.parametrize("made", OBJECTS, ids=lambda made: made["kind"])
def test_kubernetes_takes_documented_objects(made: dict[str, Any]) -> None:
    kubernetes_validate.validate(made, NEWEST, strict=True)


def test_a_claim_is_imported_as_the_owner_of_files() -> None:
    """As everything of the chart runs, which passes Pod Security's `restricted`."""
    job = parsed(files_of(MOVE)["import.yaml"])[0]["spec"]["template"]["spec"]
    own = helm("template", "it", str(CHART), "-f=-", f"--set={REPOSITORY}", stdin="{}")
    assert own.returncode == 0, own.stderr
    service = named(parsed(own.stdout), "Deployment", "service")["spec"]["template"]["spec"]
    container = service["containers"][0]
    assert job["securityContext"].items() >= service["securityContext"].items()
    assert job["containers"][0]["securityContext"] == container["securityContext"]
    places = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    mounts = {mount["name"]: mount for mount in job["containers"][0]["volumeMounts"]}
    assert mounts["data"]["mountPath"] == places["data"]
    assert f"--data-dir={places['data']}/data" in job["containers"][0]["command"]
    assert mounts["old"]["readOnly"]
