"""All that is decided before a build of the `local` engine."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.apt import Packages
from ...core.sentences import Sentence
from ..base import Environment
from ..detect import Detection
from .interpreters import Interpreter
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
    """

    detection: Detection
    interpreter: Interpreter
    environment: Environment
    packages: Packages
    systems: Systems
    r: Sentence

    @property
    def conda(self) -> bool:
        return self.detection.is_conda
