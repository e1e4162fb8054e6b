"""The whole of a sync: recognise what is there, then create, update or leave it alone."""

from __future__ import annotations

from ...core.errors import NoSpace
from ...core.repo import identity
from ...core.sentences import NOTHING, Sentence
from ...core.updates import printable
from .create import create
from .folder import Place, locked_scratch, place
from .git import Scratch, no_space
from .record import Header, is_branch, is_commit
from .update import update
from .words import Report, Request, State, SyncError

_WAITED = Sentence(
    "Another launch was at work in this project at the same time and went first; both have ended "
    "well, and the project is as this one wanted it."
)


def sync(request: Request) -> Report:
    """Bring a project to a commit, or say why not.

    Raises:
        SyncError: it could not be done; nothing was lost and it can be run again.
    """
    _check(request)
    try:
        with place(request) as where:
            return unchanged(where, request) or _locked(where, request)
    except MemoryError as error:
        raise SyncError(
            "files",
            "The project's files or its records in .git/binder-at-home are too large to be "
            "compared. Rename the folder and launch again.",
        ) from error
    except OSError as error:
        if NoSpace.caused(error):
            raise no_space() from error
        raise SyncError(
            "files", "The files of the project cannot be read or written.", str(error)
        ) from error


def unchanged(where: Place, request: Request) -> Report | None:
    """The answer when there is nothing to do; the common case, so it costs next to nothing."""
    header = where.header()
    if header is None or not _is_of(header, request):
        return None
    if request.update and not (header.commit == request.commit and where.is_settled()):
        return None
    return Report(State.UNCHANGED, header.commit, previous=header.commit)


def _locked(where: Place, request: Request) -> Report:
    with locked_scratch(where) as (directory, waited):
        scratch = Scratch(directory, request)
        try:
            report = _bring(where, scratch, request)
        finally:
            scratch.clear()
    report.notes += [_WAITED] if waited else []
    return report


def _bring(where: Place, scratch: Scratch, request: Request) -> Report:
    if where.is_free():
        return create(where, scratch, request)
    header = where.header()
    if reason := _reason_to_leave(header, request):
        return Report(State.UNTOUCHED, request.commit, reason)
    if header and header.commit == request.commit and where.has_ended():
        # Only the scratch folder was left, or the one we waited for did it.
        return Report(State.UNCHANGED, header.commit, previous=header.commit)
    return update(where, scratch, request)


def _reason_to_leave(header: Header | None, request: Request) -> Sentence:
    if header is None:
        return Sentence(
            "{folder} is there already and was not made by a launch (or its .git is gone). "
            "To get the repository's files, rename the folder and launch again.",
            folder=request.into,
        )
    if not _is_of(header, request):
        return Sentence(
            "{folder} holds another repository, {other}. Rename it to get this one.",
            folder=request.into,
            other=printable(header.url),
        )
    return NOTHING


def _is_of(header: Header, request: Request) -> bool:
    """Whether a project is of the repository that is asked for."""
    if header.url == request.url:
        return True
    is_of = identity(header.url, caseless=request.caseless)
    return bool(is_of) and is_of == identity(request.url, caseless=request.caseless)


def _check(request: Request) -> None:
    if not is_commit(request.commit):
        raise SyncError("bad-commit", "{id!r} is not a full commit id.", id=request.commit)
    if request.branch and not is_branch(request.branch):
        raise SyncError("bad-branch", "{name!r} is not the name of a branch.", name=request.branch)
