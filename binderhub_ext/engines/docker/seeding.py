"""Run the program that puts a commit's files into a person's project.

Our own program does it on this machine, as the owner of the files; the person's image, which
they or a repository may have made, has no part in it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial

from tornado.log import app_log

from ...core.errors import LaunchFailed, RepoUnavailable
from ...programs import ProcessFailed, TimedOut, capture
from ...storage.sync import call
from ...storage.sync.words import Request
from ..rundir import Owner

_PATIENCE = 600

_AT_A_PLACE_OF_ITS_OWN = (
    *("unshare", "--mount", "--propagation", "private"),
    *("sh", "-c", 'mount --bind . /mnt && cd /mnt && exec "$@"', "sh"),
)
"""Git looks where it is from the root of the file system on, and nobody but root may pass through
the data directory: the program sees the home at a place that everybody reaches."""


async def run(request: Request, owner: Owner) -> bytes:
    """What the program printed.

    Args:
        request: `root` is the home; a place of ours that nobody else can rename.
        owner: whose the files are.

    Raises:
        LaunchFailed: it took too long.
        RepoUnavailable: the fetched files are gone.
    """
    inside = replace(request, root=".")
    if os.geteuid() != 0:
        return await _output(call.command(inside), request.root)
    try:
        # Opened before root's rights are given up, like the home.
        bundle = os.open(request.bundle, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise RepoUnavailable(
            "The fetched files of this commit are not here any more. Launch again."
        ) from error
    try:
        inside = replace(inside, bundle=f"/proc/self/fd/{bundle}")
        argv = call.command(inside, owner=f"{owner.uid}:{owner.gid}")
        return await _output([*_AT_A_PLACE_OF_ITS_OWN, *argv], request.root, bundle)
    finally:
        os.close(bundle)


async def _output(argv: list[str], home: str, *handed: int) -> bytes:
    try:
        return await capture(
            argv,
            env={"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin"},
            cwd=home,
            patience=_PATIENCE,
            tell=partial(app_log.warning, "The update of a project says: %s"),
            keep_open=handed,
        )
    except TimedOut as error:
        raise LaunchFailed("Putting the project's files in place took too long.") from error
    except ProcessFailed as error:
        # what it printed says why
        return error.output
