"""One build for everybody, and a service that is killed at any moment.

All of it is real: the service's own API, the Hub, the daemon, a registry. What is launched is
the image of an empty repository with a little on top, so that builds take seconds.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import aiohttp
import psutil
import pytest
from dockerhome import running_docker_home, servers
from dockerhub import docker, remove_images
from dockerregistry import SmallRegistry
from dockersources import build
from homehub import HomeHub
from patience import START, wait_until
from processlist import without_children
from yarl import URL

from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.progress import unheard
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.core.sse import Parser
from binderhub_ext.engines.base import EngineDown
from binderhub_ext.engines.containers.binderhub import BinderHub
from binderhub_ext.engines.docker.build import DockerBuilder
from binderhub_ext.engines.docker.images import LABEL, UNFINISHED
from binderhub_ext.repos.base import Source

TOKEN = "the-tests-of-the-service-may-do-this"
PEOPLE = 50
NAME = "service"

_CONFIG = f"""
c.Access.api_only = True
c.BinderApp.sweep_every = 1
c.DockerBuilder.use_registry = True
c.LaunchPolicy.images = [".*"]
c.JupyterHub.services = [{{"name": "tests", "api_token": {TOKEN!r}}}]
c.JupyterHub.load_roles = [
    {{"name": "tests", "services": ["tests"], "scopes": ["admin:users", "tokens", "admin:servers"]}}
]
"""


@pytest.fixture(scope="module")
def hub(registry: SmallRegistry) -> Iterator[HomeHub]:
    with running_docker_home(NAME, _CONFIG, registry.host) as hub:
        yield hub


@dataclass
class Client:
    """A person's program.

    Attributes:
        user: the person.
        token: theirs.
    """

    hub: HomeHub
    user: str
    session: aiohttp.ClientSession
    token: str = ""

    async def build(self, repo: str) -> list[dict[str, Any]]:
        """The events of a build through BinderHub's stream, to its end."""
        path = f"build/git/{quote(repo, safe='')}/main?build_only=true"
        return [event async for event in self._events(path)]

    async def click(self, repo: str) -> list[dict[str, Any]]:
        """The events of a launch, to its end."""
        return [event async for event in self._launch(repo)]

    async def click_until(self, repo: str, words: str) -> None:
        """Launch, and watch until a line ends with these words or begins with them."""
        async with aclosing(self._launch(repo)) as events:
            async for event in events:
                line = event["message"].rstrip()
                if line.startswith(words) or line.endswith(words):
                    return
        raise AssertionError(f"nobody said {words!r}; the last was {event}")

    async def prepare(self, link: str) -> dict[str, Any]:
        """The last event of what is only prepared."""
        *_, last = [event async for event in self._started("prepare", {"link": link})]
        return last

    def _launch(self, repo: str) -> AsyncGenerator[dict[str, Any]]:
        return self._started("launches", {"repo": repo})

    async def _started(self, what: str, asked: dict[str, str]) -> AsyncGenerator[dict[str, Any]]:
        url = f"{self.hub.main_page}api/{what}"
        async with self.session.post(url, json=asked) as response:
            told = await response.json()
            assert response.status == 201, told
        async with aclosing(self._events(f"api/launches/{told['id']}/events")) as events:
            async for event in events:
                yield event

    async def _events(self, path: str) -> AsyncGenerator[dict[str, Any]]:
        parser = Parser()
        headers = {"Accept": "text/event-stream"}
        url = URL(self.hub.main_page + path, encoded=True)
        async with self.session.get(url, headers=headers) as response:
            assert response.status == 200, await response.text()
            async for chunk in response.content.iter_any():
                for event in parser.feed(chunk):
                    yield event

    async def stop(self) -> None:
        """Stop and forget every server of this person, as an administrator."""
        url = f"{self.hub.url}/hub/api/users/{self.user}"
        async with aiohttp.ClientSession(headers=_bearer(TOKEN)) as session:
            while names := await _names(session, url):
                for name in names:
                    async with session.delete(f"{url}/servers/{name}"):
                        pass
                await asyncio.sleep(0.2)


@asynccontextmanager
async def person(hub: HomeHub, user: str) -> AsyncIterator[Client]:
    """Somebody with a token of their own."""
    url = f"{hub.url}/hub/api/users/{user}"
    async with aiohttp.ClientSession(headers=_bearer(TOKEN)) as session:
        async with session.post(url):
            pass
        async with session.post(f"{url}/tokens", json={}) as response:
            told = await response.json()
            assert response.status == 201, told
    # The first push takes most of a minute, since it compresses every layer.
    timeout = aiohttp.ClientTimeout(total=START)
    async with aiohttp.ClientSession(headers=_bearer(told["token"]), timeout=timeout) as session:
        yield Client(hub, user, session, told["token"])


async def test_fifty_people_at_once_are_one_build(
    hub: HomeHub, registry: SmallRegistry, plain_image: str
) -> None:
    dockerfile = f"FROM {plain_image}\nRUN : {uuid4()}; echo one for all; sleep 2\n"
    repo = hub.git.create_repo("crowd/new", {"Dockerfile": dockerfile})

    async def build(number: int) -> list[dict[str, Any]]:
        async with person(hub, f"person-{number}") as client:
            async with asyncio.timeout(START):
                await everybody.wait()
                return await client.build(repo.url)

    everybody = asyncio.Barrier(PEOPLE)
    ends = [events[-1] for events in await asyncio.gather(*map(build, range(PEOPLE)))]
    assert {end["phase"] for end in ends} == {"ready"}, ends
    (image,) = {end["imageName"] for end in ends}
    logs = [log.read_text() for log in (hub.root / "builds").glob("*.log")]
    assert sum("one for all" in log for log in logs) == len(logs) == 1
    assert docker("image", "ls", "-q", image) != ""
    assert registry.has(image.removeprefix(f"{registry.host}/"))


async def test_another_hub_has_it_built_here(
    hub: HomeHub, plain_image: str, tmp_path: Path
) -> None:
    """This service is the BinderHub to which another's builder hands what everybody can read."""
    dockerfile = f"FROM {plain_image}\nRUN echo {uuid4()} | tee /tmp/mark; echo built there\n"
    repo = hub.git.create_repo("handed/over", {"Dockerfile": dockerfile})
    repo.git("bundle", "create", "-q", str(tmp_path / "bundle"), "HEAD", "main")
    id, tree = repo.git("rev-parse", "main", "main^{tree}").split()
    source = Source(Commit(Repo("git", repo.url, repo.url), "main", id), tmp_path / "bundle", tree)
    prefix = f"bah-handing-{os.getpid()}/"
    async with person(hub, "hugh") as client:
        token = tmp_path / "token"
        token.write_text(client.token)
        builder = DockerBuilder(
            data_dir=str(tmp_path / "data"),
            image_prefix=prefix,
            binderhub_url=hub.main_page,
            binderhub_token_file=str(token),
            min_free_space=1 << 30,
        )
        try:
            built = await build(builder, source)
            assert "Asking" in built.log and "built there" in built.log
            assert built.image.name.startswith(prefix)
            assert docker("run", "--rm", "--entrypoint=cat", built.image.name, "/tmp/mark")
            again = await build(builder, source)
            assert again.events == [] and again.image == built.image
            token.write_text("nobody's")
            with pytest.raises(EngineDown, match="let it in"):
                await BinderHub(hub.main_page, str(token)).build(source.commit, unheard)
        finally:
            remove_images(prefix)


async def test_what_is_prepared_is_on_the_machine(
    hub: HomeHub, plain_image: str, lab_image: str
) -> None:
    """Built, in the registry from before, or somebody's own: nothing of it is pulled in a class."""
    lines = f"FROM {plain_image}\nRUN : {uuid4()}; echo before the class\n"
    repo = hub.git.create_repo("prepared/before", {"Dockerfile": lines})
    links = [f"v2/git/{quote(repo.url, safe='')}/main", f"v2/image/{quote(lab_image, safe='')}"]
    async with person(hub, "tea") as client:
        for link in links:
            image = (await client.prepare(link))["imageName"]
            assert docker("image", "ls", "-q", image) != ""
            docker("image", "rm", image)
            again = await client.prepare(link)
            assert (again["phase"], again["imageName"]) == ("ready", image)
            assert docker("image", "ls", "-q", image) != ""
    logs = [log.read_text() for log in (hub.root / "builds").glob("*.log")]
    assert sum("before the class" in log for log in logs) == 1, "the registry had it"
    assert servers(hub) == []


async def test_killed_while_it_builds_and_clicked_again(hub: HomeHub, plain_image: str) -> None:
    # No other run's build is of the same step: a daemon would take it from its cache.
    dockerfile = f"FROM {plain_image}\nRUN : {uuid4()}; echo it has begun; sleep 4\n"
    repo = hub.git.create_repo("killed/building", {"Dockerfile": dockerfile})
    async with person(hub, "bea") as client:
        await client.click_until(repo.url, " it has begun")
        await kill_and_wait(hub)
        *_, end = await client.click(repo.url)
        assert end["phase"] == "ready", end
        await client.stop()
    await assert_clean(hub)


async def test_killed_while_it_looks_at_an_image(hub: HomeHub, plain_image: str) -> None:
    """Of an image whose server never answers: nobody is left who would end it."""
    server = "/srv/venv/bin/jupyterhub-singleuser"
    dockerfile = f"FROM {plain_image}\nRUN printf '#!/bin/sh\\nexec sleep 999\\n' >{server}\n"
    repo = hub.git.create_repo("killed/looking", {"Dockerfile": dockerfile})
    async with person(hub, "lea") as client:
        await client.click_until(repo.url, "Looking at the new image")
        await until(lambda: tried() != [], "nothing was tried")
        await kill_and_wait(hub)
    await assert_clean(hub)


async def test_killed_while_it_pushes_and_clicked_again(
    hub: HomeHub, registry: SmallRegistry, plain_image: str
) -> None:
    grow = "head -c 20000000 /dev/urandom >/srv/data"
    dockerfile = f"FROM {plain_image}\nUSER root\nRUN {grow}\n"
    repo = hub.git.create_repo("killed/pushing", {"Dockerfile": dockerfile})
    async with person(hub, "pia") as client:
        registry.door.rate = 1_000_000
        try:
            await client.click_until(repo.url, "Keeping the image in the registry: ")
            await kill_and_wait(hub)
        finally:
            registry.door.rate = 0
        events = await client.click(repo.url)
        assert events[-1]["phase"] == "ready", events[-1]
        assert "pushing" in {event["phase"] for event in events}
        assert not [event for event in events if event.get("log")], "nothing is built again"
        assert registry.has(events[-1]["imageName"].removeprefix(f"{registry.host}/"))
        await client.stop()
    await assert_clean(hub)


async def test_killed_while_a_server_starts_and_clicked_again(
    hub: HomeHub, plain_image: str
) -> None:
    """The Hub goes on with the start; the click after it finds it."""
    entrypoint = '["/bin/sh", "-c", "sleep 2; exec \\"$@\\"", "--"]'
    dockerfile = f"FROM {plain_image}\nENTRYPOINT {entrypoint}\n"
    repo = hub.git.create_repo("killed/starting", {"Dockerfile": dockerfile})
    async with person(hub, "sue") as client:
        await client.click_until(repo.url, "Starting your server.")
        await kill_and_wait(hub)
        events = await client.click(repo.url)
        assert events[-1]["phase"] == "ready", events[-1]
        assert not [event for event in events if event.get("log")], "nothing is built again"
        assert len(servers(hub)) == 1
        await client.stop()
    await assert_clean(hub)


# ---- what is killed, and what must not be left


async def kill_and_wait(hub: HomeHub) -> None:
    """Kill the service and wait until the Hub has started it again."""
    (pid,) = running(hub, "binderhub_ext", "service")
    os.kill(pid, signal.SIGKILL)
    await until(lambda: pid not in running(hub, "binderhub_ext", "service"), "it is still there")
    await until(hub.answers, "the service did not come back")


async def assert_clean(hub: HomeHub) -> None:
    """Wait until nothing is left of anything but finished images."""
    await asyncio.to_thread(wait_until, lambda: not leftovers(hub), lambda: leftovers(hub))


def leftovers(hub: HomeHub) -> list[str]:
    """Containers, images that are not whole, folders and programs of builds, and mounts."""
    names = docker("image", "ls", "--format={{.Repository}}:{{.Tag}}").splitlines()
    nameless = docker("image", "ls", "-q", "--filter=dangling=true", f"--filter=label={LABEL}")
    run = DataDirectory(hub.root).run
    folders = [*run.glob("builds/*"), *run.glob("builds/.*"), *run.glob("containers/*")]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return [
        *servers(hub),
        *tried(),
        *(name for name in names if f"bah-{NAME}/" in name and name.endswith(UNFINISHED)),
        *nameless.splitlines(),
        *map(str, folders),
        *(f"process {pid}" for pid in running(hub, "engines.docker.")),
        *(line for line in mounts if str(hub.root) in line),
    ]


def tried() -> list[str]:
    """Containers in which images are tried."""
    form = "{{.Names}} {{.Image}}"
    listed = docker("ps", "-a", "--filter=name=binder-try-", f"--format={form}").splitlines()
    return [line for line in listed if f"bah-{NAME}/" in line]


def running(hub: HomeHub, *words: str) -> list[int]:
    """Programs of ours that work for a hub and have these words in their arguments."""
    found = {}
    for process in psutil.process_iter(["cmdline", "ppid"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(hub.root) in line and " ".join(words) in line:
            found[process.pid] = process.info["ppid"]
    return without_children(found)


async def until(so: Callable[[], bool], problem: str) -> None:
    await asyncio.to_thread(wait_until, so, problem, START)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def _names(session: aiohttp.ClientSession, url: str) -> list[str]:
    async with session.get(url) as response:
        return list((await response.json())["servers"])
