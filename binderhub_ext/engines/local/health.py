"""What building needs on this machine, as `doctor` and the health page show it."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from ...programs import ProcessFailed, output
from ..base import Check
from . import probe, uv
from .limits import find_controllers
from .network import Network

if TYPE_CHECKING:
    from .build import LocalBuilder


async def checks(builder: LocalBuilder) -> list[Check]:
    """Everything a build of the `local` engine needs or can use."""
    return [
        await _uv(builder.layout.cache),
        await _interpreters(builder),
        _free_space(builder.layout.root, builder.min_free_space),
        _hardlinks(builder.layout.environments),
        *await probe.checks(Network(builder.network)),
        _limits(),
        _git(),
        _conda(builder),
    ]


async def _uv(cache: Path) -> Check:
    try:
        version = await output([uv.executable(), "--version"], env=uv.environment(cache, cache))
    except (OSError, ProcessFailed):
        return Check("uv", False, "uv does not run.", "pip install --upgrade uv")
    return Check("uv", True, version)


async def _interpreters(builder: LocalBuilder) -> Check:
    versions = [*dict.fromkeys(one.minor for one in await builder.machine(anew=True))]
    ok = builder.default_python in versions
    fix = "" if ok else "Set LocalBuilder.default_python to one of these."
    return Check("Python versions", ok, ", ".join(versions) or "none", fix)


def _free_space(root: Path, needed: int) -> Check:
    place = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    fix = "" if free >= needed else f"Make room on the disk of {root}."
    return Check("free disk space", free >= needed, f"{free >> 20} MiB free", fix)


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


def _git() -> Check:
    found = shutil.which("git")
    fix = "" if found else "apt-get install -y git"
    return Check("git", bool(found), found or "git is missing", fix)


def _conda(builder: LocalBuilder) -> Check:
    """What takes the place of a conda: a library of ours, or the program that is set."""
    if program := builder.conda_program:
        ok = os.access(program, os.X_OK)
        fix = "" if ok else "Correct LocalBuilder.conda_program, or leave it out."
        return Check("conda", ok, f"{program}, as set", fix, required=False)
    try:
        found = f"py-rattler {version('py-rattler')}; channels at {builder.conda_channel_alias}"
    except PackageNotFoundError:
        return Check("conda", False, "py-rattler is missing.", "pip install py-rattler", False)
    return Check("conda", True, found, required=False)
