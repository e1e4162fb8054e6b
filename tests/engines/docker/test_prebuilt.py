"""Prebuilt images: pulled from a real registry, examined, kept, and refused in words."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from dockerhub import BASE, BUILDER, DockerHub, docker
from dockerregistry import SmallRegistry, publish, running_registry
from patience import SOON

from binderhub_ext.core.errors import (
    BinderError,
    BuildFailed,
    ImageNotFound,
    NotAllowed,
    RegistryUnavailable,
    TooMany,
    Unsupported,
)
from binderhub_ext.core.launch import Files
from binderhub_ext.core.progress import Event, Phase
from binderhub_ext.engines.base import Image
from binderhub_ext.engines.containers.complaints import complaint
from binderhub_ext.engines.docker.build import DockerBuilder
from binderhub_ext.engines.docker.layers import Layers
from binderhub_ext.engines.docker.registry import familiar


async def get(builder: DockerBuilder, name: str) -> tuple[list[Event], Image]:
    """What was told, and the image."""
    events: list[Event] = []
    image = await builder.prebuilt(name, events.append)
    return events, image


@pytest.fixture
def broken(registry: SmallRegistry) -> Iterator[SmallRegistry]:
    """The registry, to be broken by a test and mended after it."""
    yield registry
    registry.door.answer = 0


@pytest.fixture
def fresh(docker_builder: DockerBuilder, tmp_path: Path) -> DockerBuilder:
    """A builder that remembers no image."""
    return DockerBuilder(data_dir=str(tmp_path / "data"), min_free_space=1 << 30, **BUILDER)


async def test_it_is_pulled_with_progress_runs_and_is_pulled_once(
    fresh: DockerBuilder, docker_hub: DockerHub, registry: SmallRegistry, plain_image: str
) -> None:
    # No other test has pulled it: the daemon has nothing of its layer.
    name = publish(registry, plain_image, "lab/pulled:1")
    events, image = await get(fresh, name)
    pulled = [event for event in events if event.phase is Phase.FETCHING]
    assert any("layers" in event.message and " 21.0 MB" in event.message for event in pulled), (
        pulled
    )
    figures = [event.data["progress"] for event in pulled]
    assert figures == sorted(figures) and figures[0] == 0 and figures[-1] == 100
    assert image.name == fresh.store.image_name(image.key) and image.size > 20e6
    assert image.name in [one.name for one in await fresh.images()]
    assert docker("image", "ls", "-q", name) == "", "our own name is the only one left"
    async with docker_hub.client() as client:
        await client.start(docker_hub.launch("pre", image=image.name, files=Files.NONE))
        answer = await client.run("pre", "import os; print(os.path.getsize('/srv/data'))")
        assert answer.output.strip() == str(20 << 20)
        await client.stop("pre")
    assert await get(fresh, name) == ([], image)


async def test_a_name_that_stands_for_another_image_now_gets_that(
    fresh: DockerBuilder, registry: SmallRegistry, plain_image: str
) -> None:
    name = publish(registry, plain_image, "lab/moving:1")
    _, first = await get(fresh, name)
    publish(registry, plain_image, "lab/moving:1")
    assert (await get(fresh, name))[1] == first
    fresh.pull_every = 0
    _, second = await get(fresh, name)
    assert second.name != first.name
    kept = {image.name for image in await fresh.images()}
    assert {first.name, second.name} <= kept, "a server may still be started from the first"


async def test_a_registry_that_is_away_does_not_stop_what_is_kept(
    fresh: DockerBuilder, broken: SmallRegistry, lab_image: str
) -> None:
    _, image = await get(fresh, lab_image)
    fresh.pull_every = 0
    broken.door.answer = 500
    events, again = await get(fresh, lab_image)
    assert again == image and "the one of the last time" in events[-1].message


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (401, ImageNotFound, "credentials"),
        (403, ImageNotFound, "credentials"),
        (404, ImageNotFound, "typing mistake"),
        (429, TooMany, "Try again later"),
        (500, RegistryUnavailable, "did not answer"),
        (503, RegistryUnavailable, "did not answer"),
    ],
)
async def test_what_registries_answer_becomes_words(
    fresh: DockerBuilder,
    broken: SmallRegistry,
    answer: int,
    error: type[BinderError],
    words: str,
) -> None:
    broken.door.answer = answer
    with pytest.raises(error, match=words) as failure:
        await get(fresh, f"{broken.host}/lab/other:1")
    assert broken.host in failure.value.message and "Traceback" not in failure.value.detail


async def test_no_such_image_and_no_such_registry(
    fresh: DockerBuilder, registry: SmallRegistry
) -> None:
    with pytest.raises(ImageNotFound, match="There is no image"):
        await get(fresh, f"{registry.host}/lab/nothing:1")
    with pytest.raises(RegistryUnavailable, match=r"The registry 127\.0\.0\.1:1 "):
        await get(fresh, "127.0.0.1:1/lab/nothing")


async def test_credentials_come_from_a_file(
    fresh: DockerBuilder, plain_image: str, tmp_path: Path
) -> None:
    with running_registry(tmp_path, private=True) as private:
        name = f"{private.host}/lab/secret:1"
        with pytest.raises(ImageNotFound, match="credentials"):
            await get(fresh, name)
        fresh.registry_credentials = str(private.credentials(tmp_path / "wrong.json", "guess"))
        with pytest.raises(ImageNotFound, match="credentials"):
            await get(fresh, name)
        fresh.registry_credentials = str(private.credentials(tmp_path / "right.json"))
        with pytest.raises(ImageNotFound, match="There is no image"):
            await get(fresh, name)


async def test_of_another_architecture(fresh: DockerBuilder, registry: SmallRegistry) -> None:
    name = f"{registry.host}/lab/foreign:1"
    tar = docker("create", BASE, "true")
    docker("commit", tar, name)
    docker("rm", tar)
    # An image's architecture is what its configuration says; this one says another.
    docker("push", "--quiet", name)
    docker("image", "rm", name)
    folder = fresh.layout.root / "context"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    docker("buildx", "build", "--platform=linux/arm64", "--load", "-t", name, str(folder))
    docker("push", "--quiet", name)
    docker("image", "rm", name)
    with pytest.raises(Unsupported, match=r"arm64|processor"):
        await get(fresh, name)


async def test_in_which_nothing_can_be_started(
    fresh: DockerBuilder, registry: SmallRegistry
) -> None:
    """There is no Python in it, and nothing to make one from."""
    fresh.base_image = "localhost:1/not/there"
    name = f"{registry.host}/lab/empty:1"
    folder = fresh.layout.root / "context"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    docker("buildx", "build", "--load", "-t", name, str(folder))
    docker("push", "--quiet", name)
    docker("image", "rm", name)
    before = {image.name for image in await fresh.images()}
    with pytest.raises(BuildFailed, match="nothing in it can be started"):
        await get(fresh, name)
    assert {image.name for image in await fresh.images()} == before
    assert docker("image", "ls", "-q", name) == "", "what was pulled for nothing is not kept"


async def test_an_image_on_the_machine_is_taken_as_it_is(
    fresh: DockerBuilder, plain_image: str
) -> None:
    name = f"bah-local-{os.getpid()}:1"
    docker("tag", plain_image, name)
    try:
        events, image = await get(fresh, name)
        assert not [event for event in events if event.phase is Phase.FETCHING]
        assert image.name == fresh.store.image_name(image.key)
        assert docker("image", "ls", "-q", name) != "", "it is not ours to remove"
    finally:
        docker("image", "rm", name)


async def test_others_environments_have_no_public_name(
    fresh: DockerBuilder, plain_image: str
) -> None:
    """By our names, by another spelling of them, or by an id, which the daemon takes as well."""
    for name in (plain_image, f"docker.io/{plain_image}", f"{plain_image}:latest"):
        with pytest.raises(NotAllowed, match="private"):
            await get(fresh, name)
    digest = docker("image", "inspect", "--format={{.Id}}", plain_image)
    for name in (digest, digest.removeprefix("sha256:")[:12]):
        with pytest.raises(BinderError) as refusal:
            await asyncio.wait_for(get(fresh, name), SOON)
        assert not isinstance(refusal.value, NotAllowed)
    assert docker("image", "ls", "-q", plain_image) != "", "refusing takes nothing away"


async def test_leaving_ends_the_pull(
    fresh: DockerBuilder, registry: SmallRegistry, plain_image: str
) -> None:
    name = publish(registry, plain_image, "lab/left:1")
    told = asyncio.Event()
    pulling = asyncio.create_task(fresh.prebuilt(name, lambda event: told.set()))
    await told.wait()
    pulling.cancel()
    await asyncio.gather(pulling, return_exceptions=True)
    events, _ = await get(fresh, name)
    assert any("21.0 MB" in event.message for event in events), "what was left is begun anew"


@pytest.mark.parametrize(
    ("spelling", "listed"),
    [
        ("python", "python:latest"),
        ("docker.io/library/python:3", "python:3"),
        ("index.docker.io/lab/python", "lab/python:latest"),
        ("localhost:5000/lab/python", "localhost:5000/lab/python:latest"),
        ("localhost:5000/python:3@sha256:ab", "localhost:5000/python@sha256:ab"),
    ],
)
def test_spellings(spelling: str, listed: str) -> None:
    assert familiar(spelling) == listed


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("write /var/lib/docker/tmp/x: no space left on device", "no-space"),
        ("no matching manifest for linux/amd64 in the manifest list", "unsupported-environment"),
        ("toomanyrequests: You have reached your pull rate limit", "too-many"),
        ("pull access denied for x, repository does not exist: denied", "image-not-found"),
        ("Get https://x/v2/: net/http: TLS handshake timeout", "registry-unavailable"),
        ("received unexpected HTTP status: 500 No", "registry-unavailable"),
        ("", "registry-unavailable"),
    ],
)
def test_words_of_the_engine(said: str, error: str) -> None:
    told = complaint("quay.io/a/b:1", said)
    assert told.code == error and told.detail == said
    assert "quay.io" in told.message or error == "no-space"


def test_layers_never_go_back() -> None:
    layers = Layers()
    for status, moved in [("Downloading", 50), ("Download complete", 0), ("Pull complete", 0)]:
        detail = {"current": moved, "total": 100}
        layers.add({"id": "a", "status": status, "progressDetail": detail if moved else {}})
    assert layers.percent == 100
    layers.add({"id": "b", "status": "Pulling fs layer", "progressDetail": {}})
    layers.add({"id": "latest", "status": "Pulling from lab/python"})
    layers.add({"status": "Status: Downloaded newer image"})
    figures = {"percent": 100, "done": 1, "layers": 2, "megabytes": 0.0}
    assert layers.to_fields() == figures


async def test_a_name_left_by_a_killed_pull_is_taken_away(
    fresh: DockerBuilder, plain_image: str, tmp_path: Path
) -> None:
    """By the next service; not while somebody works on it, and never an image by its id."""
    name = f"bah-killed-{os.getpid()}:1"
    digest = docker("image", "inspect", "--format={{.Id}}", plain_image)
    known_as = fresh._prebuilt._known_as
    for left in (name, digest):
        known_as(left).with_suffix(".pulled").write_text(left)
    docker("tag", plain_image, name)
    async with fresh.store.keys.locked(known_as(name).name):
        assert await fresh.sweep() == [digest]
        assert docker("image", "ls", "-q", name) != ""
    assert await fresh.sweep() == [name] and await fresh.sweep() == []
    assert docker("image", "ls", "-q", name) == ""
    assert docker("image", "ls", "-q", plain_image) != ""
