"""Images that are kept in a registry too: pushed once, pulled in place of a build, never lost."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from dockerhub import BUILDER, docker, remove_images, running_docker_hub
from dockerregistry import PASSWORD, SmallRegistry
from dockersources import Built, build, make_source
from sandboxhub import Failed

from binderhub_ext.core.progress import Phase
from binderhub_ext.engines.docker.build import DockerBuilder
from binderhub_ext.repos.base import Source


def shared(registry: SmallRegistry, data: Path, **settings: str) -> DockerBuilder:
    """A builder whose images are in a registry too."""
    prefix = f"{registry.host}/binder/"
    given = {**BUILDER, "image_prefix": prefix, "use_registry": True, **settings}
    return DockerBuilder(data_dir=str(data), min_free_space=1 << 30, **given)


def source_of(folder: Path, image: str, line: str) -> Source:
    """A repository whose image is another one and a layer of 20 MB that cannot be compressed."""
    grow = "head -c 20000000 /dev/urandom >/srv/data"
    return make_source(folder, {"Dockerfile": f"FROM {image}\nUSER root\nRUN {grow} # {line}\n"})


def phases(built: Built) -> set[Phase]:
    return {event.phase for event in built.events}


@pytest.fixture
def shop(registry: SmallRegistry) -> Iterator[SmallRegistry]:
    """The registry; what a test has done to its door, and its images here, go afterwards."""
    yield registry
    registry.door.answer = registry.door.rate = 0
    remove_images(f"{registry.host}/binder/")


async def test_built_here_and_pulled_elsewhere(
    shop: SmallRegistry, plain_image: str, tmp_path: Path
) -> None:
    source = source_of(tmp_path / "repo", plain_image, "elsewhere")
    here = shared(shop, tmp_path / "here")
    built = await build(here, source)
    pushed = [event for event in built.events if event.phase is Phase.PUSHING]
    assert built.was_built and "layers" in pushed[-1].message
    assert pushed[-1].data["progress"] == 100
    assert shop.has(f"binder/{built.image.key}")
    again = await build(here, source)
    assert again.events == [] and again.image == built.image

    remove_images(f"{shop.host}/binder/")
    there = shared(shop, tmp_path / "there")
    pulled = await build(there, source)
    assert not pulled.was_built and phases(pulled) == {Phase.FETCHING}
    assert pulled.image == built.image
    assert await there.find(await there.plan(source)) == built.image


@pytest.mark.parametrize(("answer", "words"), [(-1, "did not answer"), (401, "credentials")])
async def test_a_registry_that_says_no_keeps_nobody_from_working(
    shop: SmallRegistry, plain_image: str, tmp_path: Path, answer: int, words: str
) -> None:
    source = source_of(tmp_path / "repo", plain_image, f"no-{answer}")
    builder = shared(shop, tmp_path / "data")
    shop.door.answer = answer
    built = await build(builder, source)
    assert built.was_built and words in built.log and "on this machine alone" in built.log
    plan = await builder.plan(source)
    assert await builder.find(plan) == built.image, "the next launch does not wait for it"
    shop.door.answer = 0
    (mark,) = (builder.layout.run / "unpushed").iterdir()
    os.utime(mark, (0, time.time() - 3600))
    later = await build(builder, source)
    assert not later.was_built and shop.has(f"binder/{plan.key}")


async def test_servers_pull_what_another_machine_built(
    shop: SmallRegistry, plain_image: str
) -> None:
    name = f"{shop.host}/binder/elsewhere"
    docker("tag", plain_image, name)
    docker("push", "--quiet", name)
    with running_docker_hub(name, 'c.BinderDockerSpawner.pull_policy = "ifnotpresent"') as hub:
        docker("rmi", name)
        async with hub.client() as client:
            await client.start(hub.launch("ana"))
            assert (await client.run("ana", "print(6 * 7)")).output == "42\n"
            with pytest.raises(Failed, match="no longer kept"):
                await client.start(hub.launch("bob", image=f"{name}-not"))
            await client.stop("ana")


async def test_credentials_show_up_nowhere(
    shop: SmallRegistry, plain_image: str, tmp_path: Path
) -> None:
    source = source_of(tmp_path / "repo", plain_image, "private")
    with shop.locked():
        file = shop.credentials(tmp_path / "config.json")
        builder = shared(shop, tmp_path / "data", registry_credentials=str(file))
        seen: list[str] = []
        task = asyncio.create_task(build(builder, source))
        while not task.done():
            for process in psutil.process_iter(["cmdline", "environ"]):
                seen.append(f"{process.info['cmdline']} {process.info['environ']}")
            await asyncio.sleep(0.1)
        built = task.result()
        assert shop.has(f"binder/{built.image.key}")
    transfers = [line for line in seen if "docker.transfer" in line and "push" in line]
    assert transfers and not any(PASSWORD in line for line in seen)
    assert PASSWORD not in built.log
