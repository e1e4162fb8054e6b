"""What postBuild makes, and whom builds trust, on a real cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from anymade import *  # noqa: F403
from anymade import FILES
from authority import Authority
from dockersources import Built, build, make_source
from kubebuilds import builder_on
from kubehub import KubeHub, Namespace

from binderhub_ext import certificates
from binderhub_ext.engines.kubernetes.build import KubernetesBuilder


@pytest.fixture
def hub(kube_hub: KubeHub) -> KubeHub:
    return kube_hub


@pytest.fixture(scope="module")
def made(kube_builder: KubernetesBuilder, tmp_path_factory: pytest.TempPathFactory) -> Built:
    source = make_source(tmp_path_factory.mktemp("made") / "repo", FILES)
    return asyncio.run(build(kube_builder, source))


TRUSTS = """#!/bin/sh
set -e
test -n "$PIP_CERT" && test "$SSL_CERT_FILE" = "$PIP_CERT"
grep -qF "{line}" "$PIP_CERT"
echo it is trusted
"""


async def test_builds_trust_whom_the_hub_trusts(
    kube_namespace: Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another environment than without, whose steps see the authority.

    No layer of another build is any use to it, so it is built where none are kept.
    """
    builder = builder_on(kube_namespace, cache_claim="")
    authority = Authority(tmp_path / "authority")
    files = {"postBuild": TRUSTS.format(line=authority.file.read_text().splitlines()[1])}
    before = await builder.plan(make_source(tmp_path / "before", files))
    for name in certificates.NAMES:
        monkeypatch.setenv(name, str(authority.file))
    assert certificates.establish(tmp_path / "certificates.pem")
    source = make_source(tmp_path / "after", files)
    assert (await builder.plan(source)).key != before.key
    assert "it is trusted" in (await build(builder, source)).log
