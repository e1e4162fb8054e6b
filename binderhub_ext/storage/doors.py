"""Who of the machine's other users gets into the data directory: nobody.

People's servers reach what is theirs without walking there: a sandbox or a container is handed
folders that were opened by whoever runs the Hub. So every folder directly in the data directory is
closed (0700), and it does not matter what modes there are further down, where environments, which
all people of a hub share, have to be readable for their user ids.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..core.layout import DataDirectory

_CLOSED, _PASSABLE = 0o700, 0o711


def close_doors(layout: DataDirectory) -> None:
    """Make what is missing in the data directory, and let nobody else in. Safe to repeat.

    What belongs to another user is left to them.

    Raises:
        OSError: something cannot be made.
    """
    for folder in layout.folders:
        folder.mkdir(mode=_CLOSED, parents=True, exist_ok=True)
    _set(_CLOSED, layout.folders)
    for database in (layout.hub_db, layout.binder_db):
        # SQLite gives its journals the mode of the database.
        _set(0o600, database.parent.glob(f"{database.name}*"))


def open_doors(layout: DataDirectory) -> None:
    """Let people's own user ids pass through, who without a sandbox have to walk to their files."""
    if os.geteuid() == 0:
        closed = (layout.secrets, layout.builds, layout.trash, layout.offers)
        _set(
            _PASSABLE, [layout.root, *(folder for folder in layout.folders if folder not in closed)]
        )


def _set(mode: int, paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(FileNotFoundError, PermissionError):
            if stat.S_IMODE(path.stat().st_mode) != mode:
                path.chmod(mode)
