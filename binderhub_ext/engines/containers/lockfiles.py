"""A repository's lock file for a build of a container image.

Its lines are put beside the repository's files, in a folder that is named by what is in it, so
that the container engine finds the layer again that was made of them.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from ...core.errors import BuildFailed
from ...core.locks import Lock, find_lock
from ..configuration import reader
from ..detect import Detection
from .order import LockedPackages

ASKED, LIMITS = "requirements.txt", "constraints.txt"


def place_lock(context: Path, detection: Detection) -> LockedPackages | None:
    """Put the lines of a lock into the folder of a build, if its packages come from one.

    Args:
        context: a folder of the build alone, with files of a repository, in which nothing runs.

    Raises:
        BuildFailed: something of the repository is in the way.
    """
    lock = find_lock(detection.binder_dir, reader(context)) if detection.lock else None
    if lock is None:
        return None
    files = {ASKED: lock.locked.asked, LIMITS: lock.locked.limits}
    texts = {name: "".join(f"{line}\n" for line in lines) for name, lines in files.items()}
    folder = f"binder-lock-{sha256(repr(texts).encode()).hexdigest()[:16]}"
    try:
        (context / folder).mkdir()
    except FileExistsError as error:
        raise BuildFailed(
            "The repository has a folder {folder}, which builds make. Remove it.", folder=folder
        ) from error
    for name, text in texts.items():
        path = context / folder / name
        path.write_text(text)
        os.utime(path, (0, 0))
    return LockedPackages(folder, detection.python, _versions(lock, detection))


def _versions(lock: Lock, detection: Detection) -> str:
    """What Python has to be, where nothing in the repository names a version."""
    return "" if detection.runtime else lock.python or lock.locked.python
