"""What this engine can serve honestly, and the words for what it cannot (PLATFORM §5)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence

from ...core.apt import Packages, check_packages
from ...core.errors import Unsupported
from ...core.sentences import NOTHING, Sentence
from ..detect import Detection
from .interpreters import OLDEST, Interpreter
from .mapping import Obstacle

_ELSEWHERE = "The docker or kubernetes engine can build it; ask the administrator for one."

_DOCKERFILE = Sentence("the repository brings its own Dockerfile")
_REFUSED = {
    "DockerBuildPack": ("Dockerfile", _DOCKERFILE),
    "LegacyBinderDockerBuildPack": ("Dockerfile", _DOCKERFILE),
    "NixBuildPack": ("default.nix", Sentence("this engine has no Nix")),
}
_RSTUDIO, _SHINY = "rstudio", "shiny"
_RSERVER = "rserver"
"""The program of RStudio, which no package of Python, conda or Debian has."""

_SERVED = frozenset(
    {
        "PythonBuildPack",
        "PipfileBuildPack",
        "CondaBuildPack",
        "RBuildPack",
        "JuliaProjectTomlBuildPack",
    }
)


def refuse_unsupported(detection: Detection, packages: Packages, no_apt: Obstacle | None) -> None:
    """Refuse, before anything is built, what this engine cannot build as repo2docker would.

    Args:
        packages: of the system, that the repository asks for.
        no_apt: what keeps those from being installed here, if anything does.

    Raises:
        Unsupported: names the file, the reason and an engine that can.
        BuildFailed: `apt.txt` cannot be understood.
    """
    if detection.buildpack == "JuliaRequireBuildPack":
        raise Unsupported(
            "{path}: packages of Julia that such a file names cannot be had any more, on other "
            "engines neither. Describe them in a Project.toml.",
            path=detection.file("REQUIRE"),
        )
    if detection.buildpack not in _SERVED:
        other = Sentence("of {buildpack}", buildpack=detection.buildpack)
        name, reason = _REFUSED.get(detection.buildpack, ("", other))
        name = detection.file(name) or name or "The repository"
        raise Unsupported("{name}: {reason}. " + _ELSEWHERE, name=name, reason=reason)
    if packages and no_apt:
        raise Unsupported(
            "{path}: this hub cannot install system packages. {why} The administrator's way to "
            "mend that: {fix}",
            path=packages.path,
            why=no_apt.message,
            fix=no_apt.fix,
        )
    check_packages(detection.named("apt.txt"), detection.apt)


def targets_lacking(*, shiny: bool) -> tuple[str, ...]:
    """Targets that no environment on this machine has.

    Args:
        shiny: whether environments of R have Shiny.
    """
    rstudio = () if shutil.which(_RSERVER) else (_RSTUDIO,)
    return rstudio if shiny else (*rstudio, _SHINY)


def is_version(asked: str) -> bool:
    """Whether it is a version of Python that can be got: major and minor, and perhaps micro."""
    return re.fullmatch(r"\d+\.\d+(\.\d+)?", asked, re.ASCII) is not None


def choose_interpreter(detection: Detection, machine: Sequence[Interpreter]) -> Interpreter:
    """The interpreter for a repository: the very one it asks for, or the nearest.

    Args:
        machine: the best of each minor version first.

    Raises:
        Unsupported: the machine has no such minor version.
    """
    wanted = detection.python
    near = [
        interpreter for interpreter in machine if f"{wanted}.".startswith(f"{interpreter.minor}.")
    ]
    exact = [interpreter for interpreter in near if _full(interpreter) == wanted]
    if near and is_version(wanted):
        return (exact or near)[0]
    source = python_source(detection)
    if not is_version(wanted):
        raise Unsupported(
            "{source} asks for Python {wanted}. Ask for a major and minor version only, "
            "such as python-3.11.",
            source=source,
            wanted=wanted or "?",
        )
    if tuple(map(int, wanted.split(".")))[:2] < OLDEST:
        raise Unsupported(
            "{source} asks for Python {wanted}, which this engine has of conda alone. Ask for it "
            "in an environment.yml (`python={wanted}`, and `-r requirements.txt` under `pip:`), or "
            "ask the administrator for the docker or kubernetes engine.",
            source=source,
            wanted=wanted,
        )
    has = ", ".join(dict.fromkeys(interpreter.minor for interpreter in machine)) or "none"
    raise Unsupported(
        "{source} asks for Python {wanted}; this machine has {has}. Ask for one of these, ask "
        "the administrator to install it, or use the docker or kubernetes engine.",
        source=source,
        wanted=wanted,
        has=has,
    )


def taken_instead(detection: Detection, interpreter: Interpreter) -> Sentence:
    """The sentence for a Python that is near the one asked for; empty if it is that one."""
    wanted, has = detection.python, _full(interpreter)
    if wanted.count(".") < 2 or wanted == has:
        return NOTHING
    return Sentence(
        "{source} asks for Python {wanted}; this machine has {has}, which is taken",
        source=python_source(detection),
        wanted=wanted,
        has=has,
    )


def _full(interpreter: Interpreter) -> str:
    return ".".join(map(str, interpreter.version))


def python_source(detection: Detection) -> str:
    """The file that says which Python is asked for, or words for none."""
    for name in ("runtime.txt", ".python-version", "Pipfile.lock", "Pipfile"):
        if path := detection.named(name):
            return path
    in_project = "pyproject.toml" in dict(detection.files)
    return "pyproject.toml" if in_project else Sentence("The repository")
