"""Builds in a BuildKit daemon that an administrator runs, asked by Jobs on a real cluster."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import pytest
from anybuilds import (
    Attacked,
    test_a_cache_of_one_repository_is_not_anothers,
    test_a_cache_of_steps_for_others_is_not_anothers,
    test_a_dockerfile_cannot_pass_for_another_environment,
    test_no_program_of_a_repository_runs_on_this_machine,
    test_what_came_of_a_cache_is_not_anothers,
)
from authority import Authority
from buildkitd import BuildKitDaemon, running_daemon, secret_of
from dockersources import build, make_source
from kubebuilds import LOOKED, answer, begun, builder_on, looking
from kubehub import BASE, KubeHub, Namespace, apply
from patience import SOON
from processlist import processes

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.core.progress import Event
from binderhub_ext.engines.base import EngineDown
from binderhub_ext.engines.kubernetes import labels
from binderhub_ext.engines.kubernetes.build import KubernetesBuilder

__all__ = [
    "test_a_cache_of_one_repository_is_not_anothers",
    "test_a_cache_of_steps_for_others_is_not_anothers",
    "test_a_dockerfile_cannot_pass_for_another_environment",
    "test_no_program_of_a_repository_runs_on_this_machine",
    "test_what_came_of_a_cache_is_not_anothers",
]

KNOWN, STRANGE = "buildkit", "buildkit-of-another"


@pytest.fixture(scope="module")
def daemon(kube_namespace: Namespace) -> Iterator[BuildKitDaemon]:
    folder = Path(mkdtemp(prefix="bh-buildkit-"))
    try:
        with running_daemon(folder) as daemon:
            other = Authority(folder / "other")
            for name, authority in ((KNOWN, daemon.authority), (STRANGE, other)):
                said = secret_of(authority, daemon.authority)
                kind = {"type": "kubernetes.io/tls", "stringData": said}
                apply("v1", "Secret", name, kube_namespace.name, **kind)
            yield daemon
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def builder(kube_namespace: Namespace, daemon: BuildKitDaemon) -> KubernetesBuilder:
    return made(kube_namespace, daemon.address, KNOWN)


def made(namespace: Namespace, address: str, secret: str) -> KubernetesBuilder:
    daemon = {"buildkit_address": address, "buildkit_secret": secret}
    return builder_on(namespace, **daemon, cache_claim="")


@pytest.fixture
def attacked(builder: KubernetesBuilder, kube_namespace: Namespace) -> Attacked:
    def read(image: str, path: str) -> str:
        command = ("run", f"read-{uuid4().hex[:8]}", f"--image={image}", "--restart=Never")
        attach = ("--attach", "--rm", "--quiet", "--pod-running-timeout=5m")
        return kube_namespace.kubectl(*command, *attach, "--command", "--", "cat", path)

    async def labels_of(image: str) -> dict[str, str]:
        manifest = await builder.registry.find(image)
        assert manifest
        found: dict[str, str] = (await builder.registry.config(image, manifest))["config"]["Labels"]
        return found

    return Attacked(builder, BASE, labels.KEY, read, labels_of)


async def test_a_dockerfile_becomes_a_server_and_sees_nothing_of_ours(
    builder: KubernetesBuilder, kube_hub: KubeHub, tmp_path: Path
) -> None:
    """Its steps are told as they run; what has no Jupyter gets it, in the daemon too."""
    places, head = "/certificates /credentials /pulling /job", "# syntax=registry.invalid/a/b"
    built = await build(builder, looking(tmp_path / "repo", places, head=head, made="of-it"))
    assert "from-a-step" in built.log and "Adding Jupyter, which the image has not" in built.log
    assert await answer(kube_hub, "kit", built.image.name, LOOKED) == "of-it 4\n"


async def test_what_repo2docker_writes_is_built_and_its_layers_are_kept(
    builder: KubernetesBuilder, kube_hub: KubeHub, tmp_path: Path
) -> None:
    """A change of what comes last begins from the layers of what comes first."""
    files = {"requirements.txt": "six==1.16.0\n", "postBuild": "#!/bin/sh\ntouch $HOME/made\n"}
    first = await build(builder, make_source(tmp_path / "one", files))
    other = {**files, "postBuild": "#!/bin/sh\ntouch $HOME/made-too\n"}
    again = await build(builder, make_source(tmp_path / "two", other))
    assert " CACHED" in again.log and first.image.key != again.image.key
    read = "import os, six; print(six.__version__, 'made-too' in os.listdir(os.environ['HOME']))"
    assert await answer(kube_hub, "lew", again.image.name, read) == "1.16.0 True\n"


async def test_an_image_of_others_is_made_startable(
    builder: KubernetesBuilder, kube_namespace: Namespace
) -> None:
    # Other tests get the same image: it is not to be found where they put it, nor they this one.
    config = deepcopy(builder.config)
    config.Cluster.repository += "-of-others"
    builder = KubernetesBuilder(config=config, data_dir=builder.data_dir)
    events: list[Event] = []
    image = await builder.prebuilt(BASE, events.append)
    assert any("Adding Jupyter" in event.message for event in events)
    assert await builder.prebuilt(BASE, events.append) == image
    assert kube_namespace.json("jobs")["items"] == []


async def test_a_build_that_nobody_waits_for_ends_in_the_daemon(
    builder: KubernetesBuilder, tmp_path: Path
) -> None:
    step = "RUN echo begun && sleep 611.5"
    source = make_source(tmp_path / "repo", {"Dockerfile": f"FROM {BASE}\n{step}\n"})
    building, _ = await begun(builder, source)
    assert processes("sleep", "611.5")
    building.cancel()
    await asyncio.gather(building, return_exceptions=True)
    async with asyncio.timeout(SOON):
        while processes("sleep", "611.5"):  # noqa: ASYNC110 - the daemon tells nobody
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(
    "steps",
    [
        "RUN --security=insecure true",
        "RUN --network=host true",
        "RUN --mount=type=secret,id=key,required=true cat /run/secrets/key",
        "COPY --from=images / /",
    ],
)
async def test_a_dockerfile_has_no_further_rights(
    builder: KubernetesBuilder, tmp_path: Path, steps: str
) -> None:
    source = make_source(tmp_path / "repo", {"Dockerfile": f"FROM {BASE}\n{steps}\n"})
    with pytest.raises(BuildFailed, match="The end of the log says what failed"):
        await build(builder, source)


async def test_no_link_leads_to_a_certificate(builder: KubernetesBuilder, tmp_path: Path) -> None:
    """What a repository's links lead to is looked for in the repository, or in the image."""
    key = "/certificates/tls.key"
    lines = [f"FROM {BASE}", "COPY . /all", f"RUN ls {key} /all/key 2>&1 | sort; cat /all/key; :"]
    files = {"Dockerfile": "\n".join([*lines, "RUN false", ""]), "key": f"-> {key}"}
    with pytest.raises(BuildFailed) as refused:
        await build(builder, make_source(tmp_path / "one", files))
    assert "PRIVATE KEY" not in refused.value.detail
    assert refused.value.detail.count("No such file") >= 2


async def test_a_daemon_that_cannot_be_had_is_told(
    kube_namespace: Namespace, daemon: BuildKitDaemon, tmp_path: Path
) -> None:
    address, _, _ = daemon.address.rpartition(":")
    for number, (where, secret, words) in enumerate(
        (
            (f"{address}:9", KNOWN, "does not answer"),
            (daemon.address, STRANGE, "do not accept each other's certificates"),
            (daemon.address, "", "do not accept each other's certificates"),
        )
    ):
        builder = made(kube_namespace, where, secret)
        source = make_source(tmp_path / f"repo{number}", {"Dockerfile": f"FROM {BASE}\n"})
        with pytest.raises(EngineDown) as told:
            await build(builder, source)
        assert words in str(told.value.message), (where, secret, told.value.detail)


async def test_doctor_asks_the_daemon(kube_namespace: Namespace, daemon: BuildKitDaemon) -> None:
    async def said(address: str, secret: str) -> tuple[bool, bool, str]:
        checks = await made(kube_namespace, address, secret).checks()
        (found,) = (each for each in checks if str(each.name) == "build daemon")
        return found.ok, found.required, str(found.message)

    assert (await said(daemon.address, KNOWN))[0]
    ok, required, message = await said(daemon.address, "")
    assert not ok and not required and "whoever reaches it" in message
    host, _, _ = daemon.address.rpartition(":")
    ok, required, message = await said(f"{host}:9", KNOWN)
    assert not ok and required and "does not answer" in message
