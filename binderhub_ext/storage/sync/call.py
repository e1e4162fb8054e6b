"""For those who call this program: when they need not, with what arguments, what it answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...core.errors import BinderError, Conflict, NoSpace, RepoUnavailable
from ..beneath import beneath
from .files import split
from .folder import Place
from .run import unchanged
from .words import Keep, Request


def is_current(request: Request) -> bool:
    """Whether a sync would do nothing: a look at one small file, safe also as root."""
    try:
        above, name = split(os.fsencode(request.into))
        with beneath(Path(request.root), above) as parent:
            return unchanged(Place(parent, name), request) is not None
    except (OSError, ValueError):
        return False


def command(request: Request, python: str = sys.executable, owner: str = "") -> list[str]:
    """The argv of the program; it prints one line of JSON (:func:`read_answer`).

    Args:
        request: its paths are as the program sees them, for example inside a sandbox.
        python: an interpreter that can import this package; it needs nothing else but Git.
        owner: `UID:GID` as whom it works when root starts it; as the caller if empty.
    """
    options = {
        "bundle": request.bundle,
        "commit": request.commit,
        "url": request.url,
        "root": request.root,
        "into": request.into,
        "branch": request.branch,
        "keep": str(request.keep),
        **({"owner": owner} if owner else {}),
    }
    flags = {"seed": not request.update, "plan": request.plan, "json": True}
    return [
        *(python, "-I", "-m", "binderhub_ext.storage.sync"),
        *(f"--{name}={value}" for name, value in options.items()),
        *(f"--{name}" for name, wanted in flags.items() if wanted),
    ]


def read_answer(output: bytes) -> Mapping[str, Any]:
    """The report the program printed, as :func:`~.report.to_json` has it.

    Raises:
        NoSpace: the disk or quota is full; what is there can still be used.
        RepoUnavailable: the fetched files are gone or broken; fetching again helps.
        Conflict: something of the person's is in the way, in words.
        BinderError: anything else.
    """
    try:
        answer: dict[str, Any] = json.loads(output.splitlines()[-1])
    except (ValueError, IndexError) as error:
        message = "The project's files could not be put in place. Launch it again."
        raise BinderError(message, detail=output.decode(errors="replace")[-2000:]) from error
    if code := answer.get("error"):
        kind = _ERRORS.get(code, BinderError)
        raise kind(str(answer["message"]), detail=str(answer.get("detail", "")))
    return answer


_ERRORS: Mapping[str, type[BinderError]] = {
    "no-space": NoSpace,
    "no-bundle": RepoUnavailable,
    "bad-bundle": RepoUnavailable,
    "in-the-way": Conflict,
    "changed-meanwhile": Conflict,
    "busy": Conflict,
}


def seed(bundle: str, commit: str, url: str, root: str, into: str, branch: str = "") -> Request:
    """The request that makes a project where there is none and leaves any other alone."""
    return Request(bundle, commit, url, root, into, branch, Keep.BOTH, update=False)
