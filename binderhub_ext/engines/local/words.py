"""What a build tells, and how it says that a step failed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...core.errors import BinderError, BuildFailed, NoSpace
from ...core.progress import Event, Phase
from ...programs import ProcessFailed
from .. import blame
from ..detect import windows_lines
from . import uv

_MISSING = re.compile(r"\b(npm|npx|node): (?:command )?not found|(npm|npx|node)': No such file")


def network_trouble(failure: ProcessFailed) -> bool:
    """Whether it failed because something could not be reached."""
    return blame.unreachable(failure.tail)


def say(message: str, progress: int | None = None) -> Event:
    return Event(Phase.BUILDING, message, {} if progress is None else {"progress": progress})


def output(line: str) -> Event:
    return Event(Phase.BUILDING, line, {"log": True})


def status(failure: ProcessFailed) -> str:
    if failure.status in (-9, 137):
        return "signal 9; it may have used more memory than a build may"
    return f"signal {-failure.status}" if failure.status < 0 else f"status {failure.status}"


def script_failed(failure: ProcessFailed, path: str, script: bytes) -> BinderError:
    """The error for a `postBuild` that failed.

    Args:
        path: what it is called.
        script: what is in it.
    """
    words = f"{path} ended with {status(failure)}. "
    if b"\r\n" in script:
        words += windows_lines(path)
    elif missing := _MISSING.search(failure.tail):
        words += (
            f"It uses {missing[1]}, and Node.js is neither on this machine nor in its package "
            "index. Ask the administrator to install it (nodejs, npm), or use the docker engine."
        )
    elif blame.unreachable(failure.tail):
        words += "It asks a host that could not be reached: try again later."
    else:
        words += "The end of the log says why."
    return explained(failure, words, uv_says=False)


def explained(
    failure: ProcessFailed, otherwise: str, *, uv_says: bool = True, base: Sequence[str] = ()
) -> BinderError:
    """The error for people: what uv, the disk or the network said, or the step's own words.

    Args:
        base: requirement lines of the server's own packages, if they were part of it.
    """
    if NoSpace.in_text(failure.tail):
        return NoSpace(
            "The disk was full during the build. Ask the administrator to make room.",
            detail=failure.tail,
        )
    said = (blame.of_others(failure.tail) or uv.explain(failure.tail, base)) if uv_says else ""
    return BuildFailed(said or otherwise, detail=failure.tail)
