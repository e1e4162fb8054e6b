"""Whether packages that were installed from wheels alone are those that pip would have taken.

Our own uv builds nothing, so it passes over versions that have no wheel and takes older ones. That
is quick and mostly changes nothing. uv tells which packages it passed over a version of; it does
not tell why, and mostly that version is for a newer Python. So what it would take if it might build
is asked in the sandbox, of these packages alone.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ...beneath import beneath
from ...core.progress import Tell
from ...programs import Log, ProcessFailed
from . import uv
from .asked import wanted
from .buildsandbox import UV, BuildSandbox
from .environment import site_packages
from .uv import Requirements
from .words import network_trouble, say

TRACE = {"RUST_LOG": "uv_resolver::candidate_selector=trace"}
"""Has uv tell which candidates it looks at."""

_TOLD = "TRACE "
_PASSED_OVER = re.compile(r"Returning incompatible candidate for package (\S+) with")
_TAKEN = re.compile(r"Returning candidate for package|^(?:Audited|Checked) ")
_PIN = re.compile(r"([A-Za-z0-9][\w.-]*)==([\w.!+-]+)")
_INSTALLED = re.compile(r"(.+)-([^-]+)\.dist-info")

_NOT_LOOKED_UP = (
    "Whether newer versions of some packages exist that have to be built could not be looked up"
)


@dataclass
class Choices(Log):
    """A build's log that keeps what uv tells of its choices for itself.

    Attributes:
        passed_over: packages of which a version was passed over.
        known: whether it told anything; what it tells is not promised.
    """

    passed_over: set[str] = field(default_factory=set)
    known: bool = False

    def add(self, line: str) -> None:
        """Tell a line, unless it is about a choice."""
        self.known = self.known or _TAKEN.search(line) is not None
        if found := _PASSED_OVER.search(line):
            self.passed_over.add(canonicalize_name(found[1]))
        if not line.startswith(_TOLD):
            super().add(line)


def plain(tail: str) -> str:
    """The end of what uv said, without its choices."""
    return "\n".join(line for line in tail.splitlines() if not line.startswith(_TOLD))


def installed(environment: Path) -> dict[str, str]:
    """Versions of what is installed, by name."""
    versions: dict[str, str] = {}
    for site in site_packages(environment).values():
        with beneath(environment, site) as folder:
            names = [_INSTALLED.fullmatch(entry.name) for entry in os.scandir(folder)]
            versions |= {canonicalize_name(name[1]): name[2] for name in names if name}
    return versions


def of_python(versions: Mapping[str, str]) -> dict[str, str]:
    """Those that are versions as Python has them; packages of conda may be called anything."""
    return {name: version for name, version in versions.items() if _is_version(version)}


def _is_version(text: str) -> bool:
    try:
        return bool(Version(text))
    except InvalidVersion:
        return False


async def is_what_pip_takes(
    sandbox: BuildSandbox, requirements: Requirements, choices: Choices, tell: Tell
) -> bool:
    """Whether nothing was left out because it has no wheel.

    Args:
        sandbox: of the environment into which was installed.
        requirements: what was installed.
        choices: what uv told meanwhile.
        tell: told where it cannot be found out.
    """
    if choices.known and not choices.passed_over:
        return True
    versions = await asyncio.to_thread(installed, sandbox.environment)
    preferred = sandbox.temp / "preferred.txt"
    preferred.write_text(pins(versions, choices.passed_over))
    words = wanted(Requirements((), *requirements.asked), sandbox.want)
    options = requirements.options
    argv = uv.compile(sandbox.environment, words, preferred=str(preferred), options=options)
    answer: list[str] = []
    try:
        await sandbox.run(sandbox.look([UV, *argv[1:]]), Log(answer.append))
    except ProcessFailed as failure:
        if network_trouble(failure):
            tell(say(_NOT_LOOKED_UP))
        return network_trouble(failure)
    return not differ(answer, versions)


def pins(versions: Mapping[str, str], without: Iterable[str]) -> str:
    """A file of versions to stay at."""
    left_out = set(without)
    kept = (f"{name}=={version}\n" for name, version in versions.items() if name not in left_out)
    return "".join(kept)


def differ(answer: Iterable[str], versions: Mapping[str, str]) -> bool:
    """Whether uv would take another version of anything.

    Args:
        answer: lines that it said to the question.
        versions: what is :func:`installed`.
    """
    pinned = [found for line in answer if (found := _PIN.match(line))]
    taken = {canonicalize_name(pin[1]): pin[2] for pin in pinned}
    return not taken or any(versions.get(name, found) != found for name, found in taken.items())
