"""The projects in a person's home: found, deleted and brought back.

A project is what a launch would make: a folder of that form below `~/projects`. What else a
person keeps there is theirs to order and is not listed. Its private state (`states/`) goes to
the trash and comes back with it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from itertools import islice
from pathlib import PurePosixPath

from ..beneath import beneath, lstat_beneath
from ..core.errors import BinderError, NotFound
from ..core.folders import is_of_a_folder
from ..core.layout import DataDirectory
from ..core.projects import PROJECTS, folder_depth, is_project_folder
from .trash import Trashed, list_trash, move_to_trash, restore
from .usage import forget_usage, home_places

_MOST = 2000
"""Folders looked at on one level: somebody may have made a million of them."""


def list_projects(layout: DataDirectory, user: str) -> list[str]:
    """The projects of a person, relative to their home; blocks for as long as the disk takes."""
    projects: list[str] = []
    for first in _folders(layout, user, PROJECTS):
        paths = [f"{PROJECTS}/{first}"]
        for _ in range(folder_depth(first) - 1):
            below = ((path, name) for path in paths for name in _folders(layout, user, path))
            paths = [f"{path}/{name}" for path, name in islice(below, _MOST)]
        # Where a folder of the machine appears is an empty place, and no project.
        projects += (path for path in paths if is_project_folder(path) and not is_of_a_folder(path))
        if len(projects) >= _MOST:
            break
    return sorted(projects)


def check_project(layout: DataDirectory, user: str, path: str) -> None:
    """Raises `NotFound` unless a person has a project there."""
    if is_of_a_folder(path):
        raise NotFound(
            "That is a folder of your own machine. It is where it always was: nothing here zips,"
            " moves or deletes it."
        )
    if not has_project(layout, user, path):
        raise NotFound("There is no such project in your files (any more).")


def has_project(layout: DataDirectory, user: str, path: str) -> bool:
    """Whether a person has a project there."""
    if is_of_a_folder(path) or not is_project_folder(path):
        return False
    status = lstat_beneath(layout.homes, place_of(layout, user, path))
    return status is not None and stat.S_ISDIR(status.st_mode)


def place_of(layout: DataDirectory, user: str, path: str) -> PurePosixPath:
    """Where a project is, relative to the homes."""
    return PurePosixPath(layout.home(user).name, path)


def delete_project(layout: DataDirectory, user: str, path: str, now: float) -> Trashed:
    """Move a project with its private state to the trash.

    Raises:
        NotFound: there is no such project.
        BinderError: it cannot be moved; nothing has changed.
    """
    check_project(layout, user, path)
    place = place_of(layout, user, path)
    thing = move_to_trash(layout, layout.homes, place, owner=user, now=now)
    state = PurePosixPath(layout.state(user, path).relative_to(layout.states))
    # The state alone loses nothing: it is found again when the project is launched again.
    with suppress(BinderError):
        move_to_trash(layout, layout.states, state, owner=user, now=now, part_of=thing.id)
    _forget(layout, user)
    return thing


def restore_project(layout: DataDirectory, user: str, id: str) -> str:
    """Put a project back with its private state.

    Returns:
        Where it is, relative to the home.

    Raises:
        NotFound: this person has no project of that id in the trash.
        Conflict: something else is there now.
    """
    things = list_trash(layout, user)
    if not any(t.id == id and t.place == layout.homes.name for t in things):
        raise NotFound("That is not in the trash any more.")
    path = restore(layout, id, user)
    for part in things:
        if part.part_of == id:
            # A launch meanwhile made a new one, which is then the one that is used.
            with suppress(BinderError):
                restore(layout, part.id, user)
    _forget(layout, user)
    return str(PurePosixPath(*path.parts[1:]))


def _forget(layout: DataDirectory, user: str) -> None:
    for root, path in home_places(layout, user):
        forget_usage(layout, root, path)


def _folders(layout: DataDirectory, user: str, path: str) -> list[str]:
    """Names of folders, as far as they are not hidden; links are none."""
    place = place_of(layout, user, path)
    try:
        with beneath(layout.homes, place) as folder, os.scandir(folder) as entries:
            names = [
                entry.name
                for entry in islice(entries, _MOST)
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
            ]
    except (OSError, ValueError):
        return []
    return names
