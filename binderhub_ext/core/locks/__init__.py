"""Lock files, and the manifest of pixi, as lines for pip and files of conda. Pure.

repo2docker reads none of them but `Pipfile.lock`. One is taken where a repository has nothing that
repo2docker would take packages from: no `requirements.txt` in the same folder, no
`environment.yml`, no `Pipfile`. What it says of Python's packages becomes lines that ask for
packages and lines that hold every package at the very version and files that were locked, so that
all that is done with requirements is done with a lock: solved together with the server's own
packages, with hashes. What it says of conda's are the files themselves.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from packaging.specifiers import SpecifierSet

from ..errors import BuildFailed
from ..requirements import decode
from ..tomltext import parse_toml
from ..yamltext import parse_yaml
from . import condalock, explicit, pixi, pixilock, poetry, pylock, uvlock
from .model import Locked, Target
from .refusals import check, refuse_nonsense, refuse_python

PROJECT = "pyproject.toml"
PYTHON = ".python-version"

_BYTES = 2**21
"""Of one lock file: some hundred packages with all their wheels."""

_CONDA_BYTES = 2**22
"""Of one that has all packages of every platform."""

_Tables = Mapping[str, Any]
_Reader = Callable[[bytes, _Tables], Locked]


def _toml(locked: Callable[[_Tables, _Tables], Locked]) -> _Reader:
    return lambda content, project: locked(parse_toml(content, _BYTES), project)


def _yaml(locked: Callable[[_Tables, _Tables], Locked]) -> _Reader:
    return lambda content, project: locked(parse_yaml(content, _CONDA_BYTES), project)


CONDA: Mapping[str, _Reader] = {
    condalock.NAME: _yaml(condalock.locked),
    explicit.NAME: explicit.locked,
    pixilock.NAME: _yaml(pixilock.locked),
    pixi.NAME: pixi.locked,
}
"""Those whose packages are conda's too."""

READERS: Mapping[str, _Reader] = {
    pylock.NAME: _toml(pylock.locked),
    uvlock.NAME: _toml(uvlock.locked),
    poetry.NAME: _toml(poetry.locked),
    **CONDA,
}
"""By the name of the file; the first that is there is taken."""

_NONSENSE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, StopIteration)

_LOCAL = re.compile(r"^(?:-e |--find-links )?\./")
_VERSION = re.compile(r"^(?:cpython-)?(\d+\.\d+(?:\.\d+)?)\s*$", re.MULTILINE)

Read = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Lock:
    """A repository's lock file.

    Attributes:
        path: of it.
        locked: what it installs.
        project: what is in the `pyproject.toml` beside it, or in pixi's manifest.
        python: the version that `.python-version` names, or empty.
    """

    path: str
    locked: Locked
    project: Mapping[str, Any]
    python: str = ""

    @property
    def name(self) -> str:
        return posixpath.basename(self.path)

    @property
    def conda(self) -> bool:
        """Whether packages of it are conda's, Python among them."""
        return self.locked.conda is not None

    def choose(self, asked: str, fixed: bool, available: Sequence[str]) -> str:
        """The version of Python that it is installed for.

        Args:
            asked: what repo2docker takes.
            fixed: whether `runtime.txt` says so; nothing else is taken then.
            available: minor versions there are, lowest first.

        Raises:
            BuildFailed: it is for none of them.
        """
        if self.conda:
            return asked
        named = [self.python] if ".".join(self.python.split(".")[:2]) in available else []
        for python in [asked] if fixed else [*named, asked, *reversed(available)]:
            if self.locked.is_for(python):
                return python
        return refuse_python(self.name, self.locked.python, asked if fixed else "", available)

    def check(self, target: Target, fixed: bool = False) -> None:
        """Refuse a lock that contradicts its project file, or is for another machine.

        Args:
            fixed: whether `runtime.txt` says the version of Python.

        Raises:
            BuildFailed
        """
        check(self.name, self.locked, {} if self.conda else self.project, target)
        python = self.locked.conda.python(target.platform) if self.locked.conda else ""
        if fixed and python and not f"{python}.".startswith(f"{target.python}."):
            refuse_python(self.name, python, target.python, ())


def find_lock(folder: str, read: Read, *, conda: bool = True) -> Lock | None:
    """The lock file that a folder's packages are taken from, or `None`.

    Args:
        folder: where a repository has its configuration; empty for its root.
        read: gives the content of a file of the repository.
        conda: whether one with packages of conda counts.

    Raises:
        BuildFailed: it cannot be read; says what to do.
    """
    for name in READERS:
        path = posixpath.join(folder, name)
        if name in CONDA and not conda:
            break
        if (content := read(path)) is not None:
            project: _Tables = read_project(read(posixpath.join(folder, PROJECT)))
            python = _named_python(read(posixpath.join(folder, PYTHON)) or b"")
            if name in CONDA:
                found = read(posixpath.join(folder, pixi.NAME)) if name == pixilock.NAME else None
                project = pixi.manifest(found, project)
            return Lock(path, _read(name, content, project, folder), project, python)
    return None


def read_project(content: bytes | None) -> dict[str, Any]:
    """The tables of a `pyproject.toml`, none if it is not there.

    Raises:
        BuildFailed: it cannot be read.
    """
    try:
        return {} if content is None else parse_toml(content)
    except ValueError as error:
        raise BuildFailed(
            "pyproject.toml cannot be read ({error}). Correct it in the repository.", error=error
        ) from error


def _read(name: str, content: bytes, project: _Tables, folder: str) -> Locked:
    try:
        locked = READERS[name](content, project)
        SpecifierSet(locked.python)
        # Places in a lock begin where it lies, and what is installed begins in the root.
        lines = [_LOCAL.sub(rf"\g<0>{folder}/", line) for line in locked.asked]
        return replace(locked, asked=tuple(lines)) if folder else locked
    except _NONSENSE as error:
        refuse_nonsense(name, error)


def _named_python(content: bytes) -> str:
    match = _VERSION.search(decode(content[:2000]))
    return match[1] if match else ""
