"""The volumes there are: one folder each, and beside its files what it is. The one truth.

    volumes/<id>/volume.json    name, owner and who has access; only we read and write it
    volumes/<id>/files/         what servers see

Who may use a volume is written here, by names of people and of the Hub's groups, and judged by
the Hub's own process at every start with the groups the person has then. So nothing that was
signed or remembered earlier gives access, and the service needs no right over the Hub's groups
(`admin:groups` cannot be limited to some, and whoever has it can make anybody an administrator).

Files made by different members stay usable by all: the folder is setgid, its group is the
volume's own, and a default ACL gives that group all rights on whatever is made in it, whatever
umask the program that makes it has. Members get the group at the start of their server, for
reading too; that a reader writes nothing is the kernel's doing (a read-only mount).
"""

from __future__ import annotations

import errno
import json
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import Any

from ..beneath import beneath, read_beneath, write_beneath
from ..core.errors import NotFound
from ..core.launch import Access
from ..core.layout import DataDirectory
from ..core.volumes import (
    GroupVolume,
    Kind,
    Placed,
    Volume,
    check_free,
    check_name,
    without_member,
)
from ..locks import held
from .mounts import Mount
from .trash import Trashed, list_trash, move_to_trash, restore
from .volumenames import check_never_anothers, give_up

FILES = "files"
FIRST_GID = 3_000_000
"""Far from the uids people get, which are gids too."""

_ABOUT = "volume.json"
_COUNTER = ".last-gid"
_DRAFT = ".making-"
_PASSABLE, _MEMBERS = 0o711, 0o2770
_ABOUT_MAX = 1 << 20


@dataclass(frozen=True)
class VolumeStore:
    """The volumes of a data directory. Every method blocks for as long as the disk takes."""

    layout: DataDirectory

    def all(self) -> list[Volume]:
        """Every volume, by name."""
        volumes = [self._read(path.name) for path in self._folders()]
        return sorted((v for v in volumes if v), key=lambda volume: (volume.name, volume.id))

    def get(self, id: str) -> Volume:
        """One volume.

        Raises:
            NotFound: none has this id.
        """
        volume = self._read(id) if id.isalnum() else None
        if volume is None:
            raise NotFound("There is no such volume, or it is not yours.")
        return volume

    def create(self, name: str, owner: str, now: float) -> Volume:
        """Make a shared volume.

        Raises:
            BadLink: it cannot be called that.
            Conflict: another one is, or somebody else's was.
        """
        check_name(name)
        with self._changing():
            self._check_free(name, owner)
            return self._make(Volume(token_hex(6), name, Kind.SHARED, owner, made=now))

    def change(self, id: str, change: Callable[[Volume], Volume]) -> Volume:
        """Replace what a volume is by what a function makes of it.

        Raises:
            NotFound: it is gone.
            Conflict: another one has the new name, or somebody else's had it.
        """
        with self._changing():
            old = self.get(id)
            new = change(old)
            if new.name != old.name:
                self._check_free(check_name(new.name), new.owner)
                give_up(self.layout.volumes, old)
            if new != old:
                self._write(new)
            return new

    def forget_member(self, user: str, before: float) -> list[Volume]:
        """Put out somebody who was let in before a moment, in seconds since 1970.

        Returns:
            The volumes of which that was so.
        """

        def is_old(volume: Volume) -> bool:
            return volume.added.get(user, before) < before

        if not any(map(is_old, self.all())):
            return []
        with self._changing():
            volumes = list(filter(is_old, self.all()))
            for volume in volumes:
                self._write(without_member(volume, user))
        return volumes

    def owned_before(self, user: str, before: float) -> list[Volume]:
        """Volumes that were somebody's by name before a moment, in seconds since 1970."""
        return [volume for volume in self.all() if volume.owner == user and volume.made < before]

    def ensure(self, wanted: GroupVolume, now: float, *, update: bool = True) -> Volume:
        """The volume a rule speaks of, made if there is none.

        Args:
            update: give one that is there exactly the access the rule gives.
        """
        existing = self._of_rule(wanted)
        if existing and (existing.groups == wanted.groups or not update):
            return existing
        with self._changing():
            if existing := self._of_rule(wanted):
                self._write(new := replace(existing, groups=dict(wanted.groups)))
                return new
            group = Volume(token_hex(6), wanted.name, Kind.GROUP, wanted.source, made=now)
            return self._make(replace(group, groups=dict(wanted.groups)))

    def delete(self, id: str, by: str, now: float) -> Trashed:
        """Move a volume with everything in it to the trash; running servers keep seeing it."""
        with self._changing():
            volume = self.get(id)
            give_up(self.layout.volumes, volume)
            path = PurePosixPath(volume.id)
            return move_to_trash(self.layout, self.layout.volumes, path, owner=by, now=now)

    def deleted(self, by: str | None = None) -> list[tuple[Trashed, Volume]]:
        """Volumes in the trash with what they were, of one person or of all."""
        volumes = []
        for thing in list_trash(self.layout, by):
            if thing.place == self.layout.volumes.name:
                with suppress(OSError, ValueError, KeyError, TypeError):
                    volumes.append((thing, _read_about(self.layout.trash, f"{thing.id}/content")))
        return volumes

    def restore(self, trashed: str, by: str) -> Volume:
        """Bring a deleted volume back, members and all.

        Raises:
            NotFound: there is none of this id that they deleted.
        """
        with self._changing():
            if trashed not in (thing.id for thing, _ in self.deleted(by)):
                raise NotFound("That is not in the trash any more.")
            return self.get(restore(self.layout, trashed, by).name)

    # ---- parts

    def _check_free(self, name: str, owner: str) -> None:
        check_free(name, self.all())
        check_never_anothers(self.layout.volumes, name, owner)

    def _of_rule(self, wanted: GroupVolume) -> Volume | None:
        groups = (volume for volume in self.all() if volume.kind is Kind.GROUP)
        return next((volume for volume in groups if volume.owner == wanted.source), None)

    def _folders(self) -> list[Path]:
        volumes = self.layout.volumes
        return [path for path in volumes.iterdir() if path.is_dir()] if volumes.is_dir() else []

    def _read(self, id: str) -> Volume | None:
        """None for what is no volume (any more, or yet): nobody has access to that."""
        try:
            volume = _read_about(self.layout.volumes, id)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return volume if volume.id == id else None

    def _make(self, volume: Volume) -> Volume:
        """Make the folder under its final name at once, also if we are killed."""
        if os.geteuid() == 0:
            volume = replace(volume, gid=self._next_gid())
        with beneath(self.layout.volumes, ".") as volumes:
            draft = f"{_DRAFT}{volume.id}"
            os.mkdir(draft, _PASSABLE, dir_fd=volumes)
            os.chmod(draft, _PASSABLE, dir_fd=volumes)
            with beneath(volumes, draft) as made:
                os.mkdir(FILES, 0o700, dir_fd=made)
                with beneath(made, FILES) as files:
                    _open_to_members(files, volume.gid)
            self._write(volume, draft)
            os.rename(draft, volume.id, src_dir_fd=volumes, dst_dir_fd=volumes)
        return volume

    def _write(self, volume: Volume, folder: str = "") -> None:
        about = json.dumps(_fields(volume), ensure_ascii=False, indent=1).encode()
        write_beneath(self.layout.volumes, f"{folder or volume.id}/{_ABOUT}", about, 0o600)

    def _next_gid(self) -> int:
        """A gid that was never another volume's, also if that one is long gone for good."""
        with (self.layout.volumes / _COUNTER).open("a+") as counter:
            last = int(os.pread(counter.fileno(), 20, 0) or 0)
            gid = max(FIRST_GID - 1, last, *(volume.gid for volume in self.all())) + 1
            os.ftruncate(counter.fileno(), 0)
            os.write(counter.fileno(), str(gid).encode())
            os.fsync(counter.fileno())
        return gid

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hub, service and commands change one after the other."""
        self.layout.volumes.mkdir(mode=_PASSABLE, parents=True, exist_ok=True)
        with held(self.layout.volumes):
            yield


def mount_of(placed: Placed, layout: DataDirectory) -> Mount:
    """A volume as engines mount it."""
    source = PurePosixPath(placed.volume.id, FILES)
    return Mount(layout.volumes, source, placed.place, placed.access)


def _read_about(root: Path, folder: str) -> Volume:
    return _volume(json.loads(read_beneath(root, f"{folder}/{_ABOUT}", _ABOUT_MAX)))


def _fields(volume: Volume) -> dict[str, Any]:
    fields = {name: getattr(volume, name) for name in Volume.__dataclass_fields__}
    mappings = {name: dict(fields[name]) for name in ("users", "groups", "added")}
    return {**fields, **mappings}


def _volume(fields: dict[str, Any]) -> Volume:
    return Volume(
        id=str(fields["id"]),
        name=str(fields["name"]),
        kind=Kind(fields["kind"]),
        owner=str(fields["owner"]),
        users=_access(fields["users"]),
        groups=_access(fields["groups"]),
        gid=int(fields["gid"]),
        made=float(fields["made"]),
        added={str(name): float(when) for name, when in fields.get("added", {}).items()},
    )


def _access(fields: Mapping[str, str]) -> dict[str, Access]:
    return {str(name): Access(access) for name, access in fields.items()}


def _open_to_members(files: int, gid: int) -> None:
    """Make a folder one in which all members of a group can use what each of them makes."""
    if not gid:
        return
    os.fchown(files, -1, gid)
    os.fchmod(files, _MEMBERS)
    try:
        os.setxattr(files, "system.posix_acl_default", _ACL)
    except OSError as error:
        # Then the umask of whoever makes a file decides whether others may change it.
        if error.errno not in (errno.ENOTSUP, errno.EPERM):
            raise


def _acl(owner: int, group: int, other: int) -> bytes:
    """The kernel's form of an access control list (linux/posix_acl_xattr.h, version 2)."""
    entries = ((0x01, owner), (0x04, group), (0x20, other))
    return struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, rights, 0xFFFFFFFF) for tag, rights in entries
    )


_ACL = _acl(7, 7, 0)
