"""The words for a lock file that does not fit. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..errors import BuildFailed
from ..sentences import Sentence
from .condafile import CondaPart
from .model import Locked, Target, asked_by_project, requirements

AGAIN = {
    "pylock.toml": Sentence("the command that made it"),
    "uv.lock": "`uv lock`",
    "poetry.lock": "`poetry lock`",
    "conda-lock.yml": "`conda-lock lock`",
    "environment.lock": "`conda list --explicit --sha256 > environment.lock`",
    "pixi.lock": "`pixi lock`",
    "pixi.toml": "`pixi init` and `pixi add`",
}
"""What makes a lock anew."""


def refuse_format(name: str, found: object, known: int) -> NoReturn:
    """Refuse a lock of a version of its format that is not known here.

    Raises:
        BuildFailed
        ValueError: it says no version, so it is no lock.
    """
    number = re.match(r"\d{1,9}", str(found), re.ASCII)
    if number is None:
        raise ValueError(f"{str(found)[:20]!r} is no version of a format")
    said = str(found)[:20]
    if int(number[0]) < known:
        raise BuildFailed(
            "{name} is of version {found} of its format, and this hub reads version {known}. Make "
            "it anew with {again}, and commit it.",
            name=name,
            found=said,
            known=known,
            again=AGAIN[name],
        )
    raise BuildFailed(
        "{name} is of version {found} of its format, and this hub reads version {known}. Make it "
        "with an older version of the tool, or ask the administrator to update the hub.",
        name=name,
        found=said,
        known=known,
    )


def refuse_nonsense(name: str, error: Exception) -> NoReturn:
    """Refuse a file that is no lock.

    Raises:
        BuildFailed
    """
    raise BuildFailed(
        "{name} cannot be read as what its name says. Make it anew with {again}, and commit it.",
        name=name,
        again=AGAIN[name],
        detail=f"{type(error).__name__}: {error}"[:1000],
    ) from error


def refuse_python(name: str, versions: str, asked: str, available: Sequence[str]) -> NoReturn:
    """Refuse a lock for other versions of Python.

    Args:
        versions: those it is for.
        asked: what `runtime.txt` asks for, or empty.
        available: what there is.

    Raises:
        BuildFailed
    """
    if asked:
        raise BuildFailed(
            "{name} is for Python {versions}, and runtime.txt asks for {asked}. "
            "Change one of them.",
            name=name,
            versions=versions,
            asked=asked,
        )
    raise BuildFailed(
        "{name} is for Python {versions}; this hub has {available}. Make it for one of these with "
        "{again}, or ask the administrator for another Python.",
        name=name,
        versions=versions,
        available=", ".join(available),
        again=AGAIN[name],
    )


def check(name: str, locked: Locked, project: Mapping[str, Any], target: Target) -> None:
    """Refuse a lock that contradicts its project file, or is for another machine.

    Args:
        name: of the lock.
        project: of the `pyproject.toml` beside it.

    Raises:
        BuildFailed
    """
    if locked.environments and not any(map(target.fits, locked.environments)):
        raise BuildFailed(
            "{name} is for other machines than this one ({where}). Make it for Linux too with "
            "{again}, and commit it.",
            name=name,
            where="; ".join(locked.environments)[:200],
            again=AGAIN[name],
        )
    if locked.conda:
        _check_conda(name, locked.conda, target)
    if locked.conda and not locked.conda.files:
        return  # what asks for versions of its own is no lock
    for one in _asked(locked.asked, project):
        if canonicalize_name(one.name) in locked.elsewhere or not target.fits(one.marker):
            continue
        versions = locked.versions(one.name, target)
        if not any(one.specifier.contains(version, prereleases=True) for version in versions):
            found = f"{one.name} {versions[0]}" if versions else ""
            raise other_packages("pyproject.toml", f"{one.name}{one.specifier}", name, found)


def _check_conda(name: str, conda: CondaPart, target: Target) -> None:
    if target.platform not in conda.platforms:
        raise BuildFailed(
            "{name} is for {platforms}, and this hub is {platform}. Add that platform, make it "
            "anew with {again}, and commit it.",
            name=name,
            platforms=", ".join(conda.platforms)[:200] or Sentence("no platform at all"),
            platform=target.platform,
            again=AGAIN[name],
        )
    if conda.files and not conda.python(target.platform):
        raise BuildFailed(
            "{name} has no package python, and the server is a program in Python. Add one, make it "
            "anew with {again}, and commit it.",
            name=name,
            again=AGAIN[name],
        )


def _asked(lines: Iterable[str], project: Mapping[str, Any]) -> Iterable[Requirement]:
    """What has to be in a lock, as far as it comes from an index."""
    listed = [line for line in (*asked_by_project(project), *lines) if " @ " not in str(line)]
    return (requirement for requirement in requirements(listed) if not requirement.url)


def other_packages(project: str, wanted: str, name: str, found: str) -> BuildFailed:
    """The words for a lock that has not what its project file asks for.

    Args:
        project: the name of that file.
        wanted: what it asks for.
        name: of the lock.
        found: the package that the lock has instead; empty for none.
    """
    return BuildFailed(
        "{project} asks for {wanted}, and {name} has {found}. Make it anew with {again}, and "
        "commit it.",
        project=project,
        wanted=wanted[:200],
        name=name,
        found=found or Sentence("no such package"),
        again=AGAIN[name],
    )
