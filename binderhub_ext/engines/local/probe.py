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
from ...core.sentences import NOTHING, Sentence
from ...programs import Log, ProcessFailed, host_program, output, run
from ..base import Check
from ..checks import install
from . import seccomp
from .buildsandbox import BUILD_UID
from .environment import hub_python
from .network import TUNNELS, Network, online, tunnels_allowed
from .running import prepared
from .sandbox import Bind, Person, Sandbox

OLDEST_BUBBLEWRAP = (0, 8)
"""The first with `--size` for temporary space and `--disable-userns`."""

_SANDBOX = Sentence("sandbox")

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
        missing = Sentence("bubblewrap is missing.")
        return [Check(_SANDBOX, False, missing, install("bubblewrap"))]
    version = await _version()
    if version < OLDEST_BUBBLEWRAP:
        old = Sentence("bubblewrap {version} is too old.", version=".".join(map(str, version)))
        fix = Sentence("Install bubblewrap 0.8 or newer (Debian 12, Ubuntu 24.04).")
        return [Check(_SANDBOX, False, old, fix)]
    try:
        seen = await _look(Network.NONE)
    except (LaunchFailed, ProcessFailed) as error:
        return [_broken(error)]
    return [_sandbox(), _filter(seen), await _network(network)]


def user_namespaces_fix(root: Path = Path("/")) -> Sentence:
    """The command that lets ordinary users make namespaces, if the kernel forbids it."""
    for name, forbids, allows in _SWITCHES:
        switch = root / name[1:]
        if switch.exists() and switch.read_text().strip() == forbids:
            setting = name.removeprefix("/proc/sys/").replace("/", ".")
            return Sentence(
                "{command}   (as root; in /etc/sysctl.d to make it last)",
                command=f"sysctl -w {setting}={allows}",
            )
    return NOTHING


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
    said = told.strip().splitlines()[-1] if told.strip() else error
    message = Sentence("No sandbox can be made: {said}", said=said)
    fix = user_namespaces_fix() if os.geteuid() else NOTHING
    elsewhere = Sentence(
        "Let this machine or container make namespaces, or use the engine `docker`."
    )
    return Check(_SANDBOX, False, message, fix or elsewhere)


def _sandbox() -> Check:
    if os.geteuid() == 0:
        return Check(_SANDBOX, True, Sentence("works; everybody gets a uid of their own"))
    works = Sentence("works, by user namespaces; as root, people get uids too")
    return Check(_SANDBOX, True, works)


def _filter(seen: str) -> Check:
    name = Sentence("system call filter")
    if re.search(r"^Seccomp:\s*2$", seen, re.MULTILINE):
        return Check(name, True, Sentence("works"))
    try:
        seccomp.programs()
        message = Sentence("The kernel does not apply it.")
        fix = Sentence("Use a kernel with CONFIG_SECCOMP_FILTER.")
    except seccomp.NoSeccomp as error:
        message = Sentence("Without it the sandbox is weaker: {error}.", error=error)
        both = (install("libseccomp2"), "pip install pyseccomp")
        fix = Sentence("{one}, and {other}", one=both[0], other=both[1])
    return Check(name, False, message, fix, required=False)


async def _network(network: Network) -> Check:
    name = Sentence("private network")
    missing = {"pasta": "passt", "ip": "iproute2", "nsenter": "util-linux"}
    packages = [package for program, package in missing.items() if not shutil.which(program)]
    if packages:
        message = Sentence("Servers have no internet, which takes more programs.")
        return Check(name, False, message, install(*packages), False)
    if not tunnels_allowed():
        message = Sentence(
            "Servers have no internet, since {device} is not open to everybody.", device=TUNNELS
        )
        fix = Sentence(
            "{command}   (as root; where it is missing, give it to this container)",
            command=f"chmod 0666 {TUNNELS}",
        )
        return Check(name, False, message, fix, False)
    if network is not Network.PRIVATE:
        return Check(name, True, Sentence("not wanted: `{network}` is set", network=network))
    if not online():
        away = Sentence("This machine has no network now, so servers get none either.")
        return Check(name, True, away)
    return await _tunnel(name, network)


async def _tunnel(name: Sentence, network: Network) -> Check:
    no_pasta = Sentence(
        "Set c.LocalSpawner.network = 'isolated' and c.LocalBuilder.network = 'none'."
    )
    try:
        routes = (await _look(network)).splitlines()[1:]
    except (LaunchFailed, ProcessFailed) as error:
        said = error.tail if isinstance(error, ProcessFailed) else error.message
        message = Sentence("pasta does not work here: {said}", said=said or error)
        return Check(name, False, message, no_pasta)
    if not any(" lo" not in route for route in routes):
        message = Sentence("pasta gives a network without a route out.")
        return Check(name, False, message, no_pasta)
    return Check(name, True, Sentence("works, with pasta"))
