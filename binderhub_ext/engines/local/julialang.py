"""Julia of conda's: which one is taken, and what programs find of it in builds and in servers.

It is in the repository's environment, beside a Python of conda's. What the build installs and
compiles goes to a depot of the environment, where nobody can write later; what a person installs,
and whatever Julia compiles for them, to a depot of the project's own, which comes before that. The
project is the person's own folder, where Julia may write as it does in an image of repo2docker.
"""

from __future__ import annotations

from pathlib import Path

from ...core.julialang import limits
from ...core.sentences import NOTHING, Sentence
from ..detect import Detection
from . import trust
from .sandbox import HOME

RECIPE = "Julia 1"
"""Goes into the key of every environment with Julia: raise it when the recipe makes another of the
same files."""

_DEPOT = "share/julia-depot"
_OWN_DEPOT = f"{HOME}/.local/share/julia"
"""Each project's own, as packages of Python and R are: Julia runs what lies in it at its start."""

KERNEL = f"{_DEPOT}/environments/ijulia"
"""The project in the environment that has the kernel alone."""


def is_julia(detection: Detection) -> bool:
    """Whether it is a repository of Julia, as repo2docker sees it."""
    return detection.buildpack == "JuliaProjectTomlBuildPack"


def file(detection: Detection) -> str:
    """Path of the file that describes the project."""
    return detection.file("JuliaProject.toml") or detection.file("Project.toml")


def package(detection: Detection) -> str:
    """What conda is asked for; empty for a repository without Julia.

    Raises:
        BuildFailed: the version that is asked for cannot be understood.
    """
    return f"julia {limits(detection.julia)}" if is_julia(detection) else ""


def project(detection: Detection, repo: str) -> str:
    """The project's folder inside of a sandbox; empty for a repository without Julia.

    Args:
        repo: where the repository's files stand.
    """
    if not is_julia(detection):
        return ""
    return f"{repo}/{detection.binder_dir}" if detection.binder_dir else repo


def kind(other: Sentence) -> Sentence:
    """What a person calls the environment: `Julia and Python 3.11 from conda with Project.toml`.

    Args:
        other: what it is called without Julia.
    """
    return Sentence("{these} and {this}", these=Sentence.verbatim("Julia"), this=other)


def note(detection: Detection) -> Sentence:
    """The sentence on which Julia is taken; empty for a repository without."""
    if not is_julia(detection):
        return NOTHING
    path, asked = file(detection), detection.julia
    if not asked:
        return Sentence("{path} names no version of Julia: conda's newest is taken", path=path)
    text = "{path} asks for Julia {asked}: conda's newest that fits is taken"
    return Sentence(text, path=path, asked=asked)


def in_build(environment: Path, project: str, server: str) -> list[str]:
    """What to put before a command of a build so that packages go to the environment's depot.

    Args:
        project: empty where there is no Julia; then nothing.
        server: address that packages come from; empty for Julia's own.
    """
    return _given(environment, project, server, f"{environment}/{_DEPOT}:")


def in_server(environment: Path, project: str, server: str) -> list[str]:
    """What to put before a server's command so that packages go to the home, and stay.

    It comes after the scripts of conda's packages: Julia's says that all is in the environment,
    and whom to trust.

    Args:
        project, server: see :func:`in_build`.
    """
    return _given(environment, project, server, f"{_OWN_DEPOT}:{environment}/{_DEPOT}:")


def _given(environment: Path, project: str, server: str, depots: str) -> list[str]:
    if not project:
        return []
    given = {
        # What is empty, here at the end, stands for what comes with Julia itself.
        "JULIA_DEPOT_PATH": depots,
        "JULIA_PROJECT": project,
        # The kernel is found whatever a person has in an environment of their own.
        "JULIA_LOAD_PATH": f"@:@v#.#:{environment}/{KERNEL}:@stdlib",
        "JULIA_PKG_SERVER": server,
        "JULIA_SSL_CA_ROOTS_PATH": trust.INSIDE if trust.binds() else "",
    }
    return ["/usr/bin/env", *(f"{name}={text}" for name, text in given.items() if text)]
