"""`environment.yml` where this machine has micromamba, mamba or conda.

The program runs in the sandbox, with a package cache of the build's own.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent

from ...core.errors import BuildFailed
from ...storage.beneath import lstat_beneath
from .sandbox import SHELL

PROGRAMS = ("micromamba", "mamba", "conda")
CHANNEL = "conda-forge"
"""Where packages come from if the file names no channel, as with repo2docker."""

_BYTES = 2**18
_META = "conda-meta"
_SCRIPTS = "etc/conda/activate.d"
_ACTIVATE = f'for script in "$CONDA_PREFIX"/{_SCRIPTS}/*.sh; do . "$script"; done; exec "$@"'


def find_program() -> str | None:
    """Path of the first conda-like program on PATH, the quickest kind first."""
    return next(
        (str(Path(found).resolve()) for found in map(shutil.which, PROGRAMS) if found), None
    )


def installation(program: str) -> Path | None:
    """What a sandbox has to show so that a program runs, if that is not part of the system.

    micromamba is one file; the others come with a Python of their own.
    """
    path = Path(program)
    if path.is_relative_to("/usr"):
        return None
    return path if _is_micromamba(program) else path.parents[1]


def prepare_prefix(path: Path) -> None:
    """Make an existing folder one that conda takes for an environment."""
    (path / _META).mkdir()
    (path / _META / "history").touch()


def completed(content: bytes, python: str) -> str:
    """A file's content, with what it may leave out because repo2docker's builds begin with it.

    Args:
        content: of `environment.yml`.
        python: version of Python, `x.y`, if it names none.

    Returns:
        The same environment as JSON, which is YAML.

    Raises:
        BuildFailed: it is not YAML that can be read here.
    """
    asked = _read(content)
    packages = list(asked.get("dependencies") or [])
    channels = list(asked.get("channels") or [CHANNEL])
    if not _names(packages, "python"):
        packages.append(f"python={python}")
    if any(isinstance(one, dict) for one in packages) and not _names(packages, "pip"):
        packages.append("pip")
    if not {"defaults", "nodefaults"} & set(channels):
        # conda would add its maker's own channel, which not everybody may use.
        channels.append("nodefaults")
    return json.dumps({**asked, "channels": channels, "dependencies": packages}, default=str)


def _read(content: bytes) -> dict[str, Any]:
    yaml = YAML(typ="safe", pure=True)
    try:
        if len(content) > _BYTES:
            raise BuildFailed("environment.yml is larger than {size} KiB.", size=_BYTES >> 10)
        # Written out, a few lines of them are more than any memory holds.
        if any(isinstance(event, AliasEvent) for event in yaml.parse(content)):
            raise BuildFailed("environment.yml has aliases (`*name`), which are not read here.")
        return dict(yaml.load(content) or {})
    except (YAMLError, RecursionError, ValueError, TypeError) as error:
        raise BuildFailed("environment.yml cannot be read as YAML.", detail=str(error)) from error


def install(program: str, path: Path, file: str, cache: Path) -> list[str]:
    """The command that installs a file's packages into a prepared environment.

    Args:
        path: the environment.
        file: one that is :func:`completed`.
        cache: folder for what the program keeps.
    """
    if _is_micromamba(program):
        words = ["install", "--yes", "--root-prefix", str(cache / "conda")]
        return [program, *words, "--prefix", str(path), "--file", file]
    return [program, "env", "update", "--prefix", str(path), "--file", file]


def variables(path: Path, cache: Path) -> Mapping[str, str]:
    """What programs find in their environment while conda's environment is made."""
    yes = dict.fromkeys(("CONDA_ALWAYS_YES", "MAMBA_ALWAYS_YES"), "true")
    return {**yes, "CONDA_PKGS_DIRS": str(cache / "conda-packages"), "CONDA_PREFIX": str(path)}


def activation(environment: Path) -> list[str]:
    """What to put before a server's command so that packages' activation scripts run.

    They set what some libraries do not work without, such as where PROJ has its data.
    """
    status = lstat_beneath(environment, _SCRIPTS)
    return [SHELL, "-c", _ACTIVATE, "sh"] if status and stat.S_ISDIR(status.st_mode) else []


def _is_micromamba(program: str) -> bool:
    return Path(program).name == "micromamba"


def _names(packages: list[object], name: str) -> bool:
    spec = re.compile(rf"(?:\S+::)?{name}(?![\w.-])")
    return any(isinstance(one, str) and spec.match(one.strip()) for one in packages)
