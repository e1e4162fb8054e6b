"""As whom servers run: one uid for everybody, because each has a container to itself.

Images are built for uid 1000, and on this machine it is the owner of people's files. A Hub
without root's rights cannot give files away, so its servers run under its own uid. A home
that exists already, perhaps made by another engine, keeps its owner, who is then used.
"""

from __future__ import annotations

import os

from ...beneath import lstat_beneath
from ...core.errors import LaunchFailed
from ...core.layout import DataDirectory
from ...storage.homes import ensure_home
from ..rundir import Owner

UID = 1000


def server_uid() -> int:
    """The uid of servers, and the owner of homes that are made."""
    return os.geteuid() or UID


def ensure_person(layout: DataDirectory, user: str) -> Owner:
    """Make a person's home if it is not there; gives whose it is.

    Raises:
        Conflict: something else is in the place of the home.
        LaunchFailed: it belongs to somebody as whom nothing can be started.
    """
    uid = server_uid()
    home = ensure_home(layout, user, uid, uid if os.geteuid() == 0 else None)
    if owner := known_person(layout, user):
        return owner
    raise LaunchFailed(
        "Your home on this hub belongs to the account number {uid} of its machine,"
        " as which no server may run. The administrator has to give it back to you.",
        uid=home.lstat().st_uid,
    )


def known_person(layout: DataDirectory, user: str) -> Owner | None:
    """The owner of a person's home, if there is one as whom something may run; makes nothing."""
    status = lstat_beneath(layout.homes, layout.home(user).name)
    if status is None or status.st_uid == 0 or os.geteuid() not in (0, status.st_uid):
        return None
    return Owner(status.st_uid, status.st_gid)
