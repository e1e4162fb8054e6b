"""A copy of everything that cannot be made again, taken while people work; and its return.

One archive of tar: `backup.json`, the databases, and all of the data directory that cannot be
made again. Environments, caches and fetched commits are left out: a launch makes them.

Databases are copied by SQLite's own online backup, which waits for nobody and is of one moment.
Files are read as they are at their turn: a file somebody writes at that moment may be caught
half written, as by any backup of a running machine; which these were is in the result. Folders
nested so deep that their path is longer than 3,800 bytes are left out.

GNU tar does the work: it knows hard links, holes, access lists and owners by number, and opens
everything relative to its folder and never through a link, whatever people do meanwhile.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core.errors import CannotStart
from ..core.layout import DataDirectory
from ..sqlite import unusable
from .trees import remove_tree

_FORMAT = 1
_ABOUT = "backup.json"
_MADE_AGAIN = ("cache", "environments", "offers", "repos", "run")
"""Offers name folders of this machine, which is another one where they are restored."""

_KEEP = ("--acls", "--xattrs", "--numeric-owner")
_CHANGED = 1
"""Status of tar when files changed while it read them."""

_LONGEST = 3800
_AS_IT_IS = (
    *("--ignore-failed-read", "--warning=no-file-ignored"),
    *("--anchored", "--wildcards", "--wildcards-match-slash", f"--exclude={'?' * _LONGEST}*"),
)
"""What somebody closed to themselves, or nested so deep that no path leads there and no tar could
put it back, must not keep everybody from having a backup."""
_WORDS = 400


def back_up(layout: DataDirectory, archive: Path) -> list[str]:
    """Write a backup of a data directory, also while it is in use.

    Args:
        archive: file to write; compressed if its name ends in `.gz`, `.xz` or `.zst`. Whoever
            reads it has everybody's files and the hub's secrets, so only we may.

    Returns:
        What tar said of files that changed meanwhile, or that it could not read.

    Raises:
        CannotStart: there is no data directory, a file of that name, or something cannot be read.
    """
    _check_ours(layout)
    if archive.exists():
        raise CannotStart("{archive} is there already. Choose another name.", archive=archive)
    draft = archive.with_name(f".making-{archive.name}")
    with TemporaryDirectory(prefix="binder-backup-", dir=archive.absolute().parent) as folder:
        staged = Path(folder)
        for database in (layout.hub_db, layout.binder_db):
            if database.exists():
                _copy_database(database, staged / database.name)
        about = {"format": _FORMAT, "made": time.time(), "root": os.geteuid() == 0}
        (staged / _ABOUT).write_text(json.dumps(about))
        kept = [path.name for path in layout.root.iterdir() if _is_kept(path.name, layout)]
        with _removed_if_not_done(draft):
            draft.unlink(missing_ok=True)
            os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            words = _tar(
                ["--create", "--file", str(draft), *_compression(archive), "--format=posix"],
                *["--sparse", *_AS_IT_IS],
                *["-C", str(staged), *sorted(p.name for p in staged.iterdir())],
                *["-C", str(layout.root), "--", *sorted(kept)],
            )
            draft.rename(archive)
    return words


def restore_backup(archive: Path, layout: DataDirectory) -> None:
    """Make a data directory of a backup, on this machine or another.

    Killed at any instant, there is no data directory, or the whole of it.

    Raises:
        CannotStart: the data directory has something in it, or this is not a backup for us.
    """
    root = layout.root
    if root.exists() and any(root.iterdir()):
        raise CannotStart(
            "{root} is not empty. Nothing is restored over what is there: choose a new directory"
            " with --data-dir, or move this one away.",
            root=root,
        )
    _check_backup(archive)
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = root.with_name(f".restoring-{root.name}")
    if draft.exists():
        remove_tree(draft)
    draft.mkdir(mode=0o700)
    with _removed_if_not_done(draft):
        _tar(["--extract", "--file", str(archive)], *["--preserve-permissions", "-C", str(draft)])
        (draft / _ABOUT).unlink()
        if root.exists():
            root.rmdir()
        draft.rename(root)


def _is_kept(name: str, layout: DataDirectory) -> bool:
    databases = (layout.hub_db.name, layout.binder_db.name)
    # Also their journals: the copies have everything in one file.
    return name not in _MADE_AGAIN and not name.startswith(databases)


def _check_ours(layout: DataDirectory) -> None:
    if not layout.secrets.is_dir():
        raise CannotStart(
            "{root} is no data directory of Binder@home. Give --data-dir.", root=layout.root
        )
    if os.geteuid() not in (0, layout.root.stat().st_uid):
        raise CannotStart(
            "{root} belongs to another user of this machine. Run as that.", root=layout.root
        )


def _check_backup(archive: Path) -> None:
    """Raises `CannotStart` unless this is a backup that we can put back."""
    read = subprocess.run(
        ["tar", "--extract", "--to-stdout", "--file", str(archive), "--occurrence=1", _ABOUT],
        capture_output=True,
        env=_environment(),
    )
    try:
        about = json.loads(read.stdout)
        known, root = about["format"] == _FORMAT, bool(about["root"])
    except (ValueError, KeyError, TypeError):
        detail = read.stderr.decode(errors="replace")
        raise CannotStart(
            "{archive} is no backup of Binder@home.", archive=archive, detail=detail
        ) from None
    if not known:
        raise CannotStart(
            "{archive} was made by another version of Binder@home, which can read it.",
            archive=archive,
        )
    if root and os.geteuid() != 0:
        raise CannotStart(
            "This backup was made by a hub that runs as root and gives every person a user id of"
            " their own, which only root can do. Restore it as root."
        )


def _copy_database(source: Path, target: Path) -> None:
    target.touch(mode=0o600)
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            said = new.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise CannotStart(unusable(source, str(error))) from error
    if said != "ok":
        raise CannotStart(unusable(source, said))


def _tar(mode: list[str], *arguments: str) -> list[str]:
    """Run tar; gives what it complained of that is no failure."""
    try:
        done = subprocess.run(
            ["tar", *mode, *_KEEP, *arguments], capture_output=True, env=_environment()
        )
    except FileNotFoundError as error:
        raise CannotStart("GNU tar is not installed: apt-get install -y tar") from error
    words = [line[:_WORDS] for line in done.stderr.decode(errors="replace").splitlines()]
    if done.returncode not in (0, _CHANGED):
        raise CannotStart("tar could not do it.", detail="\n".join(words[-20:]))
    return words


def _compression(archive: Path) -> list[str]:
    by_name = {".gz": "--gzip", ".xz": "--xz", ".zst": "--zstd"}
    return [by_name[archive.suffix]] if archive.suffix in by_name else []


def _environment() -> dict[str, str]:
    """Without what would change tar's options or its words."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


@contextmanager
def _removed_if_not_done(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        remove_tree(path)
        raise
