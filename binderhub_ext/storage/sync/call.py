"""For those who call this program: when they need not, with what arguments, what it answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...beneath import beneath
from ...core.errors import BinderError, Conflict, NoSpace, RepoUnavailable
from ...core.jsontext import parse_json
from ...core.sentences import Sentence
from ...core.updates import Update
from .files import split
from .folder import Place
from .run import unchanged
from .words import Request


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
    program = (python, "-I", "-m", "binderhub_ext.storage.sync")
    return [*program, *arguments(request), *([f"--owner={owner}"] if owner else ())]


def arguments(request: Request) -> list[str]:
    """What the program is told to do."""
    options = {
        "bundle": request.bundle,
        "commit": request.commit,
        "url": request.url,
        "root": request.root,
        "into": request.into,
        "branch": request.branch,
        "keep": str(request.keep),
    }
    flags = {"seed": not request.update, "plan": request.plan, "caseless": request.caseless}
    return [
        *(f"--{name}={value}" for name, value in options.items()),
        *(f"--{name}" for name, wanted in flags.items() if wanted),
        "--json",
    ]


def read_answer(output: bytes) -> Update:
    """The report the program printed, which is :func:`~.report.to_json`.

    Raises:
        NoSpace: the disk or quota is full; what is there can still be used.
        RepoUnavailable: the fetched files are gone or broken; fetching again helps.
        Conflict: something of the person's is in the way, in words.
        BinderError: anything else.
    """
    try:
        answer: dict[str, Any] = parse_json(output.splitlines()[-1])
        if code := answer.get("error"):
            kind = _ERRORS.get(code, BinderError)
            message = Sentence.received(str(answer["message"]), answer)
            raise kind(message, detail=str(answer.get("detail", "")))
        return Update.from_fields(answer)
    except (ValueError, IndexError, AttributeError) as error:
        raise BinderError(
            "The project's files could not be put in place. Launch again.",
            detail=output.decode(errors="replace")[-2000:],
        ) from error


_ERRORS: Mapping[str, type[BinderError]] = {
    "no-space": NoSpace,
    "no-bundle": RepoUnavailable,
    "bad-bundle": RepoUnavailable,
    "in-the-way": Conflict,
    "changed-meanwhile": Conflict,
    "busy": Conflict,
}


def head_of(bundle: Path) -> str:
    """The commit a bundle is of, from its plain header; empty if it is not there.

    For an archive that is not the version that was asked for, but the commit made of its files.
    """
    try:
        with bundle.open("rb") as file:
            for line in iter(file.readline, b"\n"):
                if not line:
                    break
                if line.endswith(b" HEAD\n"):
                    return line.split()[0].decode()
    except FileNotFoundError:
        pass
    return ""
