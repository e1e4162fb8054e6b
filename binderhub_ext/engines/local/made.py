"""Files that postBuild made in the repository's folder: kept with the environment.

With repo2docker they would be in the image beside the repository's own. Here they come with
each new project instead (:mod:`...storage.sync.made`). The script may have put anything there:
only plain files are taken, under no name that was there before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ...storage.beneath import beneath
from ...storage.trees import DEEPEST, Folder, folders_beneath, remove_tree

_NOT_KEPT = frozenset({".git", "__pycache__"})


def files_in(repo: Path) -> frozenset[str]:
    """Relative names of the plain files in a repository's folder; follows no links.

    Raises:
        TooDeep: folders are nested too deep.
    """
    return frozenset(_name(folder, name) for folder in _kept(repo) for name in _plain(folder))


def keep_made(repo: Path, before: frozenset[str], into: Path) -> int:
    """Move what is new in a repository's folder to another folder.

    Args:
        before: what :func:`files_in` said.
        into: where nothing of value is, on the same disk; nobody else can write there.

    Returns:
        How many files there were.

    Raises:
        TooDeep: folders are nested too deep.
    """
    remove_tree(into)
    into.mkdir()
    count = 0
    for folder in _kept(repo):
        names = [name for name in _plain(folder) if _name(folder, name) not in before]
        if names:
            with beneath(into, folder.path, create=True) as target:
                for name in names:
                    os.rename(name, name, src_dir_fd=folder.descriptor, dst_dir_fd=target)
        count += len(names)
    return count


def _kept(repo: Path) -> Iterator[Folder]:
    for folder in folders_beneath(repo, deepest=DEEPEST):
        if _NOT_KEPT.isdisjoint(PurePosixPath(folder.path).parts):
            yield folder


def _plain(folder: Folder) -> list[str]:
    return [entry.name for entry in folder.entries if entry.is_file(follow_symlinks=False)]


def _name(folder: Folder, name: str) -> str:
    return str(PurePosixPath(folder.path, name))
