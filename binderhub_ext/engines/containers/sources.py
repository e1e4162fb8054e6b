"""Directories of people's, opened beneath a root of ours: a link is in nobody's way but its own."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ...beneath import open_beneath
from ...core.errors import LaunchFailed
from ...storage.mounts import Mount


def opened(mount: Mount) -> int:
    """A descriptor of what a server shall see.

    Raises:
        LaunchFailed: a link or a file is in the place of a folder.
    """
    try:
        return open_beneath(mount.root, mount.path)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise LaunchFailed(
            "{place} is not a folder any more (a link or a file is in its place), so the"
            " server cannot see it. Rename what is there and launch again.",
            place=mount.target,
        ) from error


def check_sources(mounts: Sequence[Mount]) -> None:
    """Look whether all that a server shall see is there.

    Raises:
        LaunchFailed: a link or a file is in the place of a folder.
    """
    for mount in mounts:
        os.close(opened(mount))
