"""All that is decided before a build of the `local` engine."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.apt import Packages
from ...core.sentences import NOTHING, Sentence
from ..base import Environment
from ..detect import Detection
from . import julialang, rlang
from .interpreters import Interpreter, serves
from .support import taken_instead
from .systems import Systems


@dataclass(frozen=True)
class Plan:
    """All that is decided before a build.

    Attributes:
        detection: what the repository asks for.
        interpreter: whose environment it becomes; for conda, the one our own programs use.
        environment: what the service is told.
        packages: of the system, that it has.
        systems: where their tree is, or is made, as of the environment's key.
        r: what is known of its R; empty if it has none.
        python: version of the Python that comes from conda, where the repository is none of
            conda's; or empty.
        besides: packages that conda is asked for besides, for R or Julia.
    """

    detection: Detection
    interpreter: Interpreter
    environment: Environment
    packages: Packages
    systems: Systems
    r: Sentence
    python: str = ""
    besides: tuple[str, ...] = ()

    @property
    def apart(self) -> bool:
        """Whether it is known already that the server cannot be with the repository's packages."""
        return not serves(self.python or self.interpreter.minor)

    @property
    def conda(self) -> bool:
        """Whether Python comes from conda."""
        return self.detection.is_conda or bool(self.python)


def notes(
    detection: Detection, interpreter: Interpreter, r: Sentence, python: str
) -> tuple[Sentence, ...]:
    """What is taken in place of what a repository asks for, and what is not taken."""
    taken = NOTHING if detection.is_conda or python else taken_instead(detection, interpreter)
    julia = julialang.note(detection)
    kernel = _kernel_note(python or interpreter.minor)
    of_r = rlang.taken_instead(detection, r), rlang.without_rstudio(detection)
    said = taken, kernel, *of_r, julia, *detection.notes
    return tuple(filter(None, said))


def _kernel_note(version: str) -> Sentence:
    """What is said of a Python that no server is for; nothing of every other."""
    if serves(version):
        return NOTHING
    return Sentence(
        "Python {version} is too old for the server here: it is the kernel, and the interface "
        "is this hub's server",
        version=version,
    )
