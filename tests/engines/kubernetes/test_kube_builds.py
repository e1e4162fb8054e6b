"""Builds as Jobs on a real cluster: what comes of them, and what is said of those that fail.

What every engine's builder promises is tried in `tests/engines/contract`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from dockersources import build, make_source
from kubebuilds import LOOKED, answer, begun, builder_on, looking
from kubehub import BASE, KubeHub, Namespace
from smallbinderhub import READY, answering

from binderhub_ext.core.errors import BinderError, BuildFailed, ImageNotFound, NotAllowed
from binderhub_ext.core.progress import Event
from binderhub_ext.engines.kubernetes.build import BuildInput, KubernetesBuilder
from binderhub_ext.engines.kubernetes.jobs import name_of

SIX = "import six; print(six.__version__)"
SLOW = "#!/bin/sh\necho begun\nsleep {}\n"


def job_of(namespace: Namespace, key: str) -> str:
    return name_of(namespace.cluster.hub, key)


async def test_a_dockerfile_without_jupyter_becomes_a_server(
    kube_builder: KubernetesBuilder, kube_hub: KubeHub, tmp_path: Path
) -> None:
    """Steps of it see nothing of ours: no credentials, no token, no data directory."""
    places = "/var/run/secrets /credentials /srv/binder /job"
    built = await build(kube_builder, looking(tmp_path / "repo", places, made="of-it"))
    assert "Adding Jupyter, which the image has not" in built.log
    assert await answer(kube_hub, "doc", built.image.name, LOOKED) == "of-it 4\n"


async def test_packages_of_a_repository_are_there(
    kube_builder: KubernetesBuilder, kube_hub: KubeHub, tmp_path: Path
) -> None:
    source = make_source(tmp_path / "repo", {"requirements.txt": "six==1.16.0\n"})
    built = await build(kube_builder, source)
    assert await answer(kube_hub, "pia", built.image.name, SIX) == "1.16.0\n"


async def test_what_a_devcontainer_asks_for(
    kube_builder: KubernetesBuilder, kube_hub: KubeHub, tmp_path: Path
) -> None:
    """repo2docker in the Job gets what we made of it, and runs its command."""
    image = "mcr.microsoft.com/devcontainers/base:bookworm"
    said = {"image": image, "postCreateCommand": "pip install -q --user six==1.15.0"}
    source = make_source(tmp_path / "repo", {".devcontainer.json": json.dumps(said)})
    assert (await kube_builder.plan(source)).kind.endswith(" with .devcontainer.json")
    built = await build(kube_builder, source)
    assert await answer(kube_hub, "dora", built.image.name, SIX) == "1.15.0\n"


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
    builder = builder_on(kube_namespace, build_memory=600 << 20)
    eat = "#!/bin/sh\nexec python3 -c 'x = bytearray(1 << 30); print(len(x))'\n"
    source = make_source(tmp_path / "repo", {"postBuild": eat})
    with pytest.raises(BinderError, match=r"more memory than it may have \(600MB\)"):
        await build(builder, source)


async def test_images_of_another_hub_in_the_same_place_stay(
    kube_namespace: Namespace, kube_builder: KubernetesBuilder, kube_image: str, tmp_path: Path
) -> None:
    """A hub knows nothing of their use, and takes none of them for old when it sees it first."""
    other = builder_on(kube_namespace, tmp_path, max_age=0.001)
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
    assert await answer(kube_hub, "eli", image.name, "print(6 * 7)") == "42\n"


async def test_what_a_running_binderhub_built_becomes_a_server(
    kube_builder: KubernetesBuilder, kube_namespace: Namespace, kube_hub: KubeHub, tmp_path: Path
) -> None:
    """No step of the repository runs here; what has no Jupyter gets it, and the key is its own."""
    source = make_source(tmp_path / "repo", {"requirements.txt": "six==1.16.0\n"})
    told = {"phase": "building", "message": "built elsewhere\n"}
    async with answering([[told, {**READY, "imageName": BASE}]]) as (hub, asked):
        builder = builder_on(kube_namespace, binderhub_url=hub.url)
        built = await build(builder, source)
        assert await builder.find(await builder.plan(source)) == built.image and len(asked) == 1
    assert "built elsewhere" in built.log and "Adding Jupyter" in built.log
    assert built.image.key != (await kube_builder.plan(source)).key
    assert await answer(kube_hub, "ike", built.image.name, "print(6 * 7)") == "42\n"


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
