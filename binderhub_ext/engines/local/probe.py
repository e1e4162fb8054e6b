"""Whether sandboxes really work here: one is made and looked at from the inside.

That a program is installed says little: kernels, container runtimes and distributions switch
off namespaces, each in a way of its own. So the very code that starts servers starts a program
that tells what it finds, once without a network and once with the private one.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ...core.errors import LaunchFailed
from ...programs import Log, ProcessFailed, host_program, output, run
from ..base import Check
from . import seccomp
from .buildsandbox import BUILD_UID
from .environment import hub_python
from .network import TUNNELS, Network, online, tunnels_allowed
from .running import prepared
from .sandbox import Bind, Person, Sandbox

OLDEST_BUBBLEWRAP = (0, 8)
"""The first with `--size` for temporary space and `--disable-userns`."""

_LOOK = "grep ^Seccomp: /proc/self/status; tail -n +2 /proc/net/route; cat /proc/net/ipv6_route"

_SWITCHES = (
    ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "1"),
    ("/proc/sys/user/max_user_namespaces", "0", "65536"),
)
"""Files with which a kernel forbids ordinary users' namespaces, as which value, and the one
that allows them."""


async def checks(network: Network) -> list[Check]:
    """What a sandbox is made of, tried.

    Args:
        network: what servers and builds are to reach.
    """
    if not shutil.which("bwrap"):
        fix = "apt-get install -y bubblewrap"
        return [Check("sandbox", False, "bubblewrap is missing.", fix)]
    version = await _version()
    if version < OLDEST_BUBBLEWRAP:
        fix = "Install bubblewrap 0.8 or newer (Debian 12, Ubuntu 24.04)."
        return [Check("sandbox", False, f"{'.'.join(map(str, version))} is too old.", fix)]
    try:
        seen = await _look(Network.NONE)
    except (LaunchFailed, ProcessFailed) as error:
        return [_broken(error)]
    return [_sandbox(), _filter(seen), await _network(network)]


def user_namespaces_fix(root: Path = Path("/")) -> str:
    """The command that lets ordinary users make namespaces, if the kernel forbids it."""
    for name, forbids, allows in _SWITCHES:
        switch = root / name[1:]
        if switch.exists() and switch.read_text().strip() == forbids:
            setting = name.removeprefix("/proc/sys/").replace("/", ".")
            return f"sysctl -w {setting}={allows}   (as root; in /etc/sysctl.d to make it last)"
    return ""


async def _version() -> tuple[int, ...]:
    command = [host_program("bwrap"), "--version"]
    with suppress(ProcessFailed):
        text = await output(command, env={"PATH": os.environ.get("PATH", os.defpath)})
        return tuple(map(int, re.findall(r"\d+", text)))
    return ()


async def _look(network: Network) -> str:
    """What a program in a sandbox sees of itself."""
    prefix = Path(hub_python()).parents[1]
    shown = () if prefix.is_relative_to("/usr") else (Bind(prefix, PurePosixPath(prefix)),)
    sandbox = Sandbox(
        argv=("/bin/sh", "-c", _LOOK),
        env={"PATH": os.defpath},
        cwd="/",
        binds=shown,
        person=Person(BUILD_UID if os.geteuid() == 0 else None),
        network=network,
        python=hub_python(),
        ends_with_hub=True,
    )
    lines: list[str] = []
    async with prepared(sandbox) as command:
        await run(command.start, Log(lines.append))
    return "\n".join(lines)


def _broken(error: LaunchFailed | ProcessFailed) -> Check:
    told = error.tail if isinstance(error, ProcessFailed) else error.message
    message = f"No sandbox can be made: {told.strip().splitlines()[-1] if told.strip() else error}"
    fix = user_namespaces_fix() if os.geteuid() else ""
    return Check(
        "sandbox",
        False,
        message,
        fix or "Let this machine or container make namespaces, or use the engine `docker`.",
    )


def _sandbox() -> Check:
    if os.geteuid() == 0:
        return Check("sandbox", True, "works; everybody gets a uid of their own")
    return Check("sandbox", True, "works, by user namespaces; as root, people get uids too")


def _filter(seen: str) -> Check:
    name = "system call filter"
    if re.search(r"^Seccomp:\s*2$", seen, re.MULTILINE):
        return Check(name, True, "works")
    try:
        seccomp.programs()
        message, fix = "The kernel does not apply it.", "Use a kernel with CONFIG_SECCOMP_FILTER."
    except seccomp.NoSeccomp as error:
        message = f"Without it the sandbox is weaker: {error}."
        fix = "apt-get install -y libseccomp2, and pip install pyseccomp"
    return Check(name, False, message, fix, required=False)


async def _network(network: Network) -> Check:
    name = "private network"
    missing = {"pasta": "passt", "ip": "iproute2", "nsenter": "util-linux"}
    packages = [package for program, package in missing.items() if not shutil.which(program)]
    if packages:
        message = "Servers have no internet, which takes more programs."
        return Check(name, False, message, f"apt-get install -y {' '.join(packages)}", False)
    if not tunnels_allowed():
        message = f"Servers have no internet, since {TUNNELS} is not open to everybody."
        fix = f"chmod 0666 {TUNNELS}   (as root; where it is missing, give it to this container)"
        return Check(name, False, message, fix, False)
    if network is not Network.PRIVATE:
        return Check(name, True, f"not wanted: `{network}` is set")
    if not online():
        return Check(name, True, "this machine has no network now, so servers get none either")
    try:
        routes = (await _look(network)).splitlines()[1:]
    except (LaunchFailed, ProcessFailed) as error:
        message = error.tail if isinstance(error, ProcessFailed) else error.message
        return Check(name, False, f"pasta does not work here. {message}".strip(), _NO_PASTA)
    if not any(" lo" not in route for route in routes):
        return Check(name, False, "pasta gives a network without a route out.", _NO_PASTA)
    return Check(name, True, "works, with pasta")


_NO_PASTA = "Set c.LocalSpawner.network = 'isolated' and c.LocalBuilder.network = 'none'."
