"""The folder of a project and what lies around it: found, locked, recognised."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ...beneath import DIRECTORY, beneath, exists_beneath, open_beneath, parts_of
from ...locks import try_lock
from .files import split
from .record import BadRecord, Header, read_header
from .words import Request, SyncError

STORE = ".git/binder-at-home"
RECORD, PENDING = "record", "pending"
_PATIENCE = 60.0
_POLL = 0.05


@dataclass(frozen=True)
class Place:
    """Where a project is or will be.

    Attributes:
        parent: descriptor of the folder it is in.
        name: its name there.
    """

    parent: int
    name: bytes

    @property
    def scratch(self) -> str:
        """The name of the folder beside it in which Git works."""
        return f".binder-at-home-{sha256(self.name).hexdigest()[:12]}"

    def is_free(self) -> bool:
        """Whether nothing, or an empty folder, is there."""
        try:
            with beneath(self.parent, self.name) as project, os.scandir(project) as entries:
                return next(entries, None) is None
        except FileNotFoundError:
            return True
        except NotADirectoryError:
            return False

    def header(self) -> Header | None:
        """The head of our record of what is there, or `None` if it is not ours."""
        try:
            with beneath(self.parent, self.name + b"/" + STORE.encode()) as store:
                return read_header(store, RECORD)
        except (FileNotFoundError, NotADirectoryError, BadRecord):
            return None

    def is_settled(self) -> bool:
        """Whether the last sync has ended, down to the tidying."""
        return self.has_ended() and not exists_beneath(self.parent, self.scratch)

    def has_ended(self) -> bool:
        """Whether the last update has done all that it had to."""
        try:
            with beneath(self.parent, self.name + b"/" + STORE.encode()) as store:
                return not exists_beneath(store, PENDING)
        except (FileNotFoundError, NotADirectoryError):
            return False


@contextmanager
def place(request: Request) -> Iterator[Place]:
    """Open the folder that has, or will have, the project.

    Raises:
        SyncError: a part of the way is a link or a file.
    """
    above, name = split(os.fsencode(request.into))
    try:
        if not parts_of(request.into):
            raise ValueError(request.into)
        parent = open_beneath(Path(request.root), above, create=True)
    except ValueError as error:
        raise SyncError(
            "bad-folder", "{folder!r} is no plain relative path.", folder=request.into
        ) from error
    except NotADirectoryError as error:
        raise SyncError(
            "in-the-way",
            "A part of {folder} is a link or a file. Rename it and launch again.",
            folder=request.into,
        ) from error
    try:
        yield Place(parent, name)
    finally:
        os.close(parent)


@contextmanager
def locked_scratch(where: Place) -> Iterator[tuple[int, bool]]:
    """The scratch folder of a project, for one process at a time; it is gone afterwards.

    Yields:
        Its descriptor, and whether another process had to be waited for.
    """
    descriptor, waited = _lock(where, time.monotonic() + _PATIENCE)
    try:
        yield descriptor, waited
    finally:
        with suppress(OSError):
            os.rmdir(where.scratch, dir_fd=where.parent)
        os.close(descriptor)


def _lock(where: Place, deadline: float) -> tuple[int, bool]:
    waited = False
    while time.monotonic() < deadline:
        with suppress(FileExistsError):
            os.mkdir(where.scratch, 0o700, dir_fd=where.parent)
        try:
            descriptor = os.open(where.scratch, DIRECTORY, dir_fd=where.parent)
            if _is_ours(where, descriptor):
                return descriptor, waited
            os.close(descriptor)
        except FileNotFoundError:
            pass
        except NotADirectoryError as error:
            raise SyncError(
                "in-the-way",
                "{folder} beside the project is in the way. Delete or rename it.",
                folder=where.scratch,
            ) from error
        waited = True
        time.sleep(_POLL)
    raise SyncError(
        "busy", "Another launch is just bringing this project up to date. Launch again in a minute."
    )


def _is_ours(where: Place, descriptor: int) -> bool:
    """Lock it, and see that it was not removed by the one who had it before."""
    if not try_lock(descriptor):
        return False
    try:
        now = os.stat(where.scratch, dir_fd=where.parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(now, os.fstat(descriptor))
