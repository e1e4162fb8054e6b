"""Images built, kept and moved by Podman, in a storage of the test's own."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from dockerhub import BASE, BUILDER, docker
from dockerregistry import SmallRegistry
from dockersources import build, make_source
from patience import START, wait_until

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.core.progress import Phase
from binderhub_ext.engines.docker.build import DockerBuilder
from binderhub_ext.engines.docker.images import UNFINISHED

_CONTAINERS = """
[containers]
# What Podman gives by default takes a capability that machines in machines may lack.
default_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]
[engine]
# The one that comes with Docker; the other refuses control groups as Docker's daemon sets them up.
runtime = "runc"
[network]
network_backend = "netavark"
"""
_STORAGE = """
[storage]
driver = "overlay"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""
_REGISTRIES = """
unqualified-search-registries = ["localhost:1"]
[[registry]]
location = "{host}"
insecure = true
"""


@pytest.fixture(scope="module")
def podman(servers_network: None) -> Iterator[None]:
    """Podman with the tests' base image and nothing else."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed; scripts/docker-engine start installs it")
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryDirectory(prefix="pod-", ignore_cleanup_errors=True) as folder,
    ):
        for name, text in {
            "CONTAINERS_CONF": _CONTAINERS,
            "CONTAINERS_STORAGE_CONF": _STORAGE.format(folder=folder),
        }.items():
            path = Path(folder, name)
            path.write_text(text)
            patch.setenv(name, str(path))
        archive = str(Path(folder, "base.tar"))
        docker("save", "--output", archive, BASE)
        run("podman", "load", "--quiet", "--input", archive)
        Path(archive).unlink()
        tried = subprocess.run(
            ["podman", "run", "--rm", BASE, "true"], capture_output=True, text=True
        )
        if tried.returncode:
            pytest.skip(f"this machine does not let Podman run anything: {tried.stderr}")
        yield
        subprocess.run(["podman", "rmi", "--all", "--force"], capture_output=True)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def builder_in(data: Path, **settings: Any) -> DockerBuilder:
    given: dict[str, Any] = {**BUILDER, "cli": "podman", "min_free_space": 1 << 30, **settings}
    return DockerBuilder(data_dir=str(data), **given)


async def test_built_once_found_again_and_collected(podman: None, tmp_path: Path) -> None:
    builder = builder_in(tmp_path / "data", build_memory=1 << 30, build_cpu=1.5)
    files = {"requirements.txt": "six==1.16.0\n", "index.md": "one"}
    source = make_source(tmp_path / "one", files)
    built = await build(builder, source)
    assert built.was_built
    code = "import six; print(six.__version__)"
    said = run("podman", "run", "--rm", "--network=none", built.image.name, "python", "-c", code)
    assert said.endswith("1.16.0")
    assert docker("image", "ls", "-q", built.image.name) == "", "Docker had no part in it"

    fork = make_source(tmp_path / "two", {**files, "index.md": "two"}, "somebody/else")
    assert await builder.find(await builder.plan(fork)) == built.image
    assert [image.name for image in await builder.images()] == [built.image.name]
    assert await builder.collect_garbage() == []
    run("podman", "tag", built.image.name, f"{builder.image_prefix}{'a' * 32}{UNFINISHED}")
    old = builder_in(tmp_path / "data", max_age=-1)
    assert [image.name for image in await old.collect_garbage()] == [built.image.name]
    assert UNFINISHED not in run("podman", "image", "ls")


SERVER = """\
RUN printf '#!/bin/sh\\necho 5.0.0\\n' >/usr/local/bin/jupyterhub-singleuser && \\
    chmod 755 /usr/local/bin/jupyterhub-singleuser
"""
"""All that is looked at when an image is examined, in a moment."""


async def test_what_fails_is_told(podman: None, tmp_path: Path) -> None:
    builder = builder_in(tmp_path / "data")
    dockerfile = f'FROM {BASE}\n{SERVER}ENTRYPOINT ["/bin/echo"]\n'
    built = await build(builder, make_source(tmp_path / "one", {"Dockerfile": dockerfile}))
    assert "ENTRYPOINT does not run" in built.log
    assert run("podman", "run", "--rm", built.image.name, "jupyterhub-singleuser") == "5.0.0"

    dockerfile = f"FROM {BASE}\nRUN echo this-is-why && false\n"
    source = make_source(tmp_path / "two", {"Dockerfile": dockerfile})
    with pytest.raises(BuildFailed) as failure:
        await build(builder, source)
    assert "this-is-why" in failure.value.detail
    assert await builder.find(await builder.plan(source)) is None


async def test_a_cache_of_one_repository_is_not_anothers(podman: None, tmp_path: Path) -> None:
    builder = builder_in(tmp_path / "data")
    mount = f"FROM {BASE}\n{SERVER}RUN --mount=type=cache,target=/cache"
    one = make_source(tmp_path / "one", {"Dockerfile": f"{mount} touch /cache/poison\n"})
    await build(builder, one)
    look = {"Dockerfile": f"{mount} ls -A /cache >/found; touch /cache/mine\n"}
    image = (await build(builder, make_source(tmp_path / "two", look))).image.name
    options = ("--rm", "--network=none", "--entrypoint=cat")
    assert run("podman", "run", *options, image, "/found") == ""


async def test_what_came_of_a_cache_is_not_anothers(podman: None, tmp_path: Path) -> None:
    builder = builder_in(tmp_path / "data")
    mount = "RUN --mount=type=cache,target=/cache"
    look = f"FROM {BASE}\n{SERVER}{mount} ls -A /cache >/found\n"
    poison = f"FROM {BASE} AS other\n{mount} touch /cache/poison\n"
    fork = {"Dockerfile": f"{poison}{look}COPY --from=other /etc/passwd /last\n"}
    await build(builder, make_source(tmp_path / "fork", fork))
    own = await build(builder, make_source(tmp_path / "original", {"Dockerfile": look}))
    options = ("--rm", "--network=none", "--entrypoint=cat")
    assert run("podman", "run", *options, own.image.name, "/found") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have all of a build end at once")
async def test_a_build_that_takes_too_long_leaves_nothing_running(
    podman: None, tmp_path: Path
) -> None:
    """Podman runs steps in sessions of their own."""
    step = f"sleep {1000 + os.getpid()}"
    dockerfile = f"FROM {BASE}\nRUN {step}\n"
    source = make_source(tmp_path / "one", {"Dockerfile": dockerfile})
    building = asyncio.create_task(build(builder_in(tmp_path / "data", build_timeout=600), source))
    async with asyncio.timeout(START):
        while not running(step):
            assert not building.done(), "the step never ran"
            await asyncio.sleep(0.2)
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    await asyncio.to_thread(wait_until, lambda: not running(step), "it runs on")
    source = make_source(tmp_path / "two", {"Dockerfile": f"FROM {BASE}\n{SERVER}"})
    assert (await build(builder_in(tmp_path / "data"), source)).was_built


def running(command: str) -> list[int]:
    """Processes of exactly this command."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if path.read_text().replace("\0", " ").strip() == command:
                found.append(int(path.parent.name))
    return found


async def test_a_build_that_wants_too_much_memory_is_ended(podman: None, tmp_path: Path) -> None:
    dockerfile = (
        f"FROM {BASE}\n{SERVER}RUN python3 -c 'print(len(bytes(range(256)) * (2 << 20)))'\n"
    )
    source = make_source(tmp_path / "repo", {"Dockerfile": dockerfile})
    with pytest.raises(BuildFailed):
        await build(builder_in(tmp_path / "little", build_memory=128 << 20), source)
    assert (await build(builder_in(tmp_path / "enough", build_memory=1 << 30), source)).was_built


async def test_kept_in_a_registry(
    podman: None, registry: SmallRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registries = tmp_path / "registries.conf"
    registries.write_text(_REGISTRIES.format(host=registry.host))
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(registries))
    settings = {"image_prefix": f"{registry.host}/podman/", "use_registry": True}
    source = make_source(tmp_path / "repo", {"Dockerfile": f"FROM {BASE}\n{SERVER}"})
    built = await build(builder_in(tmp_path / "here", **settings), source)
    assert built.was_built and "this machine alone" not in built.log, built.log
    run("podman", "rmi", "--force", built.image.name)
    pulled = await build(builder_in(tmp_path / "there", **settings), source)
    assert not pulled.was_built and {event.phase for event in pulled.events} == {Phase.FETCHING}
    assert pulled.image.name == built.image.name


async def test_doctor_asks_both_engines(podman: None, tmp_path: Path) -> None:
    names = [check.name for check in await builder_in(tmp_path / "data").checks() if check.ok]
    assert {"podman engine", "docker engine", "free disk space"} <= set(names)
