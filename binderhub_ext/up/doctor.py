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
from ..core.sentences import Sentence
from ..engines.base import Check
from ..engines.checks import install
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
        name = Sentence("addresses")
        if origins.are_shared(c):
            shared, mend = Sentence(origins.SHARED), Sentence(origins.MEND)
            return Check(name, False, shared, mend, required=False)
        if host := c.JupyterHub.get("subdomain_host"):
            each = Sentence("each person's servers get one below {host}.", host=host)
            return Check(name, True, each)
        return Check(name, True, Sentence("one for everything, for one person."))


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
    found = Sentence("{version} in {place}", version=version, place=sys.prefix)
    return Check(Sentence("Python"), sys.version_info >= (3, 11), found)


def _git() -> Check:
    name, installed = Sentence("git"), asyncio.run(command.version())
    if not installed:
        missing = Sentence("It fetches repositories and is not installed.")
        return Check(name, False, missing, install("git"))
    shown, needed = (".".join(map(str, each)) for each in (installed, command.MINIMUM))
    if installed < command.MINIMUM:
        message = Sentence(
            "{version} cannot be told which addresses a host has, as {needed} can.",
            version=shown,
            needed=needed,
        )
        fix = Sentence("Install git {needed} or newer.", needed=needed)
        return Check(name, False, message, fix)
    return Check(name, True, Sentence.verbatim(shown))


def _proxy(layout: DataDirectory) -> Check:
    name = Sentence("proxy")
    if command := proxy.installed_proxy(layout.cache):
        return Check(name, True, Sentence.verbatim(" ".join(command)))
    if nodes := proxy.nodes():
        later = "will be installed at the first start, with {node}."
        return Check(name, True, Sentence(later, node=nodes[0].node))
    needs = Sentence("needs Node.js {version} or newer.", version=proxy.MINIMUM_NODE)
    return Check(name, False, needs, Sentence.verbatim(proxy.INSTALL_NODE))


def _disk(root: Path) -> Check:
    existing = next(path for path in (root, *root.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    return Check(
        Sentence("disk"),
        free >= _MINIMUM_FREE,
        Sentence(
            "{free:.1f} GiB free for {root}; an environment takes 0.2 to 2.",
            free=free / 1024**3,
            root=root,
        ),
        Sentence("Make room, or choose another disk with --data-dir."),
        required=False,
    )


def _free_ports(ip: str, ports: Ports) -> Check:
    name = Sentence("ports")
    try:
        check_free(ip, ports, patience=0)
    except CannotStart as problem:
        return Check(name, False, problem.message)
    free = Sentence("{first} to {last} are free.", first=ports.public, last=ports.service)
    return Check(name, True, free)
