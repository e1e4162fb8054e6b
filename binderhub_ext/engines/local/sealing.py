"""Seal the tree of a system, and share with a base what is the base's.

Usage, for a tree whose owner is not the Hub's user: python -m binderhub_ext.engines.local.sealing
TREE BASE
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from ...beneath import open_beneath
from ...storage.trees import folders_in
from .store import seal


def seal_system(tree: Path, base: Path | None) -> None:
    """Make a tree read-only and ours, without special modes, devices and sockets.

    Args:
        base: a sealed tree on the same disk; files that are the same become its.
    """
    seal(tree)
    if base:
        share(tree, base)


def share(tree: Path, base: Path) -> None:
    """Make files of a sealed tree links to the base's where they are the same.

    By size and time alone: whoever forges these gets the base's file.
    """
    for folder in folders_in(tree):
        with suppress(FileNotFoundError, NotADirectoryError):
            # Never through a link: many of a Debian tree's lead to places of this machine.
            origin = open_beneath(base, folder.path)
            try:
                _share(folder.descriptor, folder.entries, origin)
            finally:
                os.close(origin)


def _share(folder: int, entries: Iterator[os.DirEntry[str]], origin: int) -> None:
    link = uuid4().hex
    os.fchmod(folder, 0o755)
    for entry in entries:
        if not entry.is_file(follow_symlinks=False):
            continue
        with suppress(FileNotFoundError):
            theirs = os.stat(entry.name, dir_fd=origin, follow_symlinks=False)
            if _look(entry.stat(follow_symlinks=False)) == _look(theirs):
                os.link(entry.name, link, src_dir_fd=origin, dst_dir_fd=folder)
                os.rename(link, entry.name, src_dir_fd=folder, dst_dir_fd=folder)
    os.fchmod(folder, 0o555)


def _look(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_mode, status.st_size, status.st_mtime_ns


if __name__ == "__main__":
    seal_system(Path(sys.argv[1]), Path(sys.argv[2]))
