"""Files that postBuild made in the repository's folder: kept with the environment.

With repo2docker they would be in the image beside the repository's own. Here they come with
each new project instead (:mod:`...storage.sync.made`). The script may have put anything there:
only plain files are taken, under no name that was there before.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from ...storage.trees import folders_in, remove_tree

_LEFT_OUT = {".git", "__pycache__"}


def files_in(repo: Path) -> frozenset[str]:
    """Relative names of the plain files in a repository's folder; follows no links."""
    found = set()
    for folder in folders_in(repo):
        above = PurePosixPath(folder.path)
        if not _LEFT_OUT.intersection(above.parts):
            found |= {str(above / entry.name) for entry in folder.entries if _is_plain(entry)}
    return frozenset(found)


def _is_plain(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)


def keep_made(repo: Path, before: frozenset[str], into: Path) -> int:
    """Move what is new in a repository's folder to another folder.

    Args:
        before: what :func:`files_in` said.
        into: where nothing of value is, on the same disk.

    Returns:
        How many files there were.
    """
    remove_tree(into)
    into.mkdir()
    made = files_in(repo) - before
    for name in made:
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (repo / name).rename(target)
    return len(made)
