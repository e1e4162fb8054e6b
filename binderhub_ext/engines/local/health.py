"""What building needs on this machine, as `doctor` and the health page show it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ...programs import ProcessFailed, output
from ..base import Check
from ..checks import free_space, git
from . import probe, systems, uv
from .interpreters import Interpreter
from .limits import find_controllers
from .network import Network
from .settings import Settings


async def checks(settings: Settings, machine: Sequence[Interpreter]) -> list[Check]:
    """Everything a build of the `local` engine needs or can use.

    Args:
        machine: the interpreters of this machine, as they are now.
    """
    return [
        await _uv(settings.layout.cache),
        _interpreters(machine, settings.default_python),
        free_space(settings.layout.root, settings.min_free_space),
        _hardlinks(settings.layout.environments),
        *await probe.checks(Network(settings.network)),
        _limits(),
        git(),
        _conda(settings),
        await systems.check(settings),
    ]


async def _uv(cache: Path) -> Check:
    try:
        version = await output([uv.executable(), "--version"], env=uv.environment(cache, cache))
    except (OSError, ProcessFailed):
        return Check("uv", False, "uv does not run.", "pip install --upgrade uv")
    return Check("uv", True, version)


def _interpreters(machine: Sequence[Interpreter], default: str) -> Check:
    versions = [*dict.fromkeys(interpreter.minor for interpreter in machine)]
    ok = default in versions
    fix = "" if ok else "Set LocalBuilder.default_python to one of these."
    return Check("Python versions", ok, ", ".join(versions) or "none", fix)


def _hardlinks(environments: Path) -> Check:
    """Environments share files by hardlinks; without, each costs its full size."""
    name = "shared files"
    try:
        environments.mkdir(parents=True, exist_ok=True)
        original, link = (environments / f".try-{os.getpid()}-{i}" for i in (1, 2))
        original.touch()
        try:
            link.hardlink_to(original)
            return Check(name, True, "environments share equal files", required=False)
        finally:
            original.unlink()
            link.unlink(missing_ok=True)
    except OSError as error:
        message = f"no hardlinks ({error.strerror}): every environment takes its full size"
        fix = "Put the data directory on a disk with hardlinks, such as ext4 or xfs."
        return Check(name, False, message, fix, required=False)


def _limits() -> Check:
    if controllers := find_controllers():
        message = f"counted by control groups, version {controllers.version}"
        return Check("limits", True, message, required=False)
    message = (
        "No control groups can be made: memory is looked at twice a second, and a person can undo"
        " the limit on processors."
    )
    fix = "Run the Hub as root, or as a systemd service with Delegate=yes."
    return Check("limits", False, message, fix, required=False)


def _conda(settings: Settings) -> Check:
    """What takes the place of a conda: a library of ours, or the program that is set."""
    if program := settings.conda_program:
        ok = os.access(program, os.X_OK)
        fix = "" if ok else "Correct LocalBuilder.conda_program, or leave it out."
        return Check("conda", ok, f"{program}, as set", fix, required=False)
    try:
        message = f"py-rattler {version('py-rattler')}; channels at {settings.conda_channel_alias}"
    except PackageNotFoundError:
        return Check("conda", False, "py-rattler is missing.", "pip install py-rattler", False)
    return Check("conda", True, message, required=False)
