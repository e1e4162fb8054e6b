"""Folders of the home for which an image wants volumes of its own (`VOLUME` in a Dockerfile).

Docker would put a new, empty volume over what the person has there, and remove it with the
container, with all that was written. So the person's own folder is mounted there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from posixpath import normpath

from ...core.launch import Access
from ...storage.mounts import Mount


def own_folders(volumes: Iterable[str], mounts: Sequence[Mount], home: str) -> tuple[Mount, ...]:
    """Mounts in place of an image's volumes.

    Args:
        volumes: paths as the image has them: whoever made it wrote anything.
        mounts: what a server sees, outermost first; the first is the home.
        home: where that is.
    """
    folders: list[Mount] = []
    for volume in sorted(PurePosixPath(normpath(f"/{one.lstrip('/')}")) for one in volumes):
        if not volume.is_relative_to(home):
            continue
        target = volume.relative_to(home)
        around = [mount for mount in (*mounts, *folders) if target.is_relative_to(mount.target)]
        inmost = max(around, key=lambda mount: len(mount.target.parts))
        if inmost.target != target and inmost.access is Access.RW:
            path = inmost.path / target.relative_to(inmost.target)
            folders.append(replace(inmost, path=path, target=target))
    return tuple(folders)
