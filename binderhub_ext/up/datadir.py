"""The data directory of `up`: where it is, what modes it has, and who may use it now.

Nobody else on the machine gets into it (:mod:`..storage.doors`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import CannotStart
from ..core.layout import DataDirectory
from ..housekeeping import tidy_away
from ..locks import held_if_free
from ..storage.doors import close_doors


def default_data_dir() -> Path:
    """`/var/lib/binder-at-home` for root, the XDG data directory for everybody else."""
    if os.geteuid() == 0:
        return Path("/var/lib/binder-at-home")
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local/share") / (
        "binder-at-home"
    )


def prepare(root: Path) -> DataDirectory:
    """Make the data directory or check the one that is there. Safe to repeat.

    Raises:
        CannotStart: the directory is something else's, somebody else's, or cannot be made.
    """
    layout = DataDirectory(root)
    try:
        _check_ours(layout)
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)
        close_doors(layout)
        for database in (layout.hub_db, layout.binder_db):
            database.touch(mode=0o600)
    except OSError as error:
        raise CannotStart(
            "The data directory {root} cannot be used: {strerror}."
            " Choose another one with --data-dir.",
            root=root,
            strerror=error.strerror or error,
        ) from error
    return layout


def _check_ours(layout: DataDirectory) -> None:
    if "?" in str(layout.root) or "#" in str(layout.root):
        raise CannotStart(
            "The data directory {root} has a '?' or '#' in its path, which database URLs"
            " do not allow. Choose another one with --data-dir.",
            root=layout.root,
        )
    if not layout.root.exists():
        return
    if layout.root.stat().st_uid != os.geteuid():
        raise CannotStart(
            "The data directory {root} belongs to another user of this machine."
            " Run as that user, or choose another directory with --data-dir.",
            root=layout.root,
        )
    if not layout.secrets.is_dir() and any(layout.root.iterdir()):
        raise CannotStart(
            "{root} has other files in it and is not a data directory of Binder@home."
            " Choose an empty or a new directory with --data-dir.",
            root=layout.root,
        )


@contextmanager
def in_use(layout: DataDirectory) -> Iterator[None]:
    """Hold the data directory; nobody else can at the same time.

    The kernel lets go when the process ends, however it ends.

    Raises:
        CannotStart: another process holds it.
    """
    with held_if_free(layout.root) as free:
        if not free:
            raise CannotStart(
                "Binder@home is already running with the data directory {root}"
                "{who}. Use that one, stop it first, or choose another directory with"
                " --data-dir.",
                root=layout.root,
                who=_who(layout),
            )
        yield


def clear_run(layout: DataDirectory) -> None:
    """Remove what belonged to processes, once all of them have been stopped."""
    tidy_away(layout.run)


def hub_pid_file(layout: DataDirectory) -> Path:
    return layout.run / "hub.pid"


def proxy_pid_file(layout: DataDirectory) -> Path:
    return layout.run / "proxy.pid"


def _who(layout: DataDirectory) -> str:
    try:
        return f" (process {int(hub_pid_file(layout).read_text())})"
    except (OSError, ValueError):
        return ""
