"""What somebody may try from inside a server of any engine: it is refused or contained.

The tests of each engine import these, with the fixtures, and say which Hub it is (`hub`).

`attack`: a Hub on which `ana` works and `eve` tries everything from inside her server.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from intruder import MEMORY, Attack
from sandboxhub import SandboxHub

from binderhub_ext.core.launch import Files

__all__ = [
    "attack",
    "listeners",
    "secret",
    "test_fork_bomb_is_contained",
    "test_hub_api_gives_nothing_without_a_right",
    "test_kernel_calls_that_lead_out_are_refused",
    "test_kernels_of_others_are_out_of_reach",
    "test_memory_is_limited",
    "test_no_secret_is_in_sight",
    "test_processor_time_is_limited",
]

CONTAINED = {"EPERM", "ENOSYS", "EINVAL"}

KERNEL = """
import os, subprocess, sys, tempfile, time
path = os.path.join(tempfile.mkdtemp(), "kernel.json")
argv = [sys.executable, "-m", "ipykernel_launcher", "-f", path]
subprocess.Popen(argv, start_new_session=True, stdout=-3, stderr=-3)
while not os.path.exists(path):
    time.sleep(0.1)
time.sleep(1)
print(open(path).read())
"""
"""Starts a kernel that goes on, and tells its ports."""


@pytest.fixture
def listeners() -> Iterator[dict[str, Any]]:
    name = secrets.token_hex(8)
    with (
        socket.socket() as loopback,
        socket.socket() as everywhere,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        loopback.bind(("127.0.0.1", 0))
        everywhere.bind(("0.0.0.0", 0))
        abstract.bind("\0" + name)
        for each in (loopback, everywhere, abstract):
            each.listen()
        yield {
            "host_port": loopback.getsockname()[1],
            "open_port": everywhere.getsockname()[1],
            "abstract": name,
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def secret(hub: SandboxHub) -> AsyncIterator[str]:
    """What ana, whose server runs, has in a file; at the end both servers are stopped."""
    secret = secrets.token_hex(16)
    async with hub.client() as client:
        await client.start(hub.launch("ana", files=Files.HOME))
        await client.run("ana", f"open('secret.txt', 'w').write({secret!r})")
        yield secret
        for name in ("ana", "eve"):
            if await client.servers(name):
                await client.stop(name)


@pytest.fixture
async def attack(hub: SandboxHub, secret: str, listeners: dict[str, Any]) -> AsyncIterator[Attack]:
    async with hub.client() as client:
        await client.user("eve")
        if not await client.servers("eve"):
            eve = hub.launch("eve", files=Files.HOME, memory=MEMORY, cpu=1)
            await client.start(eve)
        attack = Attack(hub, client, secret, **listeners)
        yield attack
        if attack.spoiled:
            await client.stop("eve")


async def test_no_secret_is_in_sight(attack: Attack) -> None:
    words = [attack.hub.secret, attack.hub.token, attack.secret]
    assert await attack.try_(f"secrets_seen({words!r})") == []


async def test_kernels_of_others_are_out_of_reach(attack: Attack) -> None:
    """Kernel ports need no key to listen to; they are in another network altogether."""
    connection = json.loads((await attack.run("ana", KERNEL)).output)
    ports = {connection[name] for name in connection if name.endswith("_port")}
    # in a network of her own eve may by chance have the same port for a kernel of hers
    ports -= set(await attack.try_("listening()"))
    told = await attack.try_(f"connects({[('127.0.0.1', port) for port in ports]!r})")
    assert set(told.values()) == {"ECONNREFUSED"}


async def test_hub_api_gives_nothing_without_a_right(attack: Attack) -> None:
    api = f"http://{attack.hub.host}:{attack.hub.port}/hub/api"
    answer = await attack.run("eve", "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])")
    own = answer.output.strip()
    calls = [
        ("GET", f"{api}/users", ""),
        ("GET", f"{api}/user", ""),
        ("GET", f"{api}/proxy", ""),
        ("GET", f"{api}/users", own),
        ("GET", f"{api}/users/ana", own),
        ("POST", f"{api}/users/ana/servers/two", own),
        ("DELETE", f"{api}/users/ana/servers/one", own),
        ("POST", f"{api}/users/eve/servers/two", own),
        ("POST", f"{api}/users/ana/tokens", own),
        ("POST", f"{api}/shutdown", own),
    ]
    told = await attack.try_(f"asks({calls!r})")
    assert all(status in (403, 404) for status in told.values()), told
    await attack.all_is_well()


async def test_kernel_calls_that_lead_out_are_refused(attack: Attack) -> None:
    told = await attack.try_("kernel_calls()")
    if not attack.hub.own_profile:
        # Containerd's own profile has let this through for long; newer ones do not.
        del told["io_uring_setup"]
    assert set(told.values()) <= CONTAINED, told
    privileges = await attack.try_("privileges()")
    assert privileges.pop("NoNewPrivs") == "1"
    assert privileges.pop("Seccomp") == "2"
    assert {int(value, 16) for value in privileges.values()} == {0}
    assert await attack.try_("descriptors()") == []
    assert (await attack.try_("subprocess.run(['su', '-c', 'id'], input=b'').returncode")) != 0


async def test_fork_bomb_is_contained(attack: Attack) -> None:
    await attack.spoil()
    forks, reason = (await attack.try_("fork_bomb()")).split()
    assert int(forks) <= 1024
    assert int(reason) == 11
    # At the very moment that eve can start nothing, ana can.
    bomb = (
        "import os, time\nwhile True:\n"
        " try:\n  os.fork() or time.sleep(99)\n except OSError: time.sleep(1)"
    )
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', {bomb!r}])"
    await attack.run("eve", code)
    answer = await attack.run(
        "ana", "import subprocess\nprint([subprocess.call('true') for _ in range(50)].count(0))"
    )
    assert answer.output.strip() == "50"
    await attack.all_is_well()


async def test_memory_is_limited(attack: Attack) -> None:
    await attack.spoil()
    ends = await attack.try_(f"fill_memory({4 * MEMORY})")
    assert ends != [0]
    # Each of these alone would be within the limit.
    together = await attack.try_(f"fill_memory({2 * MEMORY}, 4)")
    assert any(together), together
    await attack.all_is_well()
    assert "here" in (await attack.run("eve", "print('here')")).output


async def test_processor_time_is_limited(attack: Attack) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("the machine has one processor, so one is no limit")
    assert await attack.try_("busy(2, 4)") < 1.4
