"""`binder-at-home doctor`: what works on this machine, what is missing, what mends it."""

from __future__ import annotations

import asyncio
import copy
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from ..core.errors import CannotStart
from ..core.layout import DataDirectory
from ..engines.base import Check
from ..engines.installed import engine_names
from ..repos import command
from . import engines, origins, proxy
from .app import Up
from .network import Ports, check_free

_MINIMUM_FREE = 2 * 1024**3


class Doctor(Up):
    """Look at everything `up` needs, with the same options and configuration; change nothing."""

    name = "binder-at-home doctor"
    description = __doc__ or ""
    examples = """
    binder-at-home doctor
    binder-at-home doctor --engine docker -f my_config.py
    """

    def examine(self) -> int:
        """Print what was found.

        Returns:
            0 if `up` can run with these options, 1 otherwise.
        """
        layout = DataDirectory(Path(self.data_dir).expanduser().absolute())
        well = _report("This machine", self._machine(layout))
        asked = engine_names() if self.engine == engines.AUTO else [self.engine]
        usable = [
            _report(f"Engine '{name}'", engines.check(name, self.config, layout)) for name in asked
        ]
        if not any(usable):
            print("\nNo engine can run here: see above for what it takes.")
        return 0 if well and any(usable) else 1

    def _machine(self, layout: DataDirectory) -> list[Check]:
        ip, ports = self._address()
        return [
            _python(),
            _git(),
            _proxy(layout),
            _disk(layout.root),
            _free_ports(ip, ports),
            self._addresses(ip, ports),
        ]

    def _addresses(self, ip: str, ports: Ports) -> Check:
        c = copy.deepcopy(self.config)
        origins.separate(c, ip, ports)
        if origins.are_shared(c):
            return Check("addresses", False, origins.SHARED, origins.MEND, required=False)
        if host := c.JupyterHub.get("subdomain_host"):
            return Check("addresses", True, f"each person's servers get one below {host}.")
        return Check("addresses", True, "one for everything, for one person.")


def _report(title: str, checks: Iterable[Check]) -> bool:
    """Print checks; returns whether all that are required passed."""
    print(f"\n{title}")
    well = True
    for check in checks:
        mark = "ok" if check.ok else "missing" if check.required else "without"
        print(f"  {mark:<8} {check.name}: {check.message}")
        if check.fix and not check.ok:
            print(f"           {check.fix}")
        well = well and (check.ok or not check.required)
    return well


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", sys.version_info >= (3, 11), f"{version} in {sys.prefix}")


def _git() -> Check:
    installed = asyncio.run(command.version())
    if not installed:
        missing = "It fetches repositories and is not installed."
        return Check("git", False, missing, "apt-get install -y git")
    shown, needed = (".".join(map(str, each)) for each in (installed, command.MINIMUM))
    if installed < command.MINIMUM:
        message = f"{shown} cannot be told which addresses a host has, as {needed} can."
        return Check("git", False, message, f"Install git {needed} or newer.")
    return Check("git", True, shown)


def _proxy(layout: DataDirectory) -> Check:
    if command := proxy.installed_proxy(layout.cache):
        return Check("proxy", True, " ".join(command))
    if nodes := proxy.nodes():
        return Check("proxy", True, f"will be installed at the first start, with {nodes[0].node}.")
    return Check(
        "proxy", False, f"needs Node.js {proxy.MINIMUM_NODE} or newer.", proxy.INSTALL_NODE
    )


def _disk(root: Path) -> Check:
    existing = next(path for path in (root, *root.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    return Check(
        "disk",
        free >= _MINIMUM_FREE,
        f"{free / 1024**3:.1f} GiB free for {root}; an environment takes 0.2 to 2.",
        "Make room, or choose another disk with --data-dir.",
        required=False,
    )


def _free_ports(ip: str, ports: Ports) -> Check:
    try:
        check_free(ip, ports, patience=0)
    except CannotStart as problem:
        return Check("ports", False, problem.message)
    return Check("ports", True, f"{ports.public} to {ports.service} are free.")
