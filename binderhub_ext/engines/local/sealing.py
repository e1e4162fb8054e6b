"""Seal environments and the trees of systems; share with a base what is the base's.

Usage, for a system whose owner is not the Hub's user: python -m binderhub_ext.engines.local.sealing
TREE BASE
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from ...beneath import open_beneath
from ...storage.trees import folders_in, set_mode

_INHERITED = "system.posix_acl_default"
"""Rights that whatever is made in a folder later would get: our own notes, too."""


def seal(environment: Path) -> tuple[int, int]:
    """Make a built environment read-only, readable by everyone, and nobody else's.

    What a build put there other than files, folders and links is removed.

    Returns:
        Bytes on disk, and those of them shared with no other environment or cache.
    """
    size = own = 0
    for folder in folders_in(environment, force=True):
        for entry in folder.entries:
            if not entry.is_dir(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                size += status.st_blocks * 512
                own += status.st_blocks * 512 if status.st_nlink == 1 else 0
                _seal_file(folder.descriptor, entry.name, status)
        status = os.fstat(folder.descriptor)
        size += status.st_blocks * 512
        own += status.st_blocks * 512
        if not _is_ours(status):
            os.fchown(folder.descriptor, os.geteuid(), os.getegid())
        with suppress(OSError):  # there is none, or the disk knows none
            os.removexattr(folder.descriptor, _INHERITED)
        if stat.S_IMODE(status.st_mode) != 0o555:
            os.fchmod(folder.descriptor, 0o555)
    return size, own


def _is_ours(status: os.stat_result) -> bool:
    return (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())


def _seal_file(folder: int, name: str, status: os.stat_result) -> None:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)):
        os.unlink(name, dir_fd=folder)
        return
    if not _is_ours(status):
        owner = (os.geteuid(), os.getegid())
        os.chown(name, *owner, dir_fd=folder, follow_symlinks=False)
    wanted = _sealed(status)
    if stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) != wanted:
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            set_mode(handle, wanted)
        finally:
            os.close(handle)


def _sealed(status: os.stat_result) -> int:
    """Mode that a file gets."""
    return 0o555 if status.st_mode & 0o100 else 0o444


def seal_system(tree: Path, base: Path | None) -> None:
    """Make a tree read-only and ours, without special modes, devices and sockets.

    Args:
        base: a sealed tree on the same disk; files that are the same become its.
    """
    # What is shared is sealed, and most of a tree is.
    if base:
        share(tree, base)
    seal(tree)


def share(tree: Path, base: Path) -> None:
    """Make files of a tree links to the base's where, once sealed, they would be the same.

    By size and time alone: whoever forges these gets the base's file.
    """
    for folder in folders_in(tree, force=True):
        with suppress(FileNotFoundError, NotADirectoryError):
            # Never through a link: many of a Debian tree's lead to places of this machine.
            origin = open_beneath(base, folder.path)
            try:
                _share(folder.descriptor, folder.entries, origin)
            finally:
                os.close(origin)


def _share(folder: int, entries: Iterator[os.DirEntry[str]], origin: int) -> None:
    link = uuid4().hex
    for entry in entries:
        if not entry.is_file(follow_symlinks=False):
            continue
        with suppress(FileNotFoundError):
            theirs = os.stat(entry.name, dir_fd=origin, follow_symlinks=False)
            own = entry.stat(follow_symlinks=False)
            look = stat.S_IFREG | _sealed(own), own.st_size, own.st_mtime_ns
            if look == (theirs.st_mode, theirs.st_size, theirs.st_mtime_ns):
                os.link(entry.name, link, src_dir_fd=origin, dst_dir_fd=folder)
                os.rename(link, entry.name, src_dir_fd=folder, dst_dir_fd=folder)


if __name__ == "__main__":
    seal_system(Path(sys.argv[1]), Path(sys.argv[2]))
