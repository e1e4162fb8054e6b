"""Builds as Jobs on a real cluster: what comes of them, and what is said of those that fail.

What every engine's builder promises is tried in `tests/engines/contract`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from dockersources import build, make_source
from kubehub import BASE, KubeHub, Namespace
from kubesettings import builder_config
from smallbinderhub import READY, answering

from binderhub_ext.core.errors import BinderError, BuildFailed, ImageNotFound, NotAllowed
from binderhub_ext.core.progress import Event
from binderhub_ext.engines.kubernetes.build import BuildInput, KubernetesBuilder
from binderhub_ext.engines.kubernetes.jobs import name_of
from binderhub_ext.repos.base import Source

SLOW = "#!/bin/sh\necho begun\nsleep {}\n"


def job_of(namespace: Namespace, key: str) -> str:
    return name_of(namespace.cluster.hub, key)


async def begun(builder: KubernetesBuilder, source: Source) -> tuple[asyncio.Task[Any], str]:
    """A build that says it has begun, and its key."""
    environment = await builder.plan(source)
    events: list[Event] = []
    building = asyncio.create_task(builder.build(environment, source, events.append))
    while not any(event.message == "begun" for event in events):
        await asyncio.sleep(0.1)
        if building.done():
            await building
    return building, environment.key


async def test_a_dockerfile_without_jupyter_becomes_a_server(
    kube_builder: KubernetesBuilder, kube_hub: KubeHub, tmp_path: Path
) -> None:
    """Steps of it see nothing of ours: no credentials, no token, no data directory."""
    look = "ls /var/run/secrets /credentials /srv/binder /job 2>&1 | sort >/seen || :"
    lines = [f"FROM {BASE}", "RUN echo from-the-dockerfile >/made", f"RUN {look}"]
    source = make_source(tmp_path / "repo", {"Dockerfile": "\n".join([*lines, ""])})
    built = await build(kube_builder, source)
    assert "Adding Jupyter, which the image has not" in built.log
    async with kube_hub.client() as client:
        await client.start(kube_hub.launch("doc", image=built.image.name))
        read = "print(open('/made').read().strip(), open('/seen').read().count('No such file'))"
        assert (await client.run("doc", read)).output == "from-the-dockerfile 4\n"
        await client.stop("doc")


async def test_packages_of_a_repository_are_there(
    kube_builder: KubernetesBuilder, kube_hub: KubeHub, tmp_path: Path
) -> None:
    source = make_source(tmp_path / "repo", {"requirements.txt": "six==1.16.0\n"})
    built = await build(kube_builder, source)
    async with kube_hub.client() as client:
        await client.start(kube_hub.launch("pia", image=built.image.name))
        answer = await client.run("pia", "import six; print(six.__version__)")
        assert answer.output == "1.16.0\n"
        await client.stop("pia")


async def test_what_a_devcontainer_asks_for(
    kube_builder: KubernetesBuilder, kube_hub: KubeHub, tmp_path: Path
) -> None:
    """repo2docker in the Job gets what we made of it, and runs its command."""
    image = "mcr.microsoft.com/devcontainers/base:bookworm"
    said = {"image": image, "postCreateCommand": "pip install -q --user six==1.15.0"}
    source = make_source(tmp_path / "repo", {".devcontainer.json": json.dumps(said)})
    assert (await kube_builder.plan(source)).kind.endswith(" with devcontainer.json")
    built = await build(kube_builder, source)
    async with kube_hub.client() as client:
        await client.start(kube_hub.launch("dora", image=built.image.name))
        answer = await client.run("dora", "import six; print(six.__version__)")
        assert answer.output == "1.15.0\n"
        await client.stop("dora")


async def test_a_build_that_is_removed_from_outside_says_so(
    kube_builder: KubernetesBuilder, kube_namespace: Namespace, tmp_path: Path
) -> None:
    source = make_source(tmp_path / "repo", {"postBuild": SLOW.format("600.5")})
    building, key = await begun(kube_builder, source)
    kube_namespace.kubectl("delete", "job", job_of(kube_namespace, key), "--wait=false")
    with pytest.raises(BuildFailed, match="ended from outside"):
        await building
    assert kube_namespace.json("jobs")["items"] == []


async def test_a_build_that_wants_too_much_memory_says_so(
    kube_namespace: Namespace, tmp_path: Path
) -> None:
    config = builder_config(kube_namespace, build_memory=600 << 20)
    builder = KubernetesBuilder(config=config, data_dir=str(kube_namespace.data))
    eat = "#!/bin/sh\nexec python3 -c 'x = bytearray(1 << 30); print(len(x))'\n"
    source = make_source(tmp_path / "repo", {"postBuild": eat})
    with pytest.raises(BinderError, match=r"more memory than it may have \(600MB\)"):
        await build(builder, source)


async def test_images_of_another_hub_in_the_same_place_stay(
    kube_namespace: Namespace, kube_builder: KubernetesBuilder, kube_image: str, tmp_path: Path
) -> None:
    """A hub knows nothing of their use, and takes none of them for old when it sees it first."""
    config = builder_config(kube_namespace, max_age=0.001)
    other = KubernetesBuilder(config=config, data_dir=str(tmp_path))
    assert await other.collect_garbage() == []
    assert kube_image in [image.name for image in await kube_builder.images()]


async def never(context: Path) -> BuildInput:
    raise AssertionError("a second build was begun")


async def test_a_job_that_is_at_work_is_not_begun_again(
    kube_builder: KubernetesBuilder, kube_namespace: Namespace, tmp_path: Path
) -> None:
    """As for a service that comes after one that was killed; the contract suite kills one."""
    source = make_source(tmp_path / "repo", {"postBuild": SLOW.format("15.5")})
    building, key = await begun(kube_builder, source)
    before = kube_namespace.json("job", job_of(kube_namespace, key))["metadata"]["uid"]
    async with kube_builder._connected() as api:
        await kube_builder._begin(api, key, never)
    after = kube_namespace.json("job", job_of(kube_namespace, key))["metadata"]["uid"]
    assert after == before
    image = await building
    assert image.key == key
    assert await kube_builder.sweep() == []
    assert list((kube_namespace.data / "run/jobs").iterdir()) == []


async def test_a_prebuilt_image_is_examined_and_kept_by_its_content(
    kube_builder: KubernetesBuilder, kube_hub: KubeHub, tmp_path: Path
) -> None:
    """One without Jupyter gets it, once; what this hub built has no other name."""
    events: list[Event] = []
    image = await kube_builder.prebuilt(BASE, events.append)
    assert any("Adding Jupyter" in event.message for event in events)
    events.clear()
    assert await kube_builder.prebuilt(BASE, events.append) == image and events == []
    with pytest.raises(NotAllowed, match="Launch the repository instead"):
        await kube_builder.prebuilt(image.name, events.append)
    with pytest.raises(ImageNotFound, match="There is no image"):
        await kube_builder.prebuilt(f"{BASE}-nowhere", events.append)
    async with kube_hub.client() as client:
        await client.start(kube_hub.launch("eli", image=image.name))
        assert (await client.run("eli", "print(6 * 7)")).output == "42\n"
        await client.stop("eli")


async def test_what_a_running_binderhub_built_becomes_a_server(
    kube_builder: KubernetesBuilder, kube_namespace: Namespace, kube_hub: KubeHub, tmp_path: Path
) -> None:
    """No step of the repository runs here; what has no Jupyter gets it, and the key is its own."""
    source = make_source(tmp_path / "repo", {"requirements.txt": "six==1.16.0\n"})
    told = {"phase": "building", "message": "built elsewhere\n"}
    async with answering([[told, {**READY, "imageName": BASE}]]) as (hub, asked):
        config = builder_config(kube_namespace, binderhub_url=hub.url)
        builder = KubernetesBuilder(config=config, data_dir=str(kube_namespace.data))
        built = await build(builder, source)
        assert await builder.find(await builder.plan(source)) == built.image and len(asked) == 1
    assert "built elsewhere" in built.log and "Adding Jupyter" in built.log
    assert built.image.key != (await kube_builder.plan(source)).key
    async with kube_hub.client() as client:
        await client.start(kube_hub.launch("ike", image=built.image.name))
        assert (await client.run("ike", "print(6 * 7)")).output == "42\n"
        await client.stop("ike")


QUOTA = """
apiVersion: v1
kind: ResourceQuota
metadata: {name: nothing}
spec: {hard: {pods: "0"}}
"""


async def test_a_quota_that_is_used_up_is_told(
    kube_builder: KubernetesBuilder, kube_namespace: Namespace, tmp_path: Path
) -> None:
    """The build waits, and goes on where there is room again."""
    source = make_source(tmp_path / "repo", {"postBuild": "#!/bin/sh\necho within\n"})
    kube_namespace.kubectl("apply", "--filename=-", given=QUOTA)
    events: list[Event] = []
    try:
        environment = await kube_builder.plan(source)
        building = asyncio.create_task(kube_builder.build(environment, source, events.append))
        while not any("a rule or a quota" in event.message for event in events):
            await asyncio.sleep(0.1)
            assert not building.done()
    finally:
        kube_namespace.kubectl("delete", "resourcequota", "nothing")
    assert (await building).key == environment.key
