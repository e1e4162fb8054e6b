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
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...beneath import beneath, lstat_beneath
from .. import node
from .sandbox import HOME, RUN, SHELL

_SITE = f"{RUN}/inside/site:{RUN}/shared"


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
        versions = sorted(site_packages(environment))
        return cls(environment, prefix or str(environment), versions[0]) if versions else None

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
        return {
            "PYTHONPATH": f"{_SITE}:{self.own_site}",
            "PIP_PYTHON": f"{HOME}/.local/bin/python",
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
            version = re.fullmatch(r"python(3\.\d+)", entry.name)
            if version and status and stat.S_ISDIR(status.st_mode):
                folders[version[1]] = f"lib/{entry.name}/site-packages"
    return folders


def hub_python() -> str:
    """The interpreter that runs our own programs inside: the Hub's, without its packages."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def server_environment(environment: Path, python: Python | None) -> dict[str, str]:
    """Variables every server has, named as in images of repo2docker where those have them."""
    variables = {
        "HOME": HOME,
        "USER": "jovyan",
        "LOGNAME": "jovyan",
        "NB_USER": "jovyan",
        "SHELL": SHELL,
        "LANG": "C.UTF-8",
        "PATH": f"{environment}/bin:{HOME}/.local/bin:/usr/local/bin:/usr/bin:/bin",
        "NB_PYTHON_PREFIX": str(environment),
        "KERNEL_PYTHON_PREFIX": str(environment),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        **node.variables(f"{HOME}/.local", f"{HOME}/.cache/npm"),
    }
    if python and python.of_conda:
        variables["CONDA_PREFIX"] = str(environment)
    return variables | (python.variables() if python else {})
