"""As whom a person's programs run.

A root Hub gives every person a uid of the host that nobody else has, recorded as the owner of
their home. An ordinary user's Hub has only its own, and user namespaces to tell people apart.
"""

from __future__ import annotations

import os
from contextlib import suppress

from ...core.layout import DataDirectory
from ...locks import held
from ...storage.homes import ensure_home
from ..rundir import Owner
from .sandbox import Person

FIRST_UID = 200_000

_COUNTER = ".last-uid"


def ensure_person(layout: DataDirectory, user: str) -> Person:
    """The person of that name, with a home; the first time, a new uid is theirs for ever.

    Raises:
        Conflict: something else is in the place of the home.
    """
    if os.geteuid() != 0:
        ensure_home(layout, user)
        return Person()
    layout.homes.mkdir(mode=0o711, parents=True, exist_ok=True)
    with held(layout.homes / _COUNTER) as counter:
        uid = _owner(layout, user) or _next(layout, counter)
        ensure_home(layout, user, uid, uid)
    return Person(uid)


def ensure_owner(layout: DataDirectory, user: str) -> Owner:
    """:func:`ensure_person`, as the numbers of whose the files are."""
    person = ensure_person(layout, user)
    return Owner(person.uid, person.uid)


def known_person(layout: DataDirectory, user: str) -> Person | None:
    """The person of that name if they have a home; makes nothing."""
    if os.geteuid() != 0:
        return Person() if layout.home(user).is_dir() else None
    uid = _owner(layout, user)
    return Person(uid) if uid else None


def _owner(layout: DataDirectory, user: str) -> int:
    with suppress(FileNotFoundError):
        return layout.home(user).lstat().st_uid
    return 0


def _next(layout: DataDirectory, counter: int) -> int:
    """A uid that was never anybody's, also when their home is long in the trash."""
    last = int(os.pread(counter, 20, 0) or 0)
    owners = (entry.stat(follow_symlinks=False).st_uid for entry in os.scandir(layout.homes))
    uid = max(FIRST_UID - 1, last, *owners) + 1
    os.ftruncate(counter, 0)
    os.write(counter, str(uid).encode())
    os.fsync(counter)
    return uid
