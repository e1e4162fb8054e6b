"""Limits the file system itself keeps: project quotas of ext4 and XFS, set by a Hub that is root.

A folder and all in it belong to a project by a number, which whatever is made there inherits; the
kernel counts what they take and refuses more. A person's number is their uid, a volume's its gid.
Structures and numbers are those of `linux/fs.h` (`struct fsxattr`) and `linux/quota.h`
(`struct if_dqblk`); `quotactl_fd` came with Linux 5.14.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ..beneath import beneath, open_file
from ..core.layout import DataDirectory
from ..core.volumes import Volume
from .space import Limits
from .trees import folders_beneath

_GET_ATTRIBUTES, _SET_ATTRIBUTES = 0x801C581F, 0x401C5820
_ATTRIBUTES = struct.Struct("=5I8s")
_INHERIT = 0x200

_QUOTACTL_FD = 443
_SET_QUOTA = (0x800008 << 8) | 2
_QUOTA = struct.Struct("=8QI4x")
_BLOCK_LIMITS = 1
_BLOCK = 1024


def keep_limits(
    layout: DataDirectory, user: str, volumes: Iterable[Volume], limits: Limits
) -> None:
    """Have the kernel keep a person's limit and those of volumes, where it can.

    Does nothing for a Hub that is not root, or where the file system has no project quotas.

    Raises:
        OSError: the kernel refused.
    """
    if os.geteuid() != 0 or not has_project_quotas(layout.root):
        return
    home = layout.home(user)
    person = home.lstat().st_uid if home.is_dir() else 0
    for root in (layout.homes, layout.states):
        with suppress(FileNotFoundError):
            keep_limit(root, PurePosixPath(home.name), person, limits.home)
    for volume in volumes:
        keep_limit(layout.volumes, PurePosixPath(volume.id), volume.gid, limits.volume)


def has_project_quotas(folder: Path) -> bool:
    """Whether the file system of a folder is mounted with project quotas."""
    status = folder.stat()
    device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
    with Path("/proc/self/mountinfo").open() as mounts:
        return any(
            line.split()[2] == device and "prjquota" in line.split()[-1].split(",")
            for line in mounts
        )


def keep_limit(root: Path, path: PurePosixPath, project: int, size: int) -> None:
    """Limit a folder with all in it; follows no link.

    Args:
        root: a folder of ours.
        path: below it.
        project: the folder's number; with 0, which everything has at first, nothing is done.
        size: bytes; 0 for no limit.
    """
    if not project:
        return
    with beneath(root, path) as folder:
        if _project(folder) != (project, _INHERIT):
            if not size:
                return
            _assign_all(folder, project)
        _limit(folder, project, size)


def count_with(folder: int, other: int) -> None:
    """Have a folder and all in it counted with another one, into which it could not be moved else.

    Does nothing for who is not root, or where the file system counts nothing.
    """
    try:
        project, inherits = _project(other)
    except OSError:
        return
    if inherits and os.geteuid() == 0:
        _assign_all(folder, project)


def _assign_all(folder: int, project: int) -> None:
    """The folder itself comes last: if that is done, all is."""
    for number, inside in enumerate(folders_beneath(folder)):
        for entry in inside.entries:
            # Links, pipes and devices take no room, and cannot be opened safely.
            with suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    _assign_file(inside.descriptor, os.fsencode(entry.name), project)
        if number:
            _assign(inside.descriptor, project, _INHERIT)
    _assign(folder, project, _INHERIT)


def _assign_file(folder: int, name: bytes, project: int) -> None:
    descriptor = open_file(folder, name)
    try:
        _assign(descriptor, project, 0)
    finally:
        os.close(descriptor)


def _project(descriptor: int) -> tuple[int, int]:
    flags, _, _, project, _, _ = _ATTRIBUTES.unpack(_read(descriptor))
    return project, flags & _INHERIT


def _assign(descriptor: int, project: int, inherit: int) -> None:
    flags, extent, count, _, hint, rest = _ATTRIBUTES.unpack(_read(descriptor))
    wanted = _ATTRIBUTES.pack(flags | inherit, extent, count, project, hint, rest)
    fcntl.ioctl(descriptor, _SET_ATTRIBUTES, wanted)


def _read(descriptor: int) -> bytes:
    return fcntl.ioctl(descriptor, _GET_ATTRIBUTES, bytes(_ATTRIBUTES.size))


def _limit(descriptor: int, project: int, size: int) -> None:
    """Set how much a project may take; the file system is that of the open folder."""
    blocks = -(-size // _BLOCK)
    wanted = _QUOTA.pack(blocks, 0, 0, 0, 0, 0, 0, 0, _BLOCK_LIMITS)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(_QUOTACTL_FD, descriptor, _SET_QUOTA, project, wanted):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
