"""What a container reaches and what it does not, with real containers on a real network."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import pytest
from dockerhub import NETWORK, DockerHub, docker
from sandboxhub import Failed

from binderhub_ext.core.launch import Access, Files
from binderhub_ext.engines.docker import network
from binderhub_ext.engines.docker.staging import Bind, clear, seen_rightly, staged
from binderhub_ext.storage.mounts import Mount

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root sets packet filter rules and mounts")

_REACH = """
import socket
for host, port in {places!r}:
    try:
        socket.create_connection((host, port), 2).close()
        print("reached", end=" ")
    except OSError:
        print("refused", end=" ")
"""


@contextmanager
def listening(host: str) -> Iterator[int]:
    with socket.create_server((host, 0)) as server:
        yield server.getsockname()[1]


@needs_root
async def test_only_the_hub_is_reached_on_this_machine(docker_hub: DockerHub) -> None:
    hub = (docker_hub.host, docker_hub.port)
    outside = _address_of_this_machine()
    async with docker_hub.client() as client:
        await client.start(docker_hub.launch("net"))
        with listening("0.0.0.0") as everywhere, listening("127.0.0.1") as loopback:
            places = [
                *((hub[0], port) for port in (everywhere, loopback)),
                *((outside, port) for port in (everywhere, docker_hub.port)),
                ("127.0.0.1", docker_hub.port),
                ("169.254.169.254", 80),
            ]
            code = _REACH.format(places=[hub, *places])
            answer = await client.run("net", code)
        assert answer.output.split() == ["reached"] + ["refused"] * len(places)
        await client.stop("net")


@needs_root
async def test_a_hub_beside_it_closes_no_port(docker_hub: DockerHub) -> None:
    """Several Hubs on one machine may have their servers on one network."""
    bridge = network.ensure_network(NETWORK).bridge
    async with docker_hub.client() as client:
        await client.start(docker_hub.launch("two"))
        with listening("0.0.0.0") as other:
            assert network.protect(bridge, [other], network.METADATA) == ""
            hubs = [(docker_hub.host, port) for port in (docker_hub.port, other)]
            answer = await client.run("two", _REACH.format(places=hubs))
        assert answer.output.split() == ["reached", "reached"]
        await client.stop("two")


async def test_servers_do_not_reach_each_other(docker_hub: DockerHub) -> None:
    async with docker_hub.client() as client:
        for user in ("eva", "fay"):
            await client.start(docker_hub.launch(user))
        places = [(docker_hub.address("fay"), 8888), (docker_hub.container("fay"), 8888)]
        answer = await client.run("eva", _REACH.format(places=places))
        assert answer.output.split() == ["refused", "refused"]
        await asyncio.gather(client.stop("eva"), client.stop("fay"))


async def test_a_read_only_mount_stays_read_only(docker_hub: DockerHub) -> None:
    """A group's volume that its members may only read."""
    store = docker_hub.root / "readable"
    store.mkdir()
    (store / "data.txt").write_text("read me")
    extra = (
        f"from docker.types import Mount\n"
        f"c.BinderDockerSpawner.read_only_volumes = {{{str(store)!r}: '/home/jovyan/shared/data'}}"
    )
    with docker_hub.configured(extra):
        async with docker_hub.client() as client:
            await client.start(docker_hub.launch("ron"))
            code = """
import os, subprocess
print(open(os.path.expanduser("~/shared/data/data.txt")).read())
for attempt in ("touch", "mount -o remount,rw"):
    done = subprocess.run(f"{attempt} ~/shared/data/x", shell=True, capture_output=True, text=True)
    print(done.returncode != 0, done.stderr)
"""
            answer = await client.run("ron", code)
            assert answer.output.startswith("read me\nTrue") and "Read-only" in answer.output
            assert answer.output.count("True") == 2
            await client.stop("ron")
    assert [path.name for path in store.iterdir()] == ["data.txt"]


async def test_rights_cannot_be_gained(docker_hub: DockerHub) -> None:
    async with docker_hub.client() as client:
        await client.start(docker_hub.launch("max"))
        code = """
import re
status = open("/proc/self/status").read()
print(re.findall(r"(?:NoNewPrivs|CapEff|CapBnd|Seccomp):\\s*(\\w+)", status))
"""
        answer = await client.run("max", code)
        assert answer.output.strip() == "['0000000000000000', '0000000000000000', '1', '2']"
        await client.stop("max")


@needs_root
async def test_a_planted_link_shows_nothing_of_others(docker_hub: DockerHub) -> None:
    """A person replaces the project's folder by a link, and starts the project's own view."""
    commit, project = docker_hub.repository({"a.txt": "a"}, "plant/ed")
    launch = docker_hub.launch("mal", commit=commit, project=project)
    async with docker_hub.client() as client:
        await client.start(docker_hub.launch("vic", files=Files.HOME))
        await client.run("vic", "open('secret.txt', 'w').write('x')")
        await client.start(launch)
        await client.stop("mal")
        place = docker_hub.layout.home("mal") / project
        place.rename(place.with_name("moved"))
        place.symlink_to(docker_hub.layout.home("vic"))
        with pytest.raises(Failed, match=r"in its (place|way)"):
            await client.start(launch)
        await client.stop("vic")
    assert not [line for line in docker_hub.leftovers() if "mal" in line]


def _mount(root: Path, path: str) -> Mount:
    return Mount(root, PurePosixPath(path), PurePosixPath(path), Access.RW)


@needs_root
async def test_what_is_opened_is_what_docker_gets(tmp_path: Path) -> None:
    """A folder swapped for a link after it was opened does not matter."""
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    place = tmp_path / "staging"
    home = PurePosixPath("/home/jovyan")
    async with staged([_mount(tmp_path, "mine")], home, place) as (bind,):
        (tmp_path / "mine").rename(tmp_path / "moved")
        (tmp_path / "mine").symlink_to(tmp_path / "theirs")
        assert [path.name for path in Path(bind.source).iterdir()] == ["mine"]
    assert not place.exists()
    assert [path.name for path in (tmp_path / "moved").iterdir()] == ["mine"]


@needs_root
def test_what_a_killed_hub_staged_is_only_taken_away(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years")
    place = tmp_path / "staging"
    (place / "0").mkdir(parents=True)
    subprocess.run(["mount", "--bind", tmp_path / "work", place / "0"], check=True)
    clear(place)
    assert not place.exists()
    assert (tmp_path / "work" / "thesis.txt").read_text() == "years"


def test_a_container_that_sees_something_else_is_recognised(
    docker_hub: DockerHub, tmp_path: Path
) -> None:
    meant, other = tmp_path / "meant", tmp_path / "other"
    for path in (meant, other):
        path.mkdir()
    name = docker(
        *("run", "-d", "--rm", "-v", f"{meant}:/home/jovyan/a", "--network=none"),
        *(f"--user={os.geteuid()}", "--entrypoint=sleep", docker_hub.image, "60"),
    )
    try:
        pid = json.loads(docker("inspect", name))[0]["State"]["Pid"]
        for path, rightly in ((meant, True), (other, False)):
            facts = path.stat()
            bind = Bind(
                str(path), PurePosixPath("/home/jovyan/a"), False, (facts.st_dev, facts.st_ino)
            )
            assert seen_rightly(pid, [bind]) is rightly
        gone = Bind(str(meant), PurePosixPath("/home/jovyan/b"), False, bind.identity)
        assert not seen_rightly(pid, [gone])
    finally:
        docker("rm", "-f", name)


def _address_of_this_machine() -> str:
    """One other than loopback, as the kernel would use it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
