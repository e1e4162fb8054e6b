"""Servers come, go, survive and are found again, with real sandboxes under a real Hub."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from patience import SOON, START
from sandboxhub import Client, Failed, SandboxHub, one_will_do, running_hub, whoever_runs_it

from binderhub_ext.core.launch import Files, Launch
from binderhub_ext.engines.local.children import LOG_SIZE
from binderhub_ext.engines.local.rundir import RunDirectory, sweep
from binderhub_ext.engines.local.store import SERVER_LOCK, Store
from binderhub_ext.engines.spawner import server_arguments

FILES = {"readme.txt": "from the repository", "src/x.py": "y = 1"}


def ours(hub: SandboxHub) -> list[str]:
    """Command lines of everything the Hub started, other than itself."""
    words = (str(hub.layout.root), f":{hub.port}", f"-T {hub.port}")
    found = []
    for process in psutil.process_iter(["cmdline", "pid"]):
        line = " ".join(process.info["cmdline"] or ())
        if any(word in line for word in words) and "jupyterhub -f" not in line:
            found.append(line[:200])
    return found


def leftovers(hub: SandboxHub) -> list[str]:
    servers = hub.layout.run / "servers"
    return [*ours(hub), *(map(str, servers.iterdir()) if servers.exists() else ())]


async def noticed(client: Client, user: str) -> None:
    """Wait until the Hub noticed that a person's servers are gone, and nothing is left of them."""
    async with asyncio.timeout(SOON):
        while await client.servers(user) or leftovers(client.hub):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


@pytest.fixture(scope="module", params=["root", "ordinary"])
def mortal_hub(request: pytest.FixtureRequest) -> Iterator[SandboxHub]:
    """A Hub that tests may kill."""
    with running_hub(request.param) as hub:
        yield hub


async def test_start_and_stop_leave_nothing(sandbox_hub: SandboxHub) -> None:
    async with sandbox_hub.client() as client:
        events = await client.start(sandbox_hub.launch("liv"))
        assert [event["progress"] for event in events] == sorted(e["progress"] for e in events)
        assert "Waiting for your server to answer" in [event["message"] for event in events]
        lock = sandbox_hub.layout.environments / sandbox_hub.image / SERVER_LOCK
        store = Store(sandbox_hub.layout.environments, sandbox_hub.layout.cache)
        assert lock.exists() and not store.remove(sandbox_hub.image)
        code = "import os; print('sqlalchemy' in open(f'/proc/{os.getppid()}/maps').read())"
        assert (await client.run("liv", code)).output == "False\n"
        await client.stop("liv")
    run = RunDirectory.of(sandbox_hub.layout, "liv", "one")
    assert not run.path.exists()
    assert not [line for line in ours(sandbox_hub) if run.path.name in line]


@whoever_runs_it
@pytest.mark.parametrize("files", list(Files))
async def test_project_is_there_and_is_kept(sandbox_hub: SandboxHub, files: Files) -> None:
    """Seeded from the commit at first, and never touched again."""
    user = f"per-{files}"
    commit, project = sandbox_hub.repository(FILES, f"owner/{files}")
    launch = sandbox_hub.launch(user, commit=commit, project=project, files=files)
    home = "/home/jovyan"
    async with sandbox_hub.client() as client:
        await client.start(launch)
        code = f"""
import os
os.chdir({home + "/" + project!r})
owned = os.stat(".").st_uid == os.getuid()
print(os.environ["JUPYTERHUB_ROOT_DIR"], open("readme.txt").read(), owned)
open("readme.txt", "w").write("mine")
open(os.path.expanduser("~/.local/mark"), "w").write("x")
os.stat("/srv/repo/src/x.py")
print(os.environ["BINDER_REPO_URL"], os.environ["BINDER_PERSISTENT_REQUEST"])
"""
        answer = await client.run(user, code)
        root = home if files is Files.HOME else f"{home}/{project}"
        assert answer.output.startswith(f"{root} from the repository True"), answer
        assert (
            f"https://example.org/owner/{files} v2/git/owner/{files}/{commit.id}" in answer.output
        )
        await client.stop(user)
        await client.start(launch)
        code = f"print(open({home + '/' + project + '/readme.txt'!r}).read())"
        kept = "from the repository" if files is Files.NONE else "mine"
        assert (await client.run(user, code)).output.strip() == kept
        await client.stop(user)


@whoever_runs_it
async def test_project_view_hides_the_rest_of_the_home(sandbox_hub: SandboxHub) -> None:
    commit, project = sandbox_hub.repository(FILES, "view/one")
    async with sandbox_hub.client() as client:
        await client.start(sandbox_hub.launch("vic", files=Files.HOME))
        await client.run("vic", "open('private.txt', 'w').write('x')")
        await client.start(sandbox_hub.launch("vic", "two", commit=commit, project=project))
        code = "import os; print(sorted(os.listdir(os.path.expanduser('~'))))"
        answer = await client.run("vic", code, "two")
        assert "projects" in answer.output and "private.txt" not in answer.output
        await asyncio.gather(client.stop("vic"), client.stop("vic", "two"))


@whoever_runs_it
async def test_installed_packages_last_and_may_be_newer(sandbox_hub: SandboxHub) -> None:
    """`%pip install` of something new, and of another version of something shared."""
    async with sandbox_hub.client() as client:
        launch = sandbox_hub.launch("pip")
        await client.start(launch)
        answer = await client.run("pip", "%pip install cowsay 'packaging==24.0'", seconds=START)
        assert "Successfully installed" in answer.output, answer
        await client.stop("pip")
        await client.start(launch)
        code = "import cowsay, packaging, sys; print(packaging.__version__, cowsay.__file__)"
        answer = await client.run("pip", code)
        assert answer.output.startswith("24.0 /home/jovyan/.local/"), answer
        await client.stop("pip")


@one_will_do("mortal_hub")
async def test_server_survives_a_crash_of_the_hub(mortal_hub: SandboxHub) -> None:
    async with mortal_hub.client() as client:
        await client.start(mortal_hub.launch("sam"))
        port = mortal_hub.server_port("sam", "one")
        before = await client.run("sam", "import os; print(os.getppid())")
        mortal_hub.kill()
        mortal_hub.start()
        assert set(await client.servers("sam")) == {"one"}
        assert mortal_hub.server_port("sam", "one") == port
        after = await client.run("sam", "import os; print(os.getppid())")
        assert before.output == after.output
        await client.stop("sam")
    assert leftovers(mortal_hub) == []


FLOOD = """
import os
wanted = os.readlink(f"/proc/{{os.getppid()}}/fd/1")
server = next(int(fd) for fd in os.listdir("/proc/self/fd")
              if os.path.islink(f"/proc/self/fd/{{fd}}")
              and os.readlink(f"/proc/self/fd/{{fd}}") == wanted)
line = b"much and much again" * 55000 + b"\\n"
for _ in range({times}):
    left = line
    while left:
        left = left[os.write(server, left):]
os.write(server, b"the-very-{end}\\n")
print("said")
"""


@one_will_do("mortal_hub")
async def test_a_server_that_says_more_than_the_disk_has_room_for(mortal_hub: SandboxHub) -> None:
    """Gigabytes in seconds: the log never has more than it may, and its end is there.

    Also of what is said after a crash of the Hub, and of what is said while there is none.
    """
    most = 0

    async def watch(log: Path) -> None:
        nonlocal most
        while True:
            most = max(most, log.stat().st_size)
            await asyncio.sleep(0.002)

    async with mortal_hub.client() as client:
        await client.start(mortal_hub.launch("ann"))
        directory = RunDirectory.of(mortal_hub.layout, "ann", "one")
        watching = asyncio.create_task(watch(directory.log))
        answer = await client.run("ann", FLOOD.format(times=1000, end="first"), seconds=START)
        assert answer.output == "said\n", answer
        await written(directory, "the-very-first")
        mortal_hub.kill()
        mortal_hub.start()
        await client.run("ann", FLOOD.format(times=20, end="last"), seconds=START)
        await written(directory, "the-very-last")
        watching.cancel()
        assert 0 < most <= LOG_SIZE
        await client.stop("ann")
    assert leftovers(mortal_hub) == []


async def written(directory: RunDirectory, words: str) -> None:
    async with asyncio.timeout(SOON):
        while words not in directory.tail():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@one_will_do("mortal_hub")
async def test_server_that_ended_while_the_hub_was_down_is_noticed(mortal_hub: SandboxHub) -> None:
    async with mortal_hub.client() as client:
        await client.start(mortal_hub.launch("tom"))
        (state,) = mortal_hub.query("select state from spawners where name = 'one'")[-1]
        mortal_hub.kill()
        os.kill(json.loads(state)["init"][0], signal.SIGKILL)
        mortal_hub.start()
        await noticed(client, "tom")


@one_will_do("mortal_hub")
async def test_hub_killed_in_the_middle_of_a_start_leaves_nothing(mortal_hub: SandboxHub) -> None:
    held = mortal_hub.build({"start": "#!/bin/sh\nsleep 3600\n"})
    async with mortal_hub.client() as client:
        await client.start(mortal_hub.launch("uma"))
        await client.stop("uma")
        for delay in (0.03, 0.1, 0.3):
            path = "users/uma/servers/one"
            start = asyncio.create_task(client.start(mortal_hub.launch("uma", image=held)))
            await asyncio.sleep(delay)
            mortal_hub.kill()
            with pytest.raises(Exception):  # noqa: B017  the Hub is gone, in any way
                await start
            mortal_hub.start()
            await client.api("GET", path)
            await client.start(mortal_hub.launch("uma"))
            await client.stop("uma")
            assert leftovers(mortal_hub) == []


async def test_sweep_ends_what_no_hub_knows(mortal_hub: SandboxHub) -> None:
    if mortal_hub.kind != "root":
        pytest.skip("the sweep runs in the tests' own process, which is not the Hub's user")
    async with mortal_hub.client() as client:
        await client.start(mortal_hub.launch("wes"))
        run = RunDirectory.of(mortal_hub.layout, "wes", "one")
        assert await sweep(mortal_hub.layout) == []
        run.stored.unlink()
        assert await sweep(mortal_hub.layout) == [run.path.name]
        assert await sweep(mortal_hub.layout) == []
        await noticed(client, "wes")


async def test_server_that_crashes_is_cleaned_up(mortal_hub: SandboxHub) -> None:
    async with mortal_hub.client() as client:
        await client.start(mortal_hub.launch("xia"))
        code = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"
        killing = asyncio.create_task(client.run("xia", code))
        await noticed(client, "xia")
        killing.cancel()
        (answer,) = await asyncio.gather(killing, return_exceptions=True)
        assert isinstance(answer, BaseException), "the answer never comes"


@one_will_do("mortal_hub")
async def test_normal_end_of_the_hub_ends_its_servers(mortal_hub: SandboxHub) -> None:
    async with mortal_hub.client() as client:
        await client.start(mortal_hub.launch("yan"))
    mortal_hub.stop()
    assert leftovers(mortal_hub) == []
    mortal_hub.start()


def test_idle_server_is_told_to_stop_itself() -> None:
    """Jupyter looks once a minute, so a real one would cost every test run that minute."""
    launch = Launch("u", "s", None, "projects/x", "i", files=Files.HOME, idle=3600)
    assert server_arguments(launch) == [
        "--ServerApp.preferred_dir=/home/jovyan/projects/x",
        "--ServerApp.shutdown_no_activity_timeout=3600",
        "--MappingKernelManager.cull_idle_timeout=3600",
        "--MappingKernelManager.cull_interval=300",
        "--TerminalManager.cull_inactive_timeout=3600",
        "--TerminalManager.cull_interval=300",
    ]


async def test_isolated_network_carries_the_server_alone(mortal_hub: SandboxHub) -> None:
    """Where pasta is missing: pages, kernels and the Hub's API work, the internet does not."""
    with mortal_hub.configured("c.LocalSpawner.network = 'isolated'"):
        async with mortal_hub.client() as client:
            await client.start(mortal_hub.launch("rel"))
            code = (
                "import socket, os, urllib.request\n"
                "print(os.listdir('/sys/class/net') if os.path.exists('/sys') else 'no /sys')\n"
                "try:\n socket.create_connection(('1.1.1.1', 53), 2); print('reached')\n"
                "except OSError as error: print('refused')\n"
                "url = os.environ['JUPYTERHUB_API_URL']\n"
                "print(urllib.request.urlopen(url).status)"
            )
            answer = await client.run("rel", code)
            assert "refused" in answer.output and "200" in answer.output, answer
            mortal_hub.kill()
            mortal_hub.start()
            assert "4" in (await client.run("rel", "print(2 + 2)")).output
            await client.stop("rel")
        assert leftovers(mortal_hub) == []


async def test_without_a_sandbox_nothing_starts_unless_somebody_says_so(
    mortal_hub: SandboxHub,
) -> None:
    hidden = "import shutil\nshutil.which = lambda name, *a, **k: None"
    with mortal_hub.configured(hidden):
        async with mortal_hub.client() as client:
            with pytest.raises(Failed, match="apt-get install -y bubblewrap"):
                await client.start(mortal_hub.launch("una"))
    if mortal_hub.kind == "root":
        return  # people's uids may be unable to reach the interpreter; a sandbox shows it to them
    commit, project = mortal_hub.repository(FILES, "un/safe")
    with mortal_hub.configured(f"{hidden}\nc.LocalSpawner.unsafe_no_sandbox = True"):
        async with mortal_hub.client() as client:
            await client.start(mortal_hub.launch("una", commit=commit, project=project))
            answer = await client.run("una", "import os; print(os.listdir(os.environ['REPO_DIR']))")
            assert "readme.txt" in answer.output
            await client.stop("una")
    assert leftovers(mortal_hub) == []


def test_run_directory_names_differ(tmp_path: Path) -> None:
    from binderhub_ext.core.layout import DataDirectory

    layout = DataDirectory(tmp_path)
    pairs = [("a", "b-c"), ("a-b", "c"), ("a\0b", "c"), ("A", "b-c"), ("ä" * 200, "s")]
    assert len({RunDirectory.of(layout, *pair).path for pair in pairs}) == len(pairs)
    elsewhere = DataDirectory(tmp_path / "of another hub")
    runs = [RunDirectory.of(each, "a", "b") for each in (layout, layout, elsewhere)]
    assert len({run.name for run in runs}) == 2
