"""What building needs on this machine, as `doctor` and the health page show it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ...core.sentences import NOTHING, Sentence
from ...programs import ProcessFailed, output
from ..base import Check
from ..checks import free_space, git, pip
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
    name = Sentence.verbatim("uv")
    try:
        version = await output([uv.executable(), "--version"], env=uv.environment(cache, cache))
    except (OSError, ProcessFailed):
        return Check(name, False, Sentence("uv does not run."), pip("--upgrade uv"))
    return Check(name, True, Sentence.verbatim(version))


def _interpreters(machine: Sequence[Interpreter], default: str) -> Check:
    versions = [*dict.fromkeys(interpreter.minor for interpreter in machine)]
    ok = default in versions
    fix = NOTHING if ok else Sentence("Set LocalBuilder.default_python to one of these.")
    found = Sentence.verbatim(", ".join(versions)) if versions else Sentence("none")
    return Check(Sentence("Python versions"), ok, found, fix)


def _hardlinks(environments: Path) -> Check:
    """Environments share files by hardlinks; without, each costs its full size."""
    name = Sentence("shared files")
    try:
        environments.mkdir(parents=True, exist_ok=True)
        original, link = (environments / f".try-{os.getpid()}-{i}" for i in (1, 2))
        original.touch()
        try:
            link.hardlink_to(original)
            shared = Sentence("Environments share equal files.")
            return Check(name, True, shared, required=False)
        finally:
            original.unlink()
            link.unlink(missing_ok=True)
    except OSError as error:
        message = Sentence(
            "There are no hardlinks ({why}): every environment takes its full size.",
            why=error.strerror,
        )
        fix = Sentence("Put the data directory on a disk with hardlinks, such as ext4 or xfs.")
        return Check(name, False, message, fix, required=False)


def _limits() -> Check:
    name = Sentence("limits")
    if controllers := find_controllers():
        kept = Sentence("kept by control groups, version {version}", version=controllers.version)
        return Check(name, True, kept, required=False)
    message = Sentence(
        "No control groups can be made: memory is looked at twice a second, and a person can undo"
        " the limit on processors."
    )
    fix = Sentence("Run the Hub as root, or as a systemd service with Delegate=yes.")
    return Check(name, False, message, fix, required=False)


def _conda(settings: Settings) -> Check:
    """What takes the place of a conda: a library of ours, or the program that is set."""
    name = Sentence.verbatim("conda")
    if program := settings.conda_program:
        ok = os.access(program, os.X_OK)
        fix = Sentence("Correct LocalBuilder.conda_program, or leave it out.")
        found = Sentence("{program}, as set", program=program)
        return Check(name, ok, found, NOTHING if ok else fix, required=False)
    try:
        message = Sentence(
            "py-rattler {version}; channels at {channels}",
            version=version("py-rattler"),
            channels=settings.conda_channel_alias,
        )
    except PackageNotFoundError:
        missing = Sentence("py-rattler is missing.")
        return Check(name, False, missing, pip("py-rattler"), False)
    return Check(name, True, message, required=False)
