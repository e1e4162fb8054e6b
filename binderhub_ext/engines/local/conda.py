"""What of conda a file asks for, and how a conda of the administrator's is asked.

That program runs in the sandbox, with a package cache of the build's own.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent

from ...beneath import beneath, lstat_beneath, open_file
from ...core.errors import BuildFailed
from ...core.locks import Lock
from ...core.locks.condafile import CondaFile, CondaPart
from .sandbox import SHELL

CHANNEL = "conda-forge"
"""Where packages come from if the file names no channel, as with repo2docker."""

_KERNEL_OF_R = "r-irkernel"
"""What repo2docker adds to packages of R."""

_LIBRARY_OF_R, _KERNELS_OF_R = "lib/R/library/IRkernel", "share/jupyter/kernels/ir"

_BYTES = 2**18
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,100}")
_ITEM = r"(?:version|build|build_number|channel)=(?:'[^'\"\[\]:/]*+'|\"[^'\"\[\]:/]*+\")"
_FROM_A_CHANNEL = re.compile(
    r"(?!.*\.(?:conda|tar\.bz2))(?:[\w.-]++(?:/[\w.-]++)*+::)?[\w.-]++ *+[\w.*+!=<>~|, -]*+"
    rf"(?:\[{_ITEM}(?:, *+{_ITEM})*+\])?",
    re.ASCII,
)
"""A name, and what limits its versions: nothing by which one file is named, wherever that lies."""

_META = "conda-meta"
SCRIPTS = "etc/conda/activate.d"
_ACTIVATE = f'for script in "$CONDA_PREFIX"/{SCRIPTS}/*.sh; do . "$script"; done; exec "$@"'


@dataclass(frozen=True)
class Asked:
    """What a file asks for.

    Attributes:
        channels: names and addresses, the most important first.
        specs: packages, as conda writes them.
        pip: lines for pip.
        variables: what a server finds in its environment.
        files: the packages themselves, where they are locked.
    """

    channels: tuple[str, ...]
    specs: tuple[str, ...]
    pip: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    files: tuple[CondaFile, ...] = ()

    @property
    def checked(self) -> bool:
        """Whether all of it is what its channels say: every file of a lock is known by its SHA-256,
        and nothing is asked for by an address of its own, as conda allows in many ways."""
        known = all(file.sha256 for file in self.files)
        return known and all(map(_FROM_A_CHANNEL.fullmatch, self.specs))


def asked(content: bytes, python: str) -> Asked:
    """What a file asks for, with what it may leave out.

    Args:
        content: of `environment.yml`.
        python: version of Python, `x.y`, if it names none.

    Raises:
        BuildFailed: it cannot be read here.
    """
    fields = _completed(content, python)
    specs = [str(spec) for spec in fields["dependencies"] if not isinstance(spec, dict)]
    pip: list[str] = []
    for one in fields["dependencies"]:
        if isinstance(one, dict) and isinstance(lines := one.get("pip"), list):
            pip += map(str, lines)
    named = [str(channel) for channel in fields["channels"]]
    named += [spec.partition("::")[0] for spec in specs if "::" in spec]
    variables = fields.get("variables")
    given = _variables(variables if isinstance(variables, dict) else {})
    return Asked(tuple(dict.fromkeys(named)), tuple(specs), tuple(pip), given)


def _variables(fields: Mapping[Any, Any]) -> dict[str, str]:
    """Those that a shell can have."""
    named = ((str(name), str(value)) for name, value in fields.items())
    return {name: value for name, value in named if _VARIABLE.fullmatch(name)}


def asked_by(lock: Lock, platform: str, python: str) -> Asked:
    """What a lock file, or pixi's manifest, asks of conda on a platform.

    Args:
        python: version of Python, `x.y`, if nothing names one.
    """
    conda = lock.locked.conda or CondaPart(())
    files = conda.files.get(platform, ())
    specs = list(conda.specs.get(platform, ()))
    if not files and not _names([*specs], "python"):
        specs.append(f"python={python}")
    channels = (file.channel for file in files) if files else conda.channels or (CHANNEL,)
    variables = _variables(conda.variables)
    return Asked(tuple(dict.fromkeys(channels)), tuple(specs), (), variables, files)


def activating(variables: Mapping[str, str]) -> str:
    """A script for when an environment is activated that sets what its file says."""
    return "".join(f"export {name}={shlex.quote(text)}\n" for name, text in variables.items())


def register_kernel_of_r(environment: Path) -> None:
    """Have Jupyter find the kernel of R, if it is there: its package has no entry for it.

    Args:
        environment: links in it are of packages.
    """
    if not lstat_beneath(environment, _LIBRARY_OF_R):
        return
    program = [str(environment / "bin" / "R"), "--slave", "-e", "IRkernel::main()"]
    argv = [*program, "--args", "{connection_file}"]
    spec = {"argv": argv, "display_name": "R", "language": "R"}
    with suppress(OSError):  # something is there: an entry, or what a package has in its place
        write_new(environment, _KERNELS_OF_R, "kernel.json", json.dumps(spec))


def write_new(root: Path, place: PurePosixPath | str, name: str, text: str) -> None:
    """Write a file that everybody can read, where links are those of strangers.

    Args:
        place: folder in it, made if it is not there.

    Raises:
        FileExistsError: there is something of that name.
    """
    with beneath(root, place, create=True) as folder:
        created = open_file(folder, name.encode(), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with os.fdopen(created, "w") as new:
            new.write(text)
            os.fchmod(created, 0o644)


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
    fields = _completed(content, python)
    packages = fields["dependencies"]
    if any(isinstance(package, dict) for package in packages) and not _names(packages, "pip"):
        packages.append("pip")
    return json.dumps(fields, default=str)


def _completed(content: bytes, python: str) -> dict[str, Any]:
    fields = _read(content)
    packages = _listed(fields, "dependencies")
    channels = _listed(fields, "channels") or [CHANNEL]
    if not _names(packages, "python"):
        packages.append(f"python={python}")
    if _names(packages, r"r-[\w.-]+") and not _names(packages, _KERNEL_OF_R):
        packages.append(_KERNEL_OF_R)
    if not {"defaults", "nodefaults"} & set(channels):
        # conda would add its maker's own channel, which not everybody may use.
        channels.append("nodefaults")
    return {**fields, "channels": channels, "dependencies": packages}


def _listed(fields: Mapping[str, Any], name: str) -> list[Any]:
    values = fields.get(name) or []
    if not isinstance(values, list):
        raise BuildFailed("{name} in environment.yml has to be a list.", name=name)
    return list(values)


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
    status = lstat_beneath(environment, SCRIPTS)
    return [SHELL, "-c", _ACTIVATE, "sh"] if status and stat.S_ISDIR(status.st_mode) else []


def _is_micromamba(program: str) -> bool:
    return Path(program).name == "micromamba"


def _names(packages: list[object], name: str) -> bool:
    spec = re.compile(rf"(?:\S+::)?{name}(?![\w.-])")
    return any(isinstance(package, str) and spec.match(package.strip()) for package in packages)
