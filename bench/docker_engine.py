"""Launches of the `docker` engine against its peers, in turns in one run.

Of one repository that asks for numpy, pandas and matplotlib and has 5 MB of data:
    first    nothing is kept: no image, no layer, nothing in the daemon's build cache
    second   the same person and commit, the server having been stopped
    content  a commit that changes a notebook, as the same person, asked for by its id
    branch   one more such commit, asked for by its branch; in all other cases it is the id
    person   another person, the same commit; three of them, as starts differ most

Measured on the real thing:
    ours     `binder-at-home up --engine docker`, by `POST api/launches` to `ready`: Git, detection,
             build, the look at the image, the project's files, the server
    plain    the command `jupyter-repo2docker`, then JupyterHub with DockerSpawner. An image that is
             there costs it nothing here: finding it is left out
    tljh     `build_image` of tljh-repo2docker, which runs repo2docker in a container for every
             commit, then JupyterHub with its Repo2DockerSpawner, from its own virtual environment.
             Its code is unchanged; the image it names, `quay.io/jupyterhub/repo2docker:…`, is made
             here, since nothing else is known of it than its name: repo2docker as `plain` has it

All three use the same build pack (our uv-based one), the same base image and the same Git server;
repo2docker is told to look for nothing but Git (otherwise it asks the Dataverse project's site).
`again` is `content` with an empty build cache, as on a machine that prunes it or another machine.
`pip` is a start by `plain`'s Hub of an image with the same server packages as pip installs them.

`--warm` leaves the build cache alone: `first` is whatever is in it, and `again` is not measured.

Usage: python bench/docker_engine.py [--rounds N] [--warm]
(as root; empties the daemon's build cache unless `--warm`)
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from ipaddress import ip_network
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from docker import APIClient
from launch import Hub, hub, once

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "browser")]

from dockerhub import BASE, docker, remove_images  # noqa: E402
from gitserver import GitServer, RepoHandle  # noqa: E402
from homehub import HomeHub  # noqa: E402

from binderhub_ext.core.sse import Parser  # noqa: E402
from binderhub_ext.engines.containers.packages import SERVER_PACKAGES  # noqa: E402

TLJH = "tljh_repo2docker==3.0.21"
BUILDER = "quay.io/jupyterhub/repo2docker:2025.12.0"
PREFIX, PLAIN, PIP = "bah-bench/", "bah-bench-plain", "bah-bench-pip"
PACKAGES = "numpy\npandas\nmatplotlib\n"
LAUNCHES = (
    *(("first", "ana"), ("second", "ana"), ("content", "ana"), ("branch", "ana")),
    *(("person", "bob"), ("person", "cyn"), ("person", "dan"), ("again", "ana")),
)
"""The cases of a round, and who launches."""

_BUILD_CONFIG = f"""
from binderhub_ext.engines.containers.uvpack import UvBuildPack, with_pack
from repo2docker.contentproviders import Git
c.Repo2Docker.content_providers = [Git]
c.Repo2Docker.buildpacks = with_pack(UvBuildPack)
c.Repo2Docker.default_buildpack = UvBuildPack
c.Repo2Docker.base_image = {BASE!r}
"""
_BUILDER = f"""
FROM {BASE}
RUN python3 -m venv /opt/r2d && /opt/r2d/bin/pip install --quiet uv \\
    jupyter-repo2docker=={version("jupyter-repo2docker")}
COPY docker /usr/local/bin/
COPY docker-buildx /usr/libexec/docker/cli-plugins/
COPY binderhub_ext /srv/bench/binderhub_ext
COPY repo2docker_config.py /srv/bench/
WORKDIR /srv/bench
ENV PYTHONPATH=/srv/bench
ENV PATH=/opt/r2d/bin:/usr/local/bin:/usr/bin:/bin
"""
_PIP = f"""
FROM {BASE}
RUN python3 -m venv /srv/venv && /srv/venv/bin/pip install --quiet --no-cache-dir \\
    {" ".join(map(repr, SERVER_PACKAGES))}
RUN useradd --create-home --uid 1000 jovyan
USER jovyan
WORKDIR /home/jovyan
ENV PATH=/srv/venv/bin:/usr/local/bin:/usr/bin:/bin
"""
_SPAWNER = """
c.JupyterHub.spawner_class = {spawner!r}
c.DockerSpawner.allowed_images = "*"
c.DockerSpawner.cmd = ["jupyterhub-singleuser"]
c.DockerSpawner.pull_policy = "Never"
c.DockerSpawner.remove = True
"""
_BUILD_TLJH = """
import asyncio, sys
from tljh_repo2docker.docker import build_image
asyncio.run(build_image(sys.argv[1], sys.argv[2], name="bah-bench-tljh"))
"""
_OURS = f"""
c.DockerBuilder.buildpack = "uv"
c.DockerBuilder.base_image = {BASE!r}
c.DockerBuilder.image_prefix = {PREFIX!r}
c.DockerBuilder.allowed_networks = ["ADDRESS"]  # the peers' Hubs and the Git server are there
c.AddressPolicy.allowed_networks = ["172.16.0.0/12"]
c.JupyterHub.services = [{{"name": "bench", "api_token": "TOKEN"}}]
c.JupyterHub.load_roles = [
    {{"name": "bench", "services": ["bench"], "scopes": ["admin:users", "tokens", "admin:servers"]}}
]
"""


@dataclass(frozen=True)
class Took:
    """What one launch took: seconds to an image, seconds from there to a ready server."""

    image: float
    server: float
    disk: int = 0

    @property
    def all(self) -> float:
        return self.image + self.server


class Ours:
    """The whole of it, through its API."""

    def __init__(self, hub: HomeHub, token: str) -> None:
        self._hub, self._token = hub, token

    async def launch(self, repo: str, ref: str, commit: str, user: str) -> Took:
        users = f"{self._hub.url}/hub/api/users/{user}"
        async with _session(self._token) as admin:
            async with admin.post(users):
                pass
            async with admin.post(f"{users}/tokens", json={}) as response:
                token = (await response.json())["token"]
            async with _session(token) as session:
                took = await self._launch(session, repo, ref)
            while names := await _running(admin, users):
                for name in names:
                    async with admin.delete(f"{users}/servers/{name}"):
                        pass
                await asyncio.sleep(0.1)
        return took

    async def _launch(self, session: aiohttp.ClientSession, repo: str, ref: str) -> Took:
        page, wanted = self._hub.main_page, {"repo": repo, "ref": ref}
        begin = time.perf_counter()
        async with session.post(f"{page}api/launches", json=wanted) as response:
            launch = (await response.json())["id"]
        built, parser = begin, Parser()
        async with session.get(f"{page}api/launches/{launch}/events") as response:
            async for chunk in response.content.iter_any():
                for event in parser.feed(chunk):
                    if event["phase"] == "built":
                        built = time.perf_counter()
                    elif event["phase"] == "ready":
                        return Took(built - begin, time.perf_counter() - built)
                    elif event["phase"] == "failed":
                        raise RuntimeError(event)
        raise RuntimeError("the launch did not end")

    def forget(self) -> None:
        remove_images(PREFIX)


class Plain:
    """repo2docker and DockerSpawner."""

    def __init__(self, hub: Hub, config: Path) -> None:
        self._hub, self._config = hub, config
        self._known: set[str] = set()

    async def launch(self, repo: str, ref: str, commit: str, user: str) -> Took:
        image, begin = f"{PLAIN}:{commit[:7]}", time.perf_counter()
        if commit not in self._known:
            options = ("--no-run", "--user-id=1000", "--user-name=jovyan")
            program = [sys.executable, "-m", "repo2docker", "--config", str(self._config)]
            _run([*program, *options, "--image-name", image, "--ref", ref, repo])
            self._known.add(commit)
        built = time.perf_counter() - begin
        server, _ = await once(self._hub, {"image": image}, user)
        return Took(built, server)

    def forget(self) -> None:
        self._known.clear()
        remove_images(f"{PLAIN}:")

    async def start_pip(self) -> Took:
        """Start the image that pip made."""
        return Took(0, (await once(self._hub, {"image": PIP}, "pia"))[0])


class Tljh:
    """tljh-repo2docker."""

    def __init__(self, hub: Hub, python: str) -> None:
        self._hub, self._python = hub, python
        self._images: dict[str, str] = {}

    async def launch(self, repo: str, ref: str, commit: str, user: str) -> Took:
        begin = time.perf_counter()
        if commit not in self._images:
            _run([self._python, "-c", _BUILD_TLJH, repo, ref])
            self._images[commit] = f"bah-bench-tljh:{ref[:7]}"
        built = time.perf_counter() - begin
        server, _ = await once(self._hub, {"image": self._images[commit]}, user)
        return Took(built, server)

    def forget(self) -> None:
        self._images.clear()
        remove_images("bah-bench-tljh:")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--warm", action="store_true")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with ExitStack() as stack:
            figures = asyncio.run(measure(stack, Path(folder), given.rounds, given.warm))
    report(figures, given.rounds)


async def measure(
    stack: ExitStack, root: Path, rounds: int, warm: bool
) -> dict[str, dict[str, list[Took]]]:
    address = _bridge()
    git = stack.enter_context(GitServer(root / "git", address))
    peers = _peers(stack, root, address)
    figures: dict[str, dict[str, list[Took]]] = {name: {} for name in peers}
    names = list(peers)
    await peers["plain"].start_pip()  # the first finds cold caches
    for number in range(rounds):
        for name in names[number % 3 :] + names[: number % 3]:
            repo = git.create_repo(f"bench/{name}{number}", _files())
            async for case, took in _round(peers[name], repo, warm):
                figures[name].setdefault(case, []).append(took)
                print(f"{number} {name} {case}: {took}", file=sys.stderr, flush=True)
            figures.setdefault("pip", {}).setdefault("person", []).append(
                await peers["plain"].start_pip()
            )
    return figures


def _peers(stack: ExitStack, root: Path, address: str) -> dict[str, Any]:
    config = root / "repo2docker_config.py"
    config.write_text(_BUILD_CONFIG)
    venv = root / "tljh"
    uv = [sys.executable, "-m", "uv"]
    _run([*uv, "venv", "--quiet", str(venv)])
    python = str(venv / "bin" / "python")
    same = f"jupyterhub=={version('jupyterhub')}"
    _run([*uv, "pip", "install", "--quiet", "--python", python, TLJH, same])
    _make_builder(root / "builder")
    (root / "pip").mkdir()
    (root / "pip" / "Dockerfile").write_text(_PIP)
    _run(["docker", "buildx", "build", "--load", "--quiet", "--tag", PIP, str(root / "pip")])
    for image in (BUILDER, PIP):
        stack.callback(remove_images, image)
    plain = _SPAWNER.format(spawner="dockerspawner.DockerSpawner")
    tljh = _SPAWNER.format(spawner="tljh_repo2docker.Repo2DockerSpawner")
    token = secrets.token_hex()
    settings = _OURS.replace("TOKEN", token).replace("ADDRESS", address)
    ours = stack.enter_context(HomeHub.running(settings, engine="docker"))
    hubs = (
        stack.enter_context(hub(root / "hub-plain", plain, host=address)),
        stack.enter_context(hub(root / "hub-tljh", tljh, host=address, python=python)),
    )
    return {
        "ours": Ours(ours, token),
        "plain": Plain(hubs[0], config),
        "tljh": Tljh(hubs[1], python),
    }


async def _round(peer: Any, repo: RepoHandle, warm: bool) -> AsyncIterator[tuple[str, Took]]:
    """All cases once, from nothing to nothing; with `warm`, those for which nothing is emptied."""
    commit, before = repo.git("rev-parse", "main"), _layers()
    for case, user in LAUNCHES[:-1] if warm else LAUNCHES:
        if case in ("content", "branch", "again"):
            commit = repo.commit({"index.ipynb": json.dumps({"for": case})})
        if case in ("first", "again") and not warm:
            docker("builder", "prune", "--all", "--force")
        ref = "main" if case == "branch" else commit
        launched = await peer.launch(repo.url, ref, commit, user)
        after = _layers()
        yield case, Took(launched.image, launched.server, after - before)
        before = after
    peer.forget()


def _files() -> dict[str, str | bytes]:
    return {
        "requirements.txt": PACKAGES,
        "index.ipynb": "{}",
        "data.bin": os.urandom(5_000_000),
    }


def _make_builder(context: Path) -> None:
    """The image that tljh-repo2docker runs repo2docker in."""
    ours = Path("binderhub_ext")
    shutil.copytree(ROOT / ours / "core", context / ours / "core")
    (context / ours / "engines" / "containers").mkdir(parents=True)
    for name in (
        *("__init__.py", "engines/__init__.py", "engines/containers/__init__.py"),
        *("engines/node.py", "engines/containers/packages.py", "engines/containers/uvpack.py"),
    ):
        shutil.copy(ROOT / ours / name, context / ours / name)
    (context / "repo2docker_config.py").write_text(_BUILD_CONFIG)
    shutil.copy(shutil.which("docker") or "", context / "docker")
    plugins = json.loads(docker("info", "--format={{json .ClientInfo.Plugins}}"))
    (buildx,) = [one["Path"] for one in plugins if one["Name"] == "buildx"]
    shutil.copy(buildx, context / "docker-buildx")
    (context / "Dockerfile").write_text(_BUILDER)
    _run(["docker", "buildx", "build", "--load", "--quiet", "--tag", BUILDER, str(context)])


def report(figures: dict[str, dict[str, list[Took]]], rounds: int) -> None:
    pip = figures.pop("pip")["person"]
    print(f"Medians of {rounds} rounds, {os.cpu_count()} processors.\n")
    print("| | " + " | ".join(f"{n}, image | server | disk" for n in figures) + " |")
    print("| --- |" + " ---: |" * 9)
    cases = list(figures["ours"])
    for case in cases:
        cells = []
        for name in figures:
            took = figures[name][case]
            cells += [f"{median(one.image for one in took):.2f} s"]
            cells += [f"{median(one.server for one in took):.2f} s"]
            cells += [f"{median(one.disk for one in took) / 1e6:.1f} MB"]
        print(f"| {case} | " + " | ".join(cells) + " |")
    for peer in ("plain", "tljh"):
        for case in cases:
            pairs = list(zip(figures["ours"][case], figures[peer][case], strict=True))
            image = median(a.image / b.image if b.image > 0.001 else 0 for a, b in pairs)
            server = median(a.server / b.server for a, b in pairs)
            whole = median(a.all / b.all for a, b in pairs)
            print(f"ours / {peer}, {case}: image {image:.3f}, server {server:.2f}, all {whole:.2f}")
    alone = median(one.server for one in pip)
    ours = median(one.all for one in figures["ours"]["person"])
    print(f"pip: {alone:.2f} s; ours, person / pip: {ours / alone:.2f}")


def _layers() -> int:
    """Bytes all images take, each layer counted once."""
    client = APIClient()
    try:
        return int(client.df()["LayersSize"])
    finally:
        client.close()


def _bridge() -> str:
    """This machine's address on Docker's default network, for Hubs and Git."""
    (facts,) = json.loads(docker("network", "inspect", "bridge"))
    (addresses,) = facts["IPAM"]["Config"]
    # A daemon that has never been started before tells no gateway, which is the first address.
    return str(addresses.get("Gateway") or ip_network(addresses["Subnet"])[1])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.stdout[-3000:]}")


def _session(token: str) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=600)
    return aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}, timeout=timeout)


async def _running(session: aiohttp.ClientSession, user: str) -> list[str]:
    async with session.get(user) as response:
        return list((await response.json())["servers"])


if __name__ == "__main__":
    main()
