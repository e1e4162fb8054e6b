"""What runs beside a server: how it is found, and how it ends."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath

import pytest
from patience import SOON

from binderhub_ext.core.using import UNKNOWN
from binderhub_ext.engines.base import Program
from binderhub_ext.engines.local import unsafe
from binderhub_ext.engines.local.beside import programs_beside, use_of
from binderhub_ext.engines.local.buildsandbox import BUILD_UID
from binderhub_ext.engines.local.children import start_child
from binderhub_ext.engines.local.environment import hub_python
from binderhub_ext.engines.local.network import Network, Ports
from binderhub_ext.engines.local.processes import ProcessId, end_sandbox
from binderhub_ext.engines.local.running import prepared
from binderhub_ext.engines.local.sandbox import Bind, Person, Sandbox
from binderhub_ext.engines.local.watcher import memories_of

in_a_sandbox = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)

BEGIN = r"""
import os, signal, socket, sys, time
said = os.open(sys.argv[1], os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o666)
def say(word):
    os.write(said, word.encode() + b"\n")
def live(name, seconds):
    def end(*_):
        if seconds is not None:
            time.sleep(seconds)
            say(name)
            os._exit(0)
    signal.signal(signal.SIGTERM, end)
    open("/proc/self/comm", "w").write(name)
    say("begun")
    while True:
        signal.pause()
def start(name, seconds=0.3, daemon=False, session=False, port=0):
    if os.fork():
        return
    if session or daemon:
        os.setsid()
    if daemon and os.fork():
        os._exit(0)
    if port:
        kept = socket.create_server(("127.0.0.1", port))
    live(name, seconds)
"""

START = f"""{BEGIN}
start("database", daemon=True, port=5432)
start("web", port=3333)
start("kernel", session=True, port=4444)
live("server", 0.1)
"""

DEAF = f"""{BEGIN}
start("deaf", seconds=None, daemon=True)
live("server", 0)
"""


def said(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


async def begun(file: Path, number: int) -> None:
    async with asyncio.timeout(SOON):
        while said(file).count("begun") < number:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(
    code: str, work: Path, number: int, network: Network = Network.NONE
) -> AsyncIterator[ProcessId]:
    """A sandbox as servers have it, with so many processes; its first process."""
    (sockets := work.with_suffix(".sockets")).mkdir()
    work.mkdir()
    work.chmod(0o777)
    prefix = Path(hub_python()).parents[1]
    shown = () if prefix.is_relative_to("/usr") else (Bind(prefix, PurePosixPath(prefix)),)
    sandbox = Sandbox(
        argv=(hub_python(), "-I", "-S", "-c", code, "/shown/said"),
        env={"PATH": "/usr/bin:/bin"},
        cwd="/",
        binds=(*shown, Bind(work, PurePosixPath("/shown"), read_only=False)),
        person=Person(BUILD_UID if os.geteuid() == 0 else None),
        network=network,
        python=hub_python(),
    )
    async with prepared(sandbox, ports=Ports(8888, 8081), sockets=sockets) as command:
        command.start(subprocess.DEVNULL)
        init = await command.init
        try:
            await begun(work / "said", number)
            yield init
        finally:
            await end_sandbox(init)


@in_a_sandbox
async def test_names_and_ports_of_what_runs_beside_a_server(tmp_path: Path) -> None:
    """Not the server nor what it starts itself nor ours; and everybody's ports are their own."""
    beside = (Program("database", (5432,)), Program("web", (3333,)))
    async with running(START, tmp_path / "ana", 4, Network.ISOLATED) as anas:
        assert programs_beside(anas) == beside
        async with running(START, tmp_path / "ben", 4) as bens:
            assert programs_beside(bens) == beside
        # of four Pythons, each of which has some memory of its own
        use = use_of(anas)
        assert 4 << 20 < (use.memory or 0) < 400 << 20
        assert 0 < (use.worked or 0) < 60
    assert programs_beside(anas) == () and use_of(anas) == UNKNOWN


SHARES = """
import os, sys
kept = bytearray(os.urandom(1)) * (64 << 20)
if os.fork():
    os.wait()
else:
    print(os.getppid(), os.getpid(), flush=True)
    sys.stdin.read()
"""


def test_memory_is_counted_in_a_bounded_time() -> None:
    """Who makes the exact count take long, by much that many share, is counted in full."""
    argv = [sys.executable, "-c", SHARES]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        pids = [int(pid) for pid in process.stdout.readline().split()]
        exact, at_once = (sum(memories_of(pids, seconds).values()) for seconds in (60, 0))
        process.communicate()
    assert 64 << 20 <= exact < 110 << 20 < 128 << 20 <= at_once


@in_a_sandbox
async def test_work_of_what_has_ended_counts(tmp_path: Path) -> None:
    """Also where who started it did not wait for it."""
    code = (
        f"{BEGIN}\nimport subprocess\n"
        "busy = 'import time\\nwhile time.process_time() < 0.4: pass'\n"
        "work = [sys.executable, '-I', '-S', '-c', busy]\n"
        "subprocess.run(work)\n"
        "if not os.fork():\n    subprocess.Popen(work); os._exit(0)\n"
        "live('server', 0.1)"
    )
    async with running(code, tmp_path / "one", 1) as init:
        async with asyncio.timeout(SOON):
            while (use_of(init).worked or 0) < 0.8 or len(init.descendants()) > 1:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@in_a_sandbox
async def test_what_runs_beside_a_server_ends_after_it_and_in_peace(tmp_path: Path) -> None:
    async with running(START, tmp_path / "one", 4) as init:
        await end_sandbox(init, SOON, SOON)
        assert not init.alive
        told = said(tmp_path / "one/said")[4:]
        assert told[0] == "server"
        assert sorted(told[1:]) == ["database", "kernel", "web"]


@in_a_sandbox
async def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    async with running(DEAF, tmp_path / "one", 2) as init:
        await end_sandbox(init, SOON, 0.3)
        assert not init.alive
        assert said(tmp_path / "one/said")[2:] == ["server"]


@pytest.mark.parametrize("number", [3_000, 10**9])
def test_a_chain_longer_than_any_stack(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def children(process: ProcessId, most: int) -> list[ProcessId]:
        return [ProcessId(process.pid + 1, 0)] if process.pid < number else []

    monkeypatch.setattr(ProcessId, "children", children)
    assert len(ProcessId(0, 0).descendants()) == min(number, 10_000)


@in_a_sandbox
async def test_at_once_is_at_once(tmp_path: Path) -> None:
    async with running(START, tmp_path / "one", 4) as init:
        await end_sandbox(init)
        assert not init.alive
        assert said(tmp_path / "one/said")[4:] == []


async def test_the_same_order_without_a_sandbox(tmp_path: Path) -> None:
    file = tmp_path / "said"
    code = f"{BEGIN}\nstart('database', 0)\nstart('deaf', None)\nlive('server', 0.1)"
    argv = [sys.executable, "-I", "-S", "-c", code, str(file)]
    server = ProcessId.of(start_child(argv, env={}, output=subprocess.DEVNULL).pid)
    assert server
    await begun(file, 3)
    others = server.descendants()
    assert len(others) == 2
    await unsafe.end(server, SOON, 1)
    assert said(file)[3:] == ["server", "database"]
    for process in (server, *others):
        assert await process.ended(SOON)
