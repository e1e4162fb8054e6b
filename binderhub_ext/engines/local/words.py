"""What a build tells, and how it says that a step failed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...core.errors import BinderError, BuildFailed, NoSpace
from ...core.progress import Event, Phase
from ...core.sentences import Sentence
from ...programs import ProcessFailed
from .. import blame
from ..scripts import windows_lines
from . import uv

_MISSING = re.compile(r"\b(npm|npx|node): (?:command )?not found|(npm|npx|node)': No such file")


def network_trouble(failure: ProcessFailed) -> bool:
    """Whether it failed because something could not be reached."""
    return blame.unreachable(failure.tail)


def say(text: str, progress: int | None = None, **fields: object) -> Event:
    data = {} if progress is None else {"progress": progress}
    return Event(Phase.BUILDING, Sentence(text, **fields), data)


def status(failure: ProcessFailed) -> Sentence:
    if failure.status in (-9, 137):
        return Sentence("signal 9; it may have used more memory than a build may")
    if failure.status < 0:
        return Sentence("signal {number}", number=-failure.status)
    return Sentence("status {number}", number=failure.status)


def script_failed(failure: ProcessFailed, path: str, script: bytes) -> BinderError:
    """The error for a `postBuild` that failed.

    Args:
        path: what it is called.
        script: what is in it.
    """
    if b"\r\n" in script:
        why = windows_lines(path)
    elif missing := _MISSING.search(failure.tail):
        why = Sentence(
            "It uses {program}, and Node.js is neither on this machine nor in its package index. "
            "Ask the administrator to install it (nodejs, npm), or use the docker engine.",
            program=missing[1],
        )
    elif blame.unreachable(failure.tail):
        why = Sentence("It asks a host that could not be reached: try again later.")
    else:
        why = Sentence("The end of the log says why.")
    otherwise = Sentence(
        "{path} ended with {status}. {why}", path=path, status=status(failure), why=why
    )
    return explained(failure, otherwise, uv_says=False)


def explained(
    failure: ProcessFailed, otherwise: Sentence, *, uv_says: bool = True, base: Sequence[str] = ()
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
    said = uv_says and (blame.of_others(failure.tail) or uv.explain(failure.tail, base))
    return BuildFailed(said or otherwise, detail=failure.tail)
