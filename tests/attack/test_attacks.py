"""Everything eve tries is refused or contained, and ana and the Hub never notice."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from intruder import MEMORY, Attack, processes_of

from binderhub_ext.engines.local.network import host_addresses

REFUSED = {"ENOENT", "EACCES", "EPERM", "EROFS", "ENOTDIR", "ESRCH"}
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


async def test_nothing_of_others_or_of_the_hub_can_be_read(attack: Attack) -> None:
    layout = attack.hub.layout
    init = attack.init("ana")
    paths = [
        layout.homes,
        layout.home("ana"),
        layout.home("ana") / "secret.txt",
        layout.state("ana", ""),
        layout.secrets,
        layout.secrets / "ticket",
        layout.secrets / "cookie_secret",
        layout.hub_db,
        layout.binder_db,
        layout.run,
        layout.builds,
        layout.repos,
        attack.hub.config,
        attack.hub.log,
        Path("/etc/shadow"),
        Path("/proc/1/root") / str(layout.hub_db)[1:],
        Path("/proc/1/environ") if attack.hub.kind == "root" else Path("/proc/sysrq-trigger"),
        Path(f"/proc/{init}/environ"),
        Path(f"/proc/{init}/root/home/jovyan/secret.txt"),
    ]
    told = await attack.try_(f"reads({[str(path) for path in paths]!r})")
    assert set(told.values()) <= REFUSED, told
    # What there is of the data directory is one environment.
    top = await attack.try_(f"reads([{str(layout.root)!r}, {str(layout.environments)!r}])")
    assert top[str(layout.root)] == "DONE ['environments']"
    assert top[str(layout.environments)] == f"DONE [{attack.hub.image!r}]"
    await attack.all_is_well()


async def test_no_secret_is_in_sight(attack: Attack) -> None:
    words = [attack.hub.secret, attack.hub.token, attack.secret]
    assert await attack.try_(f"secrets_seen({words!r})") == []
    # The server's own token is in its environment alone, never in a command line.
    token = await attack.client.run("eve", "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])")
    for pid in processes_of(attack.init("eve")):
        assert token.output.strip() not in Path(f"/proc/{pid}/cmdline").read_text()


async def test_environment_and_system_cannot_be_written(attack: Attack) -> None:
    environment = attack.hub.layout.environments / attack.hub.image
    paths = [
        environment / "new",
        environment / "bin" / "python",
        environment / ".lock",
        environment / "pyvenv.cfg",
        "/usr/bin/new",
        "/bin/sh",
        "/etc/passwd",
        "/etc/new",
        "/new",
        "/dev/new",
        "/run/binder/new",
        "/run/binder/inside/first.py",
        "/run/binder/lock",
        "/var/log/jupyter-server.log",
        f"{sys.base_prefix}/new",
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
    ]
    told = await attack.try_(f"writes({[str(path) for path in paths]!r})")
    assert set(told.values()) <= REFUSED, told
    remounted = await attack.try_(
        f"subprocess.run(['mount', '-o', 'remount,rw', {str(environment)!r}]).returncode"
    )
    assert remounted != 0
    await attack.all_is_well()


async def test_other_processes_cannot_be_signalled_or_seen(attack: Attack) -> None:
    assert attack.hub.process
    others = [attack.hub.process.pid, attack.init("ana"), *processes_of(attack.init("ana"))]
    inside = await attack.try_("sorted(int(p) for p in os.listdir('/proc') if p.isdigit())")
    pids = [pid for pid in others if pid not in inside]
    assert pids
    told = await attack.try_(f"kills({pids!r})")
    assert set(told.values()) == {"ESRCH"}
    assert max(inside) < 10_000 and len(inside) < 30
    await attack.all_is_well()


async def test_network_reaches_nothing_of_this_machine(attack: Attack) -> None:
    ana_port = attack.hub.server_port("ana", "one")
    ports = [ana_port, attack.host_port, attack.open_port]
    hosts = ["127.0.0.1", *host_addresses()]
    targets = [(host, port) for host in hosts for port in ports]
    told = await attack.try_(f"connects({targets!r})", seconds=300)
    allowed = {"ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "EACCES", "TimeoutError", "ETIMEDOUT"}
    assert set(told.values()) <= allowed, told
    assert await attack.try_(f"abstract({attack.abstract!r})") == "ECONNREFUSED"
    metadata = await attack.try_("connects([('169.254.169.254', 80)])")
    assert set(metadata.values()) <= allowed
    await attack.all_is_well()


async def test_kernels_of_others_are_out_of_reach(attack: Attack) -> None:
    """Kernel ports need no key to listen to; they are in another network altogether."""
    connection = json.loads((await attack.client.run("ana", KERNEL)).output)
    ports = {connection[name] for name in connection if name.endswith("_port")}
    # in a network of her own eve may by chance have the same port for a kernel of hers
    ports -= set(await attack.try_("listening()"))
    told = await attack.try_(f"connects({[('127.0.0.1', port) for port in ports]!r})")
    assert set(told.values()) == {"ECONNREFUSED"}


async def test_hub_api_gives_nothing_without_a_right(attack: Attack) -> None:
    api = f"http://127.0.0.1:{attack.hub.port}/hub/api"
    answer = await attack.client.run("eve", "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])")
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
    assert set(told.values()) <= CONTAINED, told
    privileges = await attack.try_("privileges()")
    assert privileges.pop("NoNewPrivs") == "1"
    assert privileges.pop("Seccomp") == "2"
    assert {int(value, 16) for value in privileges.values()} == {0}
    assert await attack.try_("descriptors()") == []
    assert (await attack.try_("subprocess.run(['su', '-c', 'id'], input=b'').returncode")) != 0


async def test_fork_bomb_is_contained(attack: Attack) -> None:
    attack.spoiled = True
    forks, reason = (await attack.try_("fork_bomb()")).split()
    assert int(forks) <= 1024
    assert int(reason) == 11
    # At the very moment that eve can start nothing, ana can.
    bomb = (
        "import os, time\nwhile True:\n"
        " try:\n  os.fork() or time.sleep(9)\n except OSError: time.sleep(1)"
    )
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', {bomb!r}])"
    await attack.client.run("eve", code)
    answer = await attack.client.run(
        "ana", "import subprocess\nprint([subprocess.call('true') for _ in range(50)].count(0))"
    )
    assert answer.output.strip() == "50"
    await attack.all_is_well()


async def test_memory_is_limited(attack: Attack) -> None:
    attack.spoiled = True
    ends = await attack.try_(f"fill_memory({4 * MEMORY})")
    assert ends != [0]
    # Each of these alone would be within the limit.
    together = await attack.try_(f"fill_memory({2 * MEMORY}, 4)")
    assert any(together), together
    await attack.all_is_well()
    assert "here" in (await attack.client.run("eve", "print('here')")).output


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
async def test_temporary_space_is_limited(attack: Attack, folder: str) -> None:
    attack.spoiled = True
    written, reason = await attack.try_(f"fill({folder!r}, {2 << 30})")
    # Both count as memory where there are control groups, which may end the kernel first.
    assert written <= 512 << 20
    assert reason == "ENOSPC"


async def test_processor_time_is_limited(attack: Attack) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("the machine has one processor, so one is no limit")
    assert await attack.try_("busy(2, 4)") < 1.4


async def test_mounts_cannot_be_led_elsewhere(attack: Attack) -> None:
    """A folder of one's own that becomes a link to somebody else's, between two starts."""
    attack.spoiled = True
    hub, client = attack.hub, attack.client
    commit, project = hub.repository({"readme.txt": "x"})
    launch = hub.launch("eve", "two", commit=commit, project=project)
    await client.start(launch)
    await client.stop("eve", "two")
    victim = hub.layout.home("ana")
    for link, target in ((project, victim), (str(Path(project).parent), victim.parent)):
        trick = (
            f"import os, shutil; shutil.rmtree({link!r}, ignore_errors=True)\n"
            f"os.path.islink({link!r}) and os.unlink({link!r})\n"
            f"os.symlink({str(target)!r}, {link!r})"
        )
        answer = await client.run("eve", trick)
        assert not answer.error, answer.error
        with pytest.raises(Exception, match="link"):
            await client.start(launch)
    await attack.all_is_well()
