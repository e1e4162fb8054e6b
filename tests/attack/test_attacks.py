"""Everything eve tries is refused or contained, and ana and the Hub never notice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from anyattacks import *  # noqa: F403
from intruder import Attack, processes_of

from binderhub_ext.engines.local.network import host_addresses

REFUSED = {"ENOENT", "EACCES", "EPERM", "EROFS", "ENOTDIR", "ESRCH"}


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


async def test_a_servers_token_is_in_no_command_line(attack: Attack) -> None:
    token = await attack.run("eve", "import os; print(os.environ['JUPYTERHUB_API_TOKEN'])")
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


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
async def test_temporary_space_is_limited(attack: Attack, folder: str) -> None:
    await attack.spoil()
    written, reason = await attack.try_(f"fill({folder!r}, {2 << 30})")
    # Both count as memory where there are control groups, which may end the kernel first.
    assert written <= 512 << 20
    assert reason == "ENOSPC"


async def test_mounts_cannot_be_led_elsewhere(attack: Attack) -> None:
    """A folder of one's own that becomes a link to somebody else's, between two starts."""
    await attack.spoil()
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
