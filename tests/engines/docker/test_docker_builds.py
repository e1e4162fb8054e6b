"""What one repository's build can do to others and to this machine, with real builds."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from anybuilds import *  # noqa: F403
from anybuilds import Attacked
from dockerhub import BASE, NETWORK, docker
from dockersources import Built, build, git, make_source
from metadata import ADDRESS, SECRET, cloud_metadata

from binderhub_ext.core.errors import BuildFailed
from binderhub_ext.engines.containers.examine import Examination
from binderhub_ext.engines.containers.finish import _ways
from binderhub_ext.engines.docker import network
from binderhub_ext.engines.docker.build import DockerBuilder
from binderhub_ext.engines.docker.images import LABEL
from binderhub_ext.engines.docker.sweep import HUB, RUN, hub_label


def read(image: str, path: str) -> str:
    return docker("run", "--rm", "--network=none", "--entrypoint=cat", image, path)


async def labels_of(image: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(docker("inspect", "--format={{json .Config.Labels}}", image))
    return found


@pytest.fixture
def attacked(docker_builder: DockerBuilder) -> Attacked:
    return Attacked(docker_builder, BASE, LABEL, read, labels_of)


async def built(builder: DockerBuilder, folder: Path, *lines: str) -> Built:
    """The image of a Dockerfile, which says what its steps saw."""
    return await Attacked(builder, BASE, LABEL, read, labels_of).built(folder, *lines)


async def test_labels_of_an_image_end_no_server(
    docker_builder: DockerBuilder, tmp_path: Path
) -> None:
    """A container has its image's labels, also the one by which containers of ours are found."""
    label = f"LABEL binder-at-home.tried={docker_builder.image_prefix}{'b' * 32}:unfinished"
    image = (await built(docker_builder, tmp_path / "one", label)).image.name
    running = docker("run", "--detach", "--rm", "--network=none", image, "sleep", "60")
    try:
        assert running[:12] in docker("ps", "--quiet", "--filter=label=binder-at-home.tried")
        await docker_builder.sweep()
        assert running[:12] in docker("ps", "--quiet")
    finally:
        docker("rm", "--force", running)


async def test_no_image_is_taken_for_a_server(
    docker_builder: DockerBuilder, tmp_path: Path
) -> None:
    """By labels with which it would be somebody else's, whose use would be told from it."""
    forged = f"LABEL {HUB}={hub_label(docker_builder.layout)} {RUN}=somebody"
    image = (await built(docker_builder, tmp_path / "one", forged)).image.name
    found = await labels_of(image)
    assert (found[HUB], found[RUN]) == ("", "")


async def test_what_an_image_says_when_it_is_tried_takes_no_disk(
    docker_builder: DockerBuilder, plain_image: str
) -> None:
    waits = "until test -e /tmp/seen; do sleep 0.1; done; echo said"
    trying = docker_builder.daemon.try_inside(plain_image, "sh", "-c", waits)
    task = asyncio.create_task(trying)
    form = "--format={{.HostConfig.LogConfig.Type}}"
    # Other tests try images, too.
    ours = ("ps", "--quiet", "--filter=name=binder-try-", f"--filter=ancestor={plain_image}")
    while not (tried := docker(*ours)):  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.05)
    assert docker("inspect", form, *tried.split()) == "none"
    docker("exec", *tried.split(), "touch", "/tmp/seen")
    assert await task == "said"


def test_whoever_an_image_runs_as_is_a_word_of_a_dockerfile() -> None:
    """Registries hand out whatever was put into an image's settings."""
    kinds = {"app": "app", "1000:100": "1000:100", "": "0", "0\nRUN evil": "0", "0 \\": "0"}
    for user, expected in kinds.items():
        found = Examination(user, "", python=True, foreign="", obedient=True)
        _, dockerfile = next(_ways("image", found, "base"))
        assert dockerfile.endswith(f"\nUSER {expected}\n")


@pytest.fixture
def plain_bridge() -> Iterator[None]:
    """The network of builds without rules, as a new daemon has it, before and after."""
    bridge = network.bridge_of_builds("docker")
    network.remove(bridge)
    yield
    network.remove(bridge)


def address_of(bridge: str) -> str:
    listed = subprocess.check_output(["ip", "-json", "-4", "addr", "show", "dev", bridge])
    return str(json.loads(listed)[0]["addr_info"][0]["local"])


@contextmanager
def answering(address: str) -> Iterator[int]:
    """A program of this machine, at one of its addresses."""
    with socket.create_server((address, 0)) as server:
        accepting = threading.Thread(target=_accept, args=[server], daemon=True)
        accepting.start()
        yield server.getsockname()[1]


def _accept(server: socket.socket) -> None:
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


_ASK = (
    'RUN python3 -c "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])),'
    ' 5).recv(1)" {place} {port} && echo reached >/{name} || echo refused >/{name}'
)


async def test_a_build_reaches_neither_this_machine_nor_cloud_metadata(
    docker_builder: DockerBuilder, plain_bridge: None, tmp_path: Path
) -> None:
    gateway = address_of(network.bridge_of_builds("docker"))
    with cloud_metadata(), answering(gateway) as port:
        lines = [
            _ASK.format(place=gateway, port=port, name="machine"),
            f"RUN python3 -c \"import urllib.request as r; print(r.urlopen('http://{ADDRESS}',"
            ' timeout=5).read())" >/metadata || echo refused >/metadata',
        ]
        held = await built(docker_builder, tmp_path / "one", *lines)
        assert read(held.image.name, "/machine") == "refused"
        assert SECRET not in read(held.image.name, "/metadata")

        settings = docker_builder.trait_values(config=True)
        places = [f"{gateway}/32", f"{ADDRESS}/32"]
        opened = DockerBuilder(**{**settings, "allowed_networks": places})
        free = await built(opened, tmp_path / "two", "RUN true", *lines)
        assert read(free.image.name, "/machine") == "reached"
        assert SECRET in read(free.image.name, "/metadata")


def rules() -> str:
    return subprocess.check_output(["iptables", "-S"], text=True)


def test_rules_go_with_the_network_they_are_for(plain_bridge: None) -> None:
    """Those of an engine's own bridge stay, which may be gone for a moment."""
    name = f"{NETWORK}-lost"
    bridge = network.ensure_network(name).bridge
    kept = network.bridge_of_builds("docker")
    try:
        # some networks of IPv6 among them, of which these rules are not
        for one in (bridge, kept):
            assert network.protect(one, [], [*network.METADATA, "fd00::/8"], ["::1/128"]) == ""
        assert bridge not in network.forget_lost() and f"{bridge}-in" in rules()
    finally:
        docker("network", "rm", name)
    assert bridge in network.forget_lost()  # other tests may have left some
    assert bridge not in rules() and f"-j {kept}-in" in rules()


@pytest.fixture
def engine_group() -> Iterator[None]:
    """The engine in a control group of its own, as services are; rules for it are taken away."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    (root,) = [Path(fields[1]) for fields in mounts if fields[2] == "cgroup2"]
    group, moved = network._engine_group(), False
    if not group:
        group, moved = f"bah-tests-{os.getpid()}", True
        (root / group).mkdir()
        (root / group / "cgroup.procs").write_text(network._PID.read_text())
    yield
    rule = ("OUTPUT", "-m", "cgroup", "--path", group, "-j", network._ENGINE)
    for words in (("-D", *rule), ("-F", network._ENGINE), ("-X", network._ENGINE)):
        subprocess.run(["iptables", *words], capture_output=True)
    if moved:
        (root / "cgroup.procs").write_text(network._PID.read_text())
        (root / group).rmdir()


async def test_the_engine_fetches_nothing_from_there_for_a_build(
    docker_builder: DockerBuilder, engine_group: None, plain_bridge: None, tmp_path: Path
) -> None:
    add = f"ADD http://{ADDRESS}/ /secret"
    with cloud_metadata():
        with pytest.raises(BuildFailed):
            await built(docker_builder, tmp_path / "one", add)
        settings = docker_builder.trait_values(config=True)
        opened = DockerBuilder(**{**settings, "allowed_networks": [f"{ADDRESS}/32"]})
        free = await built(opened, tmp_path / "two", add, "RUN chmod a+r /secret")
        assert SECRET in read(free.image.name, "/secret")


NAMES = [
    *("uv.toml", "pip.conf", ".pip/pip.conf", ".config/pip/pip.conf", ".config/uv/uv.toml"),
    *(".python-version", ".python-versions", ".netrc", ".pypirc", ".env", ".envrc", "setup.cfg"),
    *("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "constraints.txt", "hatch.toml"),
    *("MANIFEST.in", "tox.ini", "pytest.ini", "conftest.py", "noxfile.py", "build.py"),
    *("sitecustomize.py", "usercustomize.py", "pip.py", "uv.py", "setuptools.py", "json.py"),
    *("notebook_shim.py", "jupyter_server_config.py", "jupyter_config.py", "ipython_config.py"),
    *(".jupyter/jupyter_server_config.py", ".ipython/profile_default/startup/0.py", "x.pth"),
    *(".condarc", "condarc", ".mambarc", "conda-lock.yml", "environment.lock", ".conda/condarc"),
    *("package.json", "package-lock.json", ".npmrc", "npmrc", "yarn.lock", ".yarnrc"),
    *(".gitconfig", ".gitmodules", ".git-credentials", ".config/git/config", ".gitignore"),
    *(".dockerignore", ".containerignore", "Dockerfile.dockerignore", "docker-compose.yml"),
    *("compose.yml", "docker-bake.hcl", "Containerfile", "Makefile", ".bashrc", ".profile"),
    *(".local/bin/pip", ".local/bin/uv", "bin/python", "python3", "Rprofile.site", ".Rprofile"),
    *(".Renviron", "renv.lock", "startup.jl", "flake.nix", "shell.nix", "manifest.xml"),
    *("HEAD", "config", "objects/empty", "refs/empty", "pyvenv.cfg", "lib/python3/x.py"),
    *("w/six-9.whl", "environment/requirements.txt", "requirements3.in", "requirements.in"),
]
"""What uv, pip, setuptools, hatch, conda, npm, Git, Python, R, Docker and repo2docker look for in
the current folder, above it or in a home."""

EVIL = "[pip]\nfind-links = ['./w']\n[global]\nindex-url = http://127.0.0.1:1/\n"


async def test_what_the_key_does_not_name_changes_nothing(
    docker_builder: DockerBuilder, tmp_path: Path
) -> None:
    """A fork with every such file has the original's key, and gives every step the same bytes.

    It is built first. The original then takes every step from it, since the engine finds by content
    that nothing a step could read is different; and both images have the same layers.
    """
    files = {"requirements.txt": "docopt==0.6.2\n", "apt.txt": "", "start": "#!/bin/sh\nexec $@\n"}
    plain = make_source(tmp_path / "plain", files)
    fork = make_source(tmp_path / "fork", {**dict.fromkeys(NAMES, EVIL), **files}, "some/fork")
    assert (await docker_builder.plan(plain)).key == (await docker_builder.plan(fork)).key

    first = (await build(docker_builder, fork)).image.name
    assert (await build(docker_builder, plain)).image.name == first, "it is built once"
    layers = [layers_of(first)]
    docker("image", "rm", "--force", first)
    again = await build(docker_builder, plain)
    assert again.was_built and "CACHED" in again.log
    assert [*layers, layers_of(again.image.name)] == [layers[0]] * 2
    listed = docker("run", "--rm", "--network=none", "--entrypoint=find", first, "/srv/repo")
    assert set(listed.split()) == {"/srv/repo", *(f"/srv/repo/{name}" for name in files)}


def layers_of(image: str) -> str:
    return docker("inspect", "--format={{json .RootFS.Layers}}", image)


async def test_bytes_that_git_changes_on_the_way_are_in_the_key(
    docker_builder: DockerBuilder, tmp_path: Path
) -> None:
    """The same blobs, and attributes by which Git writes something else."""
    files = {"requirements.txt": "six\n"}
    plain = make_source(tmp_path / "plain", files)
    fork = make_source(tmp_path / "fork", {**files, ".gitattributes": "*.txt text eol=crlf\n"})
    for source in (plain, fork):
        objects = source.bundle.with_name("objects.git")
        git("clone", "--quiet", "--bare", str(source.bundle), str(objects), cwd=tmp_path)
    keys = [(await docker_builder.plan(source)).key for source in (plain, fork)]
    assert keys[0] != keys[1]
