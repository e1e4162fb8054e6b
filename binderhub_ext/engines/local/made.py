"""Files that postBuild made in the repository's folder: kept with the environment.

With repo2docker they would be in the image beside the repository's own. Here they come with
each new project instead (:mod:`...storage.sync.made`). The script may have put anything there:
only plain files are taken, under no name that was there before.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .store import remove_anything


def files_in(repo: Path) -> frozenset[str]:
    """Relative names of the plain files in a repository's folder; follows no links."""
    found = set()
    for path, folders, names in os.walk(repo):
        folders[:] = [name for name in folders if name not in (".git", "__pycache__")]
        for file in (Path(path, name) for name in names):
            if stat.S_ISREG(file.lstat().st_mode):
                found.add(str(file.relative_to(repo)))
    return frozenset(found)


def keep_made(repo: Path, before: frozenset[str], into: Path) -> int:
    """Move what is new in a repository's folder to another folder.

    Args:
        before: what :func:`files_in` said.
        into: where nothing of value is, on the same disk.

    Returns:
        How many files there were.
    """
    remove_anything(into)
    into.mkdir()
    made = files_in(repo) - before
    for name in made:
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (repo / name).rename(target)
    return len(made)
