"""Make the systems of this machine; see `systems`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ...beneath import lstat_beneath
from ...core.apt import Packages
from ...core.errors import Unsupported
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...programs import Log, ProcessFailed, program, run
from ...storage.trees import remove_tree
from ..detect import detector_environment
from . import changing, mapping
from .buildsandbox import BuildSandbox
from .environment import hub_python
from .limits import Limits
from .machineapt import MachineApt, fetch, unfetched, variables
from .running import prepared
from .sandbox import Bind, Sandbox
from .sealing import seal_system
from .supervised import beside, in_thread
from .systems import Systems, used
from .words import explained, say, status

_PREPARED = r"""
set -e
rm -rf "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*
rm -rf "$1"/etc/apt/auth.conf.d "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*
mkdir -p "$1/etc/uv" "$1/etc/pki"
for part in 1 2 3 4 5 6 7 8 9; do mkdir -p "$1/usr/share/man/man$part"; done
rm -f "$1/etc/localtime"
touch "$1/etc/localtime" "$1/etc/timezone"
touch "$1/etc/pip.conf" "$1/etc/resolv.conf" "$1/etc/profile"
printf '127.0.0.1 localhost binder\n' >"$1/etc/hosts"
"""
"""What is done to a base: it knows nothing of this machine. Manual pages are left out, but not
their folders, into which scripts of packages link (those of Java)."""

_LEFT_OUT = ("/usr/share/man/*", "/usr/share/info/*", "/usr/share/doc/*", "/usr/share/locale/*")
_LEFT_IN = ("/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias")

_PACKAGES = "/packages"
_INSTALL = rf"""
set -e
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d  # no service is started
chmod 755 /usr/sbin/policy-rc.d
apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-unsafe-io \
  -o APT::Sandbox::User=root --no-install-recommends --allow-downgrades \
  install {_PACKAGES}/*.deb
rm /usr/sbin/policy-rc.d
rm -rf /var/cache/apt/* /var/lib/apt/lists/* /var/cache/debconf/*-old
find /var/log -type f -delete
"""


async def on_system(
    sandbox: BuildSandbox, systems: Systems, packages: Packages, tell: Tell
) -> BuildSandbox:
    """A build's sandbox with the system's packages that it asks for, if there are any.

    Raises:
        BuildFailed, NoSpace, LaunchFailed, Unsupported.
    """
    if not packages:
        return sandbox
    build = SystemBuild(systems, packages, sandbox.limits, tell)
    system = await build.layer()
    for python in (sandbox.python, hub_python()):
        check_interpreter(system, python)
    return replace(sandbox, system=system)


def check_interpreter(system: Path, python: str) -> None:
    """Refuse an interpreter that is a part of the machine's system and not of this one.

    Raises:
        Unsupported: names it.
    """
    part = Path(python).is_relative_to("/usr") and not Path(python).is_relative_to("/usr/local")
    if part and lstat_beneath(system, python[1:]) is None:
        raise Unsupported(
            "This machine's {python} is not in the packages of {release}, so it cannot be used "
            "together with system packages. The administrator can install that Python elsewhere "
            "(uv python install), or make it the one of the hub.",
            python=python,
            release=MachineApt().name,
        )


@dataclass
class SystemBuild:
    """How the systems of one build are made.

    Attributes:
        systems: where they are.
        packages: what is asked for.
        limits: of what is run in a tree.
        tell: told what happens.
    """

    systems: Systems
    packages: Packages
    limits: Limits
    tell: Tell

    def __post_init__(self) -> None:
        self.log = Log(lambda line: self.tell(Event.log(Phase.BUILDING, line)))

    async def layer(self) -> Path:
        """The sealed tree with what is asked for, made unless it is there.

        Raises:
            BuildFailed, NoSpace, LaunchFailed.
        """
        key = self.systems.layer_key(self.packages)
        place = self.systems.layer(key)
        if used(place):
            return place
        if self.systems.is_being_made(key):
            self.tell(say("Waiting for another build with the same system packages"))
        async with self.systems.making(key) as folder:
            if not used(place):
                base = await self._base()
                await self._make_layer(base, folder)
                self.systems.put(folder / changing.TREE, place)
        return place

    # --- the base -------------------------------------------------------------------------

    async def _base(self) -> Path:
        key = self.systems.base_key()
        place = self.systems.base(key)
        if used(place):
            return place
        if self.systems.is_being_made(key):
            self.tell(say("Waiting for another build that makes the base system"))
        async with self.systems.making(key) as folder:
            if not used(place):
                text = "Making the base system ({system}), once on this machine"
                self.tell(say(text, system=MachineApt().name))
                await self._make_base(folder)
                self.systems.put(folder, place)
        return place

    async def _make_base(self, folder: Path) -> None:
        apt = MachineApt()
        (folder / "apt.conf").write_text(await apt.acquiring() + 'APT::Sandbox::User "root";\n')
        (folder / "tmp").mkdir()
        for path in (folder, folder / "tmp"):
            mapping.give(path)
        argv = _mmdebstrap(apt, self.systems.packages)
        env = {**variables(), "HOME": str(mapping.FOLDER), "TMPDIR": f"{mapping.FOLDER}/tmp"}
        try:
            await run(program(mapping.command(folder, argv), env=env), self.log)
            mapping.take(folder)
            tree = folder / changing.TREE
            tree.mkdir()
            plain = ["--no-same-owner", "--no-same-permissions", "--delay-directory-restore"]
            words = ["tar", "-x", *plain, "--exclude=./dev/*", "-f", str(folder / "base.tar")]
            await run(program([*words, "-C", str(tree)], env=variables()), self.log)
        except ProcessFailed as failure:
            what = Sentence("The base system could not be made ({status}).", status=status(failure))
            raise explained(failure, what, uv_says=False) from failure
        await in_thread(seal_system, tree, None)
        remove_tree(folder / "tmp")

    # --- a layer --------------------------------------------------------------------------

    async def _make_layer(self, base: Path, folder: Path) -> None:
        packages = folder / "packages"
        packages.mkdir(mode=0o755)
        tree = folder / changing.TREE
        tree.mkdir()
        for path in (folder, tree):
            mapping.give(path)
        (folder / "base.tar").hardlink_to(base / "base.tar")
        # One waits for the network, and the other for the disk.
        async with beside(self._unpack(folder)) as unpacking:
            await self._fetch(base, packages)
            self.tell(say("Installing system packages"))
            await unpacking
        if any(packages.glob("*.deb")):
            await self._install(folder)
        mapping.take(folder)
        await self._seal(folder, base / changing.TREE)

    async def _fetch(self, base: Path, packages: Path) -> None:
        self.tell(say("Fetching packages of {system}", system=MachineApt().name))
        try:
            known = base / changing.TREE / "var/lib/dpkg/status"
            await fetch(self.packages, known, base / "apt", packages, self.log)
        except ProcessFailed as failure:
            raise unfetched(failure, self.packages.path, MachineApt().name) from failure

    async def _unpack(self, folder: Path) -> None:
        base, tree = mapping.FOLDER / "base.tar", mapping.FOLDER / changing.TREE
        words = ["tar", "-x", "-p", "--numeric-owner", "--exclude=./dev/*"]
        await self._run(mapping.command(folder, [*words, "-f", str(base), "-C", str(tree)]))

    async def _install(self, folder: Path) -> None:
        sandbox = Sandbox(
            argv=("/bin/sh", "-c", _INSTALL),
            env=_INSIDE,
            cwd="/",
            binds=(Bind(mapping.FOLDER / "packages", PurePosixPath(_PACKAGES)),),
            limits=self.limits,
            python=changing.PYTHON,
            ends_with_hub=True,
            changed=folder,
        )
        try:
            async with prepared(sandbox, name=f"system-{folder.name}") as command:
                await run(command.start, self.log)
        except ProcessFailed as failure:
            what = Sentence(
                "Installing the packages of {path} failed ({status}).",
                path=self.packages.path,
                status=status(failure),
            )
            raise explained(failure, what, uv_says=False) from failure

    async def _seal(self, folder: Path, base: Path) -> None:
        """Seal it as whoever owns what is in it."""
        tree = folder / changing.TREE
        if os.geteuid() == 0:
            await in_thread(seal_system, tree, base)
            return
        # By its own path, not by where the mapping shows it: no file is shared between two mounts.
        sealing = [sys.executable, "-P", "-m", f"{__package__}.sealing", str(tree), str(base)]
        await self._run(mapping.command(folder, sealing))

    async def _run(self, argv: Sequence[str]) -> None:
        """Run a program of ours as the root of the ids, or as we are."""
        try:
            await run(program(argv, env=detector_environment()), self.log)
        except ProcessFailed as failure:
            what = Sentence("The system's files could not be put in place.")
            raise explained(failure, what, uv_says=False) from failure


_INSIDE = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
}


def _mmdebstrap(apt: MachineApt, packages: tuple[str, ...]) -> list[str]:
    options = [f"path-exclude={path}" for path in _LEFT_OUT]
    options += [f"path-include={path}" for path in _LEFT_IN]
    return [
        *["unshare", "--pid", "--fork", "--kill-child", "mmdebstrap"],
        *["--mode=root", "--variant=minbase", "--format=tar"],
        f"--aptopt={mapping.FOLDER}/apt.conf",
        *(f"--dpkgopt={option}" for option in options),
        *(f"--include={package}" for package in packages),
        f"--customize-hook={_PREPARED}",
        *[apt.release, f"{mapping.FOLDER}/base.tar"],
        *map(str, apt.sources()),
    ]
