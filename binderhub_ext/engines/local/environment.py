"""What a server finds around it: an environment it cannot change, and room for what it adds.

An environment is shared and read-only, and yet `%pip install` has to work and to last. So the
project's own `~/.local` is made a virtual environment on top of the shared one: pip is told to
work there (`PIP_PYTHON`), sees the shared packages without owning them, and what it installs
comes first for every Python of the server (`PYTHONPATH`) and is still there next time.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...beneath import beneath, lstat_beneath
from .. import node
from .sandbox import HOME, RUN, SHELL, Bind

_SITE = f"{RUN}/inside/site:{RUN}/shared"

_PROGRAM = re.compile(r"python([23]\.\d+)")
_SYSTEM = "/usr/local/bin:/usr/bin:/bin"

_TOLD_WHERE = (3, 7)
"""The oldest Python with a pip that can be told to work in another environment."""


@dataclass(frozen=True)
class Python:
    """The Python of an environment.

    Attributes:
        environment: the environment's folder.
        prefix: installation of its interpreter; the environment itself for conda.
        version: major and minor, such as `3.11`.
    """

    environment: Path
    prefix: str
    version: str

    @classmethod
    def of(cls, environment: Path, prefix: str) -> Python | None:
        """The Python of an environment, or `None` if it has none."""
        version = python_version(environment)
        return cls(environment, prefix or str(environment), version) if version else None

    @property
    def of_conda(self) -> bool:
        return self.prefix == str(self.environment)

    @property
    def shared_site(self) -> str:
        return f"{self.environment}/lib/python{self.version}/site-packages"

    @property
    def own_site(self) -> str:
        return f"{HOME}/.local/lib/python{self.version}/site-packages"

    def home_files(self) -> dict[str, str]:
        """What makes `~/.local` an environment on top (see `inside/first.py`)."""
        local, binaries = f"{HOME}/.local", f"{self.prefix}/bin"
        shared = (
            f"import site, sys; sys.prefix == {str(self.environment)!r} "
            f"or site.addsitedir({self.shared_site!r})\n"
        )
        return {
            f"{local}/pyvenv.cfg": (
                f"home = {binaries}\ninclude-system-site-packages = false\n"
                f"version = {self.version}\n"
            ),
            f"{local}/bin/python": f"-> {binaries}/python{self.version}",
            f"{self.own_site}/_environment.pth": shared,
        }

    def variables(self) -> dict[str, str]:
        told = {"PIP_PYTHON": f"{HOME}/.local/bin/python"}
        if tuple(map(int, self.version.split("."))) < _TOLD_WHERE:
            # Such a pip would try to remove what it cannot write to before it installs another.
            told = {"PIP_PREFIX": f"{HOME}/.local", "PIP_IGNORE_INSTALLED": "1"}
        return {
            "PYTHONPATH": f"{_SITE}:{self.own_site}",
            **told,
            "BINDER_INSTALLED": self.own_site,
            "BINDER_BYTECODE": f"{HOME}/.cache/bytecode",
        }


def site_packages(environment: Path) -> dict[str, str]:
    """Where packages lie in an environment, relative to it, by version of Python.

    A build may have left anything there: only folders count, and no link is followed.
    """
    folders = {}
    with suppress(FileNotFoundError, NotADirectoryError), beneath(environment, "lib") as library:
        for entry in os.scandir(library):
            status = lstat_beneath(library, f"{entry.name}/site-packages")
            version = _PROGRAM.fullmatch(entry.name)
            if version and status and stat.S_ISDIR(status.st_mode):
                folders[version[1]] = f"lib/{entry.name}/site-packages"
    return folders


def python_version(environment: Path) -> str:
    """Version of an environment's Python, `x.y`; empty if it has none."""
    programs: list[str] = []
    with suppress(FileNotFoundError, NotADirectoryError), beneath(environment, "bin") as folder:
        programs = sorted(entry.name for entry in os.scandir(folder))
    named = [found[1] for name in programs if (found := _PROGRAM.fullmatch(name))]
    # Some have links of other names besides, such as `python3.1`.
    real = [version for version in named if _is_folder(environment, f"lib/python{version}")]
    return next(iter([*real, *sorted(site_packages(environment))]), "")


def _is_folder(environment: Path, path: str) -> bool:
    """Whether it is a folder of an environment, and no link leads there."""
    status = lstat_beneath(environment, path)
    return status is not None and stat.S_ISDIR(status.st_mode)


def hub_python() -> str:
    """The interpreter that runs our own programs inside: the Hub's, without its packages."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def interpreter_binds(prefixes: Iterable[str], *, own_system: bool) -> list[Bind]:
    """Interpreters at the same places inside, the one of our own programs among them.

    Args:
        prefixes: their installations; empty ones do not count.
        own_system: whether another tree takes the place of the machine's own system.
    """
    seen = {"", "/usr"} if own_system else {"", "/usr", "/usr/local"}
    shown = {str(Path(hub_python()).parents[1]), *prefixes} - seen
    return [Bind(Path(prefix), PurePosixPath(prefix)) for prefix in sorted(shown)]


def server_environment(environment: Path, server: Path, python: Python | None) -> dict[str, str]:
    """Variables every server has, named as in images of repo2docker where those have them.

    Args:
        environment: the repository's.
        server: the one that the server is in, mostly the same.
        python: the repository's.
    """
    own = [environment] if server == environment else [environment, server]
    variables = {
        "HOME": HOME,
        "USER": "jovyan",
        "LOGNAME": "jovyan",
        "NB_USER": "jovyan",
        "SHELL": SHELL,
        "LANG": "C.UTF-8",
        "PATH": ":".join((*(f"{each}/bin" for each in own), f"{HOME}/.local/bin", _SYSTEM)),
        "NB_PYTHON_PREFIX": str(server),
        "KERNEL_PYTHON_PREFIX": str(environment),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **node.variables(f"{HOME}/.local", f"{HOME}/.cache/npm"),
    }
    if python and python.of_conda:
        variables["CONDA_PREFIX"] = str(environment)
    return variables | (python.variables() if python else {})
