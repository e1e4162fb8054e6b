"""What people delete: gone for the eye at once, kept for a set time, brought back on request.

    trash/<id>/about.json    whose it is and where it was; written first
    trash/<id>/content       the folder itself, moved here in one step
    trash/<id>/old           when it was first found to be kept long enough
    trash/<id>/doomed        the content once its time is over, so that no half of it is restored

Killed at any instant, a thing is either where it was or whole in the trash. The moves are
relative to open descriptors and follow no link, so whatever a person swaps meanwhile, only
something of that very folder of theirs is moved.
"""

from __future__ import annotations

import errno
import json
import math
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from secrets import token_hex

from ..beneath import beneath, exists_beneath, open_beneath, read_beneath, write_beneath
from ..core.errors import BinderError, Conflict, NoSpace, NotFound
from ..core.layout import DataDirectory
from ..housekeeping import alone
from .sync.files import move
from .trees import remove_beneath
from .usage import forget_usage, last_usage

_ABOUT, _CONTENT, _DOOMED, _OLD = "about.json", "content", "doomed", "old"
_ABANDONED = 24 * 3600.0
_SURE = 20 * 3600.0
"""Seconds between two looks that both have to find something old."""


@dataclass(frozen=True)
class Trashed:
    """Something in the trash.

    Attributes:
        id: its name in the trash.
        owner: the person who may restore it.
        place: name of the directory below the data directory it was in (`homes`, `volumes`).
        path: where it was, relative to that; what a person knows it by is its last parts.
        time: when it was deleted, in seconds since 1970.
        bytes: what it took when it was last measured; `None` if it never was.
        part_of: id of what it goes and comes back with, or empty.
    """

    id: str
    owner: str
    place: str
    path: str
    time: float
    bytes: int | None = None
    part_of: str = ""


def move_to_trash(
    layout: DataDirectory,
    root: Path,
    path: PurePosixPath,
    *,
    owner: str,
    now: float,
    part_of: str = "",
) -> Trashed:
    """Delete a project or a volume.

    Args:
        root: a directory directly below the data directory, such as `layout.homes`.
        path: the folder, relative to `root`.
        owner: the person who may restore it.
        now: seconds since 1970.
        part_of: what it goes with (:attr:`Trashed.part_of`).

    Raises:
        NotFound: it is not there, or is no folder.
        NoSpace: not even the note of whose it was can be written.
        BinderError: the trash is on another file system.
    """
    id, known = f"{int(now)}-{token_hex(6)}", last_usage(layout, root, path)
    size = known.bytes if known else None
    thing = Trashed(id, owner, root.name, str(path), now, size, part_of)
    try:
        layout.trash.mkdir(mode=0o700, parents=True, exist_ok=True)
        with beneath(root, path.parent) as parent:
            os.close(open_beneath(parent, path.name))
            with beneath(layout.trash, thing.id, create=True, mode=0o700) as entry:
                write_beneath(entry, _ABOUT, json.dumps(asdict(thing)).encode(), 0o600)
                os.rename(path.name, _CONTENT, src_dir_fd=parent, dst_dir_fd=entry)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound("There is no folder {name} (any more).", name=path.name) from error
    except OSError as error:
        raise _explained(error) from error
    forget_usage(layout, root, path)
    return thing


def list_trash(layout: DataDirectory, owner: str | None = None) -> list[Trashed]:
    """What can be restored, by one person or by all; the latest first."""
    things = (thing for thing in map(_read, _entries(layout)) if thing)
    kept = [
        thing
        for thing in things
        if owner in (None, thing.owner) and exists_beneath(layout.trash, f"{thing.id}/{_CONTENT}")
    ]
    return sorted(kept, key=lambda thing: thing.time, reverse=True)


def restore(layout: DataDirectory, id: str, owner: str) -> PurePosixPath:
    """Put something back where it was.

    Returns:
        Where it is now, relative to the place it was deleted from.

    Raises:
        NotFound: this person has nothing of that id in the trash.
        Conflict: something else is there now.
    """
    thing = next((each for each in list_trash(layout, owner) if each.id == id), None)
    if thing is None:
        raise NotFound("That is not in the trash any more.")
    path = PurePosixPath(thing.path)
    try:
        with beneath(layout.trash, thing.id) as entry:
            parent = _open_parent(layout.root / thing.place, path)
            try:
                move(entry, _CONTENT.encode(), parent, os.fsencode(path.name))
            finally:
                os.close(parent)
    except (FileExistsError, NotADirectoryError) as error:
        raise Conflict(
            "Something else is at {path} now. Rename it, then restore again.", path=path
        ) from error
    except FileNotFoundError as error:
        raise NotFound("That is not in the trash any more.") from error
    with suppress(OSError):
        _discard(layout, thing.id)
    return path


def doom(layout: DataDirectory, id: str, owner: str) -> None:
    """Let something never be restored again; the next emptying removes it from the disk.

    Raises:
        NotFound: this person has nothing of that id in the trash.
    """
    things = list_trash(layout, owner)
    if id not in (thing.id for thing in things):
        raise NotFound("That is not in the trash any more.")
    for thing in things:
        if id in (thing.id, thing.part_of):
            _doom(layout, thing)


def doom_old(layout: DataDirectory, before: float, now: float) -> list[Trashed]:
    """Let nothing be restored any more that was deleted before a time; gives what that is.

    Call it every day: only what an earlier look, long enough ago, found as old is taken. So a clock
    that goes wrong and is set right within a day takes nobody's files.

    Args:
        before: seconds since 1970.
        now: likewise.
    """
    doomed = []
    for thing in list_trash(layout):
        with alone(f"Emptying the trash of {thing.path} of {thing.owner}"):
            if _is_surely_old(layout, thing, before, now):
                _doom(layout, thing)
                doomed.append(thing)
    return doomed


def empty_trash(layout: DataDirectory, now: float) -> None:
    """Remove from the disk what nobody can restore; what cannot be removed is told in the log."""
    kept = {thing.id for thing in list_trash(layout)}
    for name in sorted({entry.name for entry in _entries(layout)} - kept):
        with alone(f"Removing {name} from the trash"):
            _discard(layout, name, now - _ABANDONED)


def _is_surely_old(layout: DataDirectory, thing: Trashed, before: float, now: float) -> bool:
    mark = f"{thing.id}/{_OLD}"
    if thing.time >= before:
        remove_beneath(layout.trash, mark)
        return False
    try:
        first = float(read_beneath(layout.trash, mark))
    except (FileNotFoundError, ValueError):
        first = math.inf
    if first > now:
        write_beneath(layout.trash, mark, str(now).encode(), 0o600)
    return first <= now - _SURE


def _doom(layout: DataDirectory, thing: Trashed) -> None:
    with suppress(OSError), beneath(layout.trash, thing.id) as entry:
        os.rename(_CONTENT, _DOOMED, src_dir_fd=entry, dst_dir_fd=entry)


def _open_parent(root: Path, path: PurePosixPath) -> int:
    """The folder something was in, made again for its owner if it is gone."""
    top, *_ = path.parts
    with beneath(root, top if len(path.parts) > 1 else ".") as directory:
        status = os.fstat(directory)
    owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
    return open_beneath(root, path.parent, create=True, owner=owner)


def _entries(layout: DataDirectory) -> list[Path]:
    return list(layout.trash.iterdir()) if layout.trash.is_dir() else []


def _read(entry: Path) -> Trashed | None:
    try:
        return Trashed(**json.loads(read_beneath(entry.parent, f"{entry.name}/{_ABOUT}")))
    except (OSError, ValueError, TypeError):
        return None


def _discard(layout: DataDirectory, name: str, before: float = math.inf) -> None:
    """Remove an entry that has no content; a young one may be about to get it."""
    doomed = exists_beneath(layout.trash, f"{name}/{_DOOMED}")
    with suppress(FileNotFoundError):
        if not doomed and (layout.trash / name).lstat().st_mtime > before:
            return
    if exists_beneath(layout.trash, f"{name}/{_CONTENT}"):
        return
    if not remove_beneath(layout.trash, name):
        raise OSError(errno.ENOTEMPTY, "Not all of it could be removed")


def _explained(error: OSError) -> BinderError:
    if error.errno == errno.EXDEV:
        return BinderError(
            "The trash is on another disk than the folder, so it was not deleted. "
            "The administrator has to put both on one file system."
        )
    if NoSpace.caused(error):
        return NoSpace(
            "The disk is so full that nothing can be moved to the trash. Open a server and delete"
            " files there, or delete for good what is in your trash."
        )
    return BinderError("The folder could not be moved to the trash.", detail=str(error))
