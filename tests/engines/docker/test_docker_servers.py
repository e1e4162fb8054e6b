"""Servers come, go, survive and are found again, in real containers under a real Hub."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from dockerhub import DockerHub, docker, running_docker_hub
from dockersources import build, make_source
from keeper import keeping
from patience import SOON

from binderhub_ext.core.launch import Files
from binderhub_ext.core.secretnames import Secret
from binderhub_ext.core.using import UNKNOWN
from binderhub_ext.engines.docker.build import DockerBuilder

FILES = {"readme.txt": "from the repository", "src/x.py": "y = 1"}
HOME = "/home/jovyan"


@pytest.fixture(scope="module")
def mortal_hub(plain_image: str) -> Iterator[DockerHub]:
    """A Hub that tests may kill."""
    with running_docker_hub(plain_image) as hub:
        yield hub


async def test_start_and_stop_leave_nothing(docker_hub: DockerHub) -> None:
    secret = Secret("API_KEY", "hush-d0c5")
    async with docker_hub.client() as client, keeping(docker_hub, {"API_KEY": secret}):
        events = await client.start(docker_hub.launch("liv", secrets=("API_KEY",)))
        assert [event["progress"] for event in events] == sorted(e["progress"] for e in events)
        (facts,) = json.loads(docker("inspect", docker_hub.container("liv")))
        host = facts["HostConfig"]
        assert host["CapDrop"] == ["ALL"] and host["SecurityOpt"] == ["no-new-privileges"]
        assert host["PidsLimit"] == 1024 and host["Memory"] == 2 << 30
        assert host["CpuQuota"] == 200_000 and not host["AutoRemove"]
        assert not any("docker.sock" in mount["Source"] for mount in facts["Mounts"])
        code = "import os; print(os.getuid(), os.path.expanduser('~'), os.access('/', os.W_OK))"
        config = facts["Config"]
        assert secret.value in str(config["Env"])
        assert secret.value not in str({**facts, "Config": {**config, "Env": []}})
        told = (await client.run("liv", "import os; print(os.environ['API_KEY'])")).output
        assert told == f"{secret.value}\n"
        uid = os.geteuid() or 1000
        assert (await client.run("liv", code)).output == f"{uid} {HOME} False\n"
        # The server imported only what it uses, and its kernels know nothing of how.
        code = (
            "import os, sys; print('sqlalchemy' in open(f'/proc/{os.getppid()}/maps').read(),"
            " os.environ.get('PYTHONPATH'), [p for p in sys.path if 'binder' in p])"
        )
        assert (await client.run("liv", code)).output == "False None []\n"
        await client.stop("liv")
    assert docker_hub.leftovers() == []


@pytest.mark.parametrize("files", list(Files))
async def test_project_is_there_and_is_kept(docker_hub: DockerHub, files: Files) -> None:
    """Seeded from the commit at first, and never touched again."""
    user = f"per-{files}"
    commit, project = docker_hub.repository(FILES, f"owner/{files}")
    launch = docker_hub.launch(user, commit=commit, project=project, files=files)
    read = f"print(open({f'{HOME}/{project}/readme.txt'!r}).read())"
    async with docker_hub.client() as client:
        await client.start(launch)
        code = f"""
import os
os.chdir({f"{HOME}/{project}"!r})
mine = os.stat(".").st_uid == os.getuid()
print(os.environ["JUPYTERHUB_ROOT_DIR"], open("readme.txt").read(), mine)
open("readme.txt", "w").write("mine")
os.makedirs(os.path.expanduser("~/.local"), exist_ok=True)
open(os.path.expanduser("~/.local/mark"), "w").write("x")
"""
        answer = await client.run(user, code)
        root = HOME if files is Files.HOME else f"{HOME}/{project}"
        assert answer.output.startswith(f"{root} from the repository True"), answer
        await client.stop(user)
        await client.start(launch)
        kept = "from the repository" if files is Files.NONE else "mine"
        assert (await client.run(user, read)).output.strip() == kept
        await client.stop(user)


async def test_what_an_image_calls_a_volume_is_kept(
    docker_hub: DockerHub, docker_builder: DockerBuilder, plain_image: str, tmp_path: Path
) -> None:
    """Docker would remove its own volume with the container, and all that was written there."""
    places = [f"{HOME}/data/of mine", f"{HOME}/data", HOME, f"{HOME}/../jovyan/x", "/srv/other"]
    dockerfile = f"FROM {plain_image}\nVOLUME {json.dumps(places)}\n"
    image = await build(docker_builder, make_source(tmp_path / "repo", {"Dockerfile": dockerfile}))
    launch = docker_hub.launch("vic", image=image.image.name, files=Files.HOME)
    async with docker_hub.client() as client:
        for code in ("open('data/of mine/work', 'w').write('work')", "0"):
            await client.start(launch)
            assert not (await client.run("vic", f"import os; os.chdir('{HOME}'); {code}")).error
            (facts,) = json.loads(docker("inspect", docker_hub.container("vic")))
            new = [one["Destination"] for one in facts["Mounts"] if one["Type"] == "volume"]
            assert not any(place.startswith(HOME) for place in new)
            await client.stop("vic")
    (home,) = docker_hub.layout.homes.glob("vic*")
    assert (home / "data" / "of mine" / "work").read_text() == "work"
    assert (home / "data").stat().st_uid == (os.geteuid() or 1000)


async def test_two_people_see_nothing_of_each_other(docker_hub: DockerHub) -> None:
    commit, project = docker_hub.repository(FILES, "shared/repo")
    async with docker_hub.client() as client:
        for user in ("ada", "bob"):
            await client.start(
                docker_hub.launch(user, commit=commit, project=project, files=Files.HOME)
            )
        await client.run("ada", "open('secret.txt', 'w').write('of ada')")
        code = """
import os
seen = [
    os.path.join(folder, name)
    for folder, _, names in os.walk("/")
    for name in names
    if name == "secret.txt" and not folder.startswith(("/proc", "/sys"))
]
print(seen, os.path.exists("/var/run/docker.sock"))
"""
        assert (await client.run("bob", code)).output == "[] False\n"
        assert "/home/jovyan/secret.txt" in (await client.run("ada", code)).output
        launches = [docker_hub.launch(user) for user in ("ada", "bob", "nobody")]
        builder = DockerBuilder(data_dir=str(docker_hub.data))
        async with asyncio.timeout(SOON):
            # a busy engine says of some that it does not know
            while UNKNOWN in (uses := await builder.uses(launches))[:2]:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        *both, none = uses
        assert all(16 << 20 < (use.memory or 0) < 2 << 30 for use in both), both
        assert all(0.1 < (use.worked or 0) < 600 for use in both) and none == UNKNOWN
        for user in ("ada", "bob"):
            await client.stop(user)


async def test_server_survives_a_crash_of_the_hub(mortal_hub: DockerHub) -> None:
    async with mortal_hub.client() as client:
        await client.start(mortal_hub.launch("sam"))
        before = docker("inspect", "--format={{.Id}}", mortal_hub.container("sam"))
        mortal_hub.kill()
        mortal_hub.start()
        assert set(await client.servers("sam")) == {"one"}
        assert docker("inspect", "--format={{.Id}}", mortal_hub.container("sam")) == before
        assert (await client.run("sam", "print(2 + 2)")).output == "4\n"
        # The first start sweeps, and must know whose it is.
        await client.start(mortal_hub.launch("sue"))
        assert (await client.run("sam", "print(2 + 3)")).output == "5\n"
        await asyncio.gather(client.stop("sam"), client.stop("sue"))
    assert mortal_hub.leftovers() == []


FLOOD = """
import os
wanted = os.readlink(f"/proc/{os.getppid()}/fd/1")
server = next(int(fd) for fd in os.listdir("/proc/self/fd")
              if os.path.islink(f"/proc/self/fd/{fd}")
              and os.readlink(f"/proc/self/fd/{fd}") == wanted)
line = b"much and much again" * 800 + b"\\n"
for _ in range(6000):
    os.write(server, line)
os.write(server, b"the-very-last\\n")
print("said")
"""


async def test_a_server_that_says_more_than_the_disk_has_room_for(docker_hub: DockerHub) -> None:
    """The engine keeps two files of 16 MB, with the end of it."""
    async with docker_hub.client() as client:
        await client.start(docker_hub.launch("ann"))
        container = docker_hub.container("ann")
        assert (await client.run("ann", FLOOD)).output == "said\n"
        said = ""
        async with asyncio.timeout(SOON):
            while "the-very-last" not in said:
                said = await asyncio.to_thread(docker, "logs", "--tail=20", container)
        log = Path(docker("inspect", "--format={{.LogPath}}", container))
        files = list(log.parent.glob(f"{log.name}*"))
        assert files and sum(file.stat().st_size for file in files) < 40e6
        await client.stop("ann")


async def test_hub_killed_in_the_middle_of_a_start_leaves_nothing(
    mortal_hub: DockerHub, docker_builder: DockerBuilder, tmp_path: Path
) -> None:
    source = make_source(tmp_path / "repo", {"start": "#!/bin/sh\nsleep 3600\n"})
    held = (await build(docker_builder, source)).image.name
    async with mortal_hub.client() as client:
        for user, delay in (("uma", 0.2), ("una", 0.5), ("ute", 0.9)):
            start = asyncio.create_task(client.start(mortal_hub.launch(user, image=held)))
            await asyncio.sleep(delay)
            mortal_hub.kill()
            with pytest.raises(Exception):  # noqa: B017  the Hub is gone, in any way
                await start
            mortal_hub.start()
        # Of another person's start, not of the same.
        await client.start(mortal_hub.launch("vic"))
        await client.stop("vic")
    assert mortal_hub.leftovers() == []


async def test_server_that_crashes_is_cleaned_up(mortal_hub: DockerHub) -> None:
    async with mortal_hub.client() as client:
        await client.start(mortal_hub.launch("xia"))
        docker("kill", mortal_hub.container("xia"))
        async with asyncio.timeout(SOON):
            while await client.servers("xia"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    assert mortal_hub.leftovers() == []
