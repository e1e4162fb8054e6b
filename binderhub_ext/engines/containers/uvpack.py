"""A build pack of our own: Python environments with `uv` in place of conda and pip.

Takes exactly the repositories that repo2docker's PythonBuildPack takes, and installs what it
would install, in seconds and from the package index and Debian's or Ubuntu's packages alone.
Used where an administrator sets `DockerBuilder.buildpack = "uv"`; imported only by the
program that runs repo2docker.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from shlex import quote
from typing import Any

from repo2docker.app import Repo2Docker
from repo2docker.buildpacks.base import BaseImage
from repo2docker.buildpacks.python import PythonBuildPack
from uv import find_uv_bin

from ...core.environment import has_build_system
from .. import node
from .packages import SERVER_PACKAGES

VENV = "/srv/venv"

_Scripts = list[tuple[str, str]]


class UvBuildPack(PythonBuildPack):
    """PythonBuildPack's rules with `uv`'s tools."""

    @lru_cache  # noqa: B019 - as every method of a build pack; one lives for one build
    def get_base_packages(self) -> set[str]:
        python = {"python3", "python3-venv", "git", "ca-certificates"}
        return set(BaseImage.get_base_packages(self)) | python

    @lru_cache  # noqa: B019
    def get_build_env(self) -> list[tuple[str, str]]:
        prefixes = [(name, VENV) for name in ("VIRTUAL_ENV", "NB_PYTHON_PREFIX")]
        prefixes.append(("KERNEL_PYTHON_PREFIX", VENV))
        # Else npm installs what is for everybody where only root may write.
        prefixes.append(("NPM_CONFIG_PREFIX", VENV))
        return [*BaseImage.get_build_env(self), *prefixes]

    def get_env(self) -> list[tuple[str, str]]:
        return []

    def get_path(self) -> list[str]:
        return [f"{VENV}/bin"]

    def get_build_script_files(self) -> dict[str, str]:
        return {find_uv_bin(): "/usr/local/bin/uv"}

    @lru_cache  # noqa: B019
    def get_build_scripts(self) -> _Scripts:
        packages = " ".join(f"'{package}'" for package in SERVER_PACKAGES)
        return [
            # repo2docker's entry point is a login shell, and Debian's /etc/profile resets PATH.
            ("root", f"echo 'export PATH={VENV}/bin:$PATH' > /etc/profile.d/venv.sh"),
            ("root", f"install -o ${{NB_USER}} -g ${{NB_USER}} -d {VENV}"),
            ("${NB_USER}", self._make_venv()),
            (
                "${NB_USER}",
                f"uv pip install --no-cache --quiet {packages} && {_REMOVE_SLOW_IMPORT} && "
                f"{VENV}/bin/python -m jupyterhub.singleuser --version && {_COMPILE}",
            ),
        ]

    def _make_venv(self) -> str:
        """With the base image's own Python unless the repository names a version.

        Of a version with three parts that is not to be had, the nearest is taken.
        """
        name, version, _ = self.runtime
        locked = getattr(self, "locked", None)
        if locked and locked.versions:
            return f"uv venv --quiet {VENV} --python {quote(locked.versions)}"
        make = f"uv venv --quiet {VENV} --python"
        if name != "python" or not version:
            return f"{make} /usr/bin/python3"
        *_, patch = parts = str(version).split(".")
        if len(parts) < 3:
            return f"{make} {version}"
        near = str(version).removesuffix(f".{patch}")
        return f"{make} {version} || {{ echo 'Python {near} is taken instead'; {make} {near}; }}"

    def _get_pip_scripts(self) -> _Scripts:
        requirements = self.binder_path("requirements.txt")
        try:
            with open(requirements):  # noqa: PTH123 - repo2docker works in the current folder
                return [("${NB_USER}", self.finished(_installed(requirements)))]
        except FileNotFoundError:
            return []

    def finished(self, install: str) -> str:
        """A step that installs, with what has to be done after it."""
        return f"begin=$(mktemp) && {install} && {_REMOVE_SLOW_IMPORT} && {_COMPILE_NEW}"

    @lru_cache  # noqa: B019
    def get_preassemble_scripts(self) -> _Scripts:
        scripts: _Scripts = list(BaseImage.get_preassemble_scripts(self))
        return scripts + (self._get_pip_scripts() if self._should_preassemble_pip else [])

    @lru_cache  # noqa: B019
    def get_assemble_scripts(self) -> _Scripts:
        scripts = [] if self._should_preassemble_pip else self._get_pip_scripts()
        if self._is_python_package():
            scripts.append(("${NB_USER}", _PACKAGE if has_build_system(_read) else _OLD_PACKAGE))
        if any(node.uses_node(_read(script) or b"") for script in self.get_post_build_scripts()):
            scripts.append(("${NB_USER}", _NODE))
        return scripts


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


def _installed(requirements: str) -> str:
    """Install a requirements file: by uv, or by pip if it is written in a way that uv cannot read.

    uv would stop at the first index that has a package, where pip takes the best of all.
    """
    options = "--no-cache --index-strategy unsafe-best-match"
    by_pip = f'{VENV}/bin/python -m pip install --no-cache-dir -r "{requirements}"'
    return f'{{ uv pip install {options} -r "{requirements}" || {{ test $? = 2 && {by_pip}; }}; }}'


_PACKAGE = "uv pip install --no-cache ."

_OLD_PACKAGE = (
    f"{_PACKAGE} || {{ uv pip install --no-cache setuptools wheel && "
    "uv pip install --no-cache --no-build-isolation .; }"
)
"""A `setup.py` without a build system of its own may import what the repository asks for, as with
older pip."""

_NODE = (
    f"command -v npm || uv pip install --no-cache {node.PACKAGE}"
    " || echo 'postBuild may use Node.js, which could not be had'"
)


# Builds a grammar for most of a second at every start of a server, and nothing needs it:
# jsonschema does without when it is missing.
_REMOVE_SLOW_IMPORT = "{ uv pip uninstall --quiet rfc3987-syntax || true; }"

# uv compiles nothing, and what a container compiles goes with it: without this every start of a
# server would compile all it imports, for most of a second.
_COMPILE = (
    f"HOME=$(mktemp -d) {VENV}/bin/python -c 'import ipykernel.kernelapp;"
    "from jupyter_server.serverapp import ServerApp; ServerApp().initialize([])'"
)


# As pip does, but not what is there for testing the packages, which is half of it. Some packages
# have files that are no Python of today.
_COMPILE_NEW = (
    f"{{ find {VENV}/lib -name '*.py' -cnewer $begin -not -path '*/tests/*'"
    f" | {{ {VENV}/bin/python -m compileall -q -j 0 -i - || true; }}; rm $begin; }}"
)


def with_pack(ours: Any) -> list[Any]:
    """repo2docker's build packs in their order, with ours in the place of PythonBuildPack."""
    packs = Repo2Docker.buildpacks.default()
    return [ours if pack is PythonBuildPack else pack for pack in packs]
