"""What a build made beside its environment, put into the home and the project of who starts it."""

from __future__ import annotations

from ...core.launch import Launch
from .. import given
from .environment import hub_python
from .sandbox import HOME, RUN
from .store import Record

_PROGRAM = f"{RUN}/shared/{given.PROGRAM.name}"


def words(record: Record, launch: Launch) -> list[str]:
    """What to put before a server's command so that it finds what its build made."""
    if record.made is None:
        return []
    return [hub_python(), "-I", "-S", _PROGRAM, *given.arguments(str(record.made), launch, HOME)]
