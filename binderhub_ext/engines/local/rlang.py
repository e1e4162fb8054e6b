"""R of this machine's release: its packages are Debian's, and what Debian has not is CRAN's.

A system with R is one with packages of an `apt.txt`. The kernel's package says where Jupyter finds
it, so the environment is any other one, with a library for what the repository installs. Where no
system can be made, R is conda's, in the environment and with the same library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...beneath import lstat_beneath
from ...core.apt import Packages
from ...core.rlang import Runtime
from ...core.sentences import NOTHING, Sentence
from ..detect import Detection
from .machineapt import MachineApt
from .sandbox import HOME, RUN

RECIPE = "R 2"
"""Goes into the key of every environment with R: raise it when the recipe makes another of the same
files."""

_NEEDED = ("r-base-core", "r-cran-irkernel", "r-cran-remotes")
"""R, its kernel, and what installs a repository that is a package of R."""

SHINY = "r-cran-shiny"

_OF_CRAN, _OF_CONDA = "r-cran-", "r-"
"""How names of packages of R begin that Debian has, and conda-forge."""

_NEEDED_OF_CONDA = ("r-irkernel", "r-remotes")
_OF_BOTH = "r-recommended"

SERVER = ("jupyter-server-proxy",)
"""What the server of an environment with R has besides: it shows applications of Shiny."""

_NO_RSTUDIO = "{path} names packages of R: R's kernel is there too, RStudio is not"

_LIBRARY = "lib/R/library"
_OF_SYSTEM = ("/usr/local/lib/R/site-library", "/usr/lib/R/site-library", "/usr/lib/R/library")
_INSIDE = f"{RUN}/inside/r"
_VERSION = re.compile(r"(?:\d+:)?(\d+\.\d+\.\d+)")
_ASKED = re.compile(r"\d{1,2}(\.\d{1,2}){0,2}", re.ASCII)


def is_r(detection: Detection) -> bool:
    """Whether it is a repository of R, as repo2docker sees it."""
    return detection.buildpack == "RBuildPack"


def packages(detection: Detection, more: Sequence[str], *, conda: bool = False) -> Packages:
    """What the system of an environment has besides what every system has.

    Args:
        more: packages that every system with R has.
        conda: whether R is conda's.
    """
    apt = Packages(detection.named("apt.txt"), detection.apt)
    if conda or not is_r(detection):
        return apt
    path = (apt.path if apt else "") or detection.file("runtime.txt") or "DESCRIPTION"
    asked = sorted({*apt.asked, *_NEEDED, *more})
    wished = (f"r-cran-{name.lower()}" for name in detection.cran)
    return Packages(path, tuple(asked), tuple(sorted(set(wished).difference(asked))))


def of_conda(detection: Detection, more: Sequence[str]) -> tuple[str, ...]:
    """What conda is asked for: R, its kernel and what every environment with R has.

    Its R comes with compilers.

    Args:
        more: packages of Debian that every system with R has.
    """
    version = _asked_version(detection)
    base = f"r-base {version}{'' if version.count('.') == 2 else '.*'}" if version else "r-base"
    cran = (name.removeprefix(_OF_CRAN) for name in more if name.startswith(_OF_CRAN))
    named = [*_NEEDED_OF_CONDA, *(_OF_CONDA + name for name in cran)]
    return (base, *sorted({*named, *({_OF_BOTH} & {*more})}))


def found_in_conda(detection: Detection) -> Sentence:
    """The R that conda is asked for: of the version that is asked for, or the newest."""
    version = _asked_version(detection)
    return Sentence("R {version}", version=version) if version else Sentence.verbatim("R")


def _asked_version(detection: Detection) -> str:
    version = Runtime.of(detection.runtime).version
    return version if _ASKED.fullmatch(version) else ""


async def found() -> Sentence:
    """The R that this machine's sources have, by its version if that is known."""
    apt = MachineApt()
    if version := _VERSION.match(await apt.version("r-base-core")):
        return Sentence("R {version}", version=version[1])
    return Sentence("R of {system}", system=apt.name)


def kind(detection: Detection, has: Sentence, other: Sentence) -> Sentence:
    """What a person calls the environment: `R 4.2.2 and Python 3.11 with install.R`.

    Args:
        has: the R that is :func:`found`.
        other: what it is called without R.
    """
    asked = _missed(detection, has)
    if asked:
        return Sentence("{has}, not {asked}, and {other}", has=has, asked=asked, other=other)
    return Sentence("{these} and {this}", these=has, this=other)


def taken_instead(detection: Detection, has: Sentence) -> Sentence:
    """The sentence for an R that is not the one asked for; empty if it is that one."""
    asked = _missed(detection, has)
    if not asked:
        return NOTHING
    return Sentence(
        "{path} asks for {asked}; {has} is taken, with packages as they are today",
        path=detection.file("runtime.txt"),
        asked=asked,
        has=has,
    )


def without_rstudio(detection: Detection) -> Sentence:
    """The sentence for packages of R among those of conda, which repo2docker adds RStudio to."""
    if not detection.r:
        return NOTHING
    path = detection.file("environment.yml") or detection.file("environment.yaml")
    return Sentence(_NO_RSTUDIO, path=path)


def _missed(detection: Detection, has: Sentence) -> Sentence:
    """What `runtime.txt` asks for and does not get."""
    runtime = Runtime.of(detection.runtime)
    return NOTHING if runtime.is_met(str(has.fields.get("version", ""))) else runtime.name


def build_variables(environment: Path, mirror: str) -> dict[str, str]:
    """What a build finds in its environment: packages go to the environment's own library."""
    return {**_common(mirror), "R_LIBS_USER": str(environment / _LIBRARY)}


def server_variables(environment: Path, mirror: str) -> Mapping[str, str]:
    """What a server finds: packages go to the project's home, and stay.

    Args:
        mirror: empty for an environment without R.
    """
    if not mirror:
        return {}
    # Packages of a system's R are for no other R, such as conda's in the environment.
    others = () if lstat_beneath(environment, "bin/R") else _OF_SYSTEM
    libraries = ":".join((str(environment / _LIBRARY), *others))
    own = f"{HOME}/.local/lib/R/%v"  # the version of R: what is compiled fits no other
    return {
        **_common(mirror),
        "R_LIBS_USER": own,
        "R_LIBS_SITE": libraries,
        "JUPYTER_CONFIG_PATH": _INSIDE,
    }


def _common(mirror: str) -> dict[str, str]:
    return {
        "BINDER_CRAN": mirror,
        "R_PROFILE": f"{_INSIDE}/Rprofile.site",
        # Else renv hides all other packages, the kernel's too, from whoever works in a project.
        "RENV_CONFIG_AUTOLOADER_ENABLED": "FALSE",
    }
