"""What an administrator says about room, and whether there is any: for Hub and service alike."""

from __future__ import annotations

import os
from dataclasses import dataclass

from traitlets import Integer
from traitlets.config import Configurable

from ..core.layout import DataDirectory
from ..core.sentences import NOTHING, Sentence
from ..core.space import FULL, HOME_FULL, Taken, over_words
from ..traits import Bytes
from .usage import Usage, last_home_usage

_LEAST = 1 << 20
"""Bytes a home needs for a start that writes as usual."""


@dataclass(frozen=True)
class Limits:
    """The administrator's figures.

    Attributes:
        home: bytes of one person's home; 0 for no limit.
        volume: bytes of one volume; 0 for no limit.
        reserve: bytes of the disk that are left free.
    """

    home: int = 0
    volume: int = 0
    reserve: int = 0

    def of_home(self, usage: Usage | None) -> Taken:
        """A home against its limit."""
        return Taken(usage.bytes if usage else None, self.home)

    def of_volume(self, usage: Usage | None) -> Taken:
        """A volume against its limit."""
        return Taken(usage.bytes if usage else None, self.volume)


class Space(Configurable):
    """How much room homes and volumes may take. Set it where both Hub and service read it."""

    home_limit = Bytes(
        help="""Bytes a person's files may take, such as `20G`, with what projects keep in a home.
        Checked at each launch: over it servers start, but nothing new is put into them. Programs
        that write are stopped by it only where the Hub is root and the data directory's disk
        (ext4, XFS) is mounted with project quotas (`prjquota`). Default: no limit.""",
    ).tag(config=True)

    volume_limit = Bytes(
        help="""Bytes one group or shared volume should take, such as `100G`; over it whoever
        mounts it is told at each start; a disk keeps it as for homes. Default: no limit.""",
    ).tag(config=True)

    reserve = Bytes(
        "256M",
        help="""Bytes of the data directory's disk that launches leave free (default `256M`), so
        that with the rest of it servers can still start and files be deleted.""",
    ).tag(config=True)

    upload_limit = Bytes(
        "2G",
        help="""Bytes of one file that is uploaded on the page *Files* (default `2G`); 0: nobody
        uploads there. Where a proxy in front of the hub has a limit of its own, that one counts
        too.""",
    ).tag(config=True)

    trash_days = Integer(
        30,
        min=1,
        help="""Days after which what people deleted is removed for good (default 30). Until then
        it takes room on the disk, but not of a person's limit.""",
    ).tag(config=True)

    def limits(self) -> Limits:
        """The settings as figures."""
        return Limits(self.home_limit, self.volume_limit, self.reserve)


def no_room(layout: DataDirectory, user: str, limits: Limits) -> Sentence:
    """Why nothing new should be put into a person's files, in words; empty if there is room.

    By what was measured last; asks the disk, measures nothing.
    """
    if words := over_words(limits.of_home(last_home_usage(layout, user))):
        return words
    if is_full(layout, limits.reserve):
        return FULL
    home = layout.home(user)
    # A quota of the file system that is reached shows as a disk that is full, for this folder.
    full = home.is_dir() and _free(os.statvfs(home)) < _LEAST
    return HOME_FULL if full else NOTHING


def is_full(layout: DataDirectory, reserve: int) -> bool:
    """Whether less than `reserve` bytes, or no file at all, can be added to the disk."""
    disk = os.statvfs(layout.root)
    return _free(disk) < reserve or bool(disk.f_files and not disk.f_favail)


def _free(disk: os.statvfs_result) -> int:
    return disk.f_bavail * disk.f_frsize
