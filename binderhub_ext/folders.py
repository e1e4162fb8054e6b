"""Folders of this machine that its owner offered to themselves, by a command of theirs alone.

An offer is a file in the data directory, where nobody's server and no build reaches, named by the
id that links have. It is believed as far as it says who may open which folder; whether there is
still that folder is looked at whenever it is used. It is opened through no link, from where
somebody but root can rename something: a server that works in a folder around it may exchange any
name on the way.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from .beneath import beneath, open_beneath, read_beneath, write_beneath
from .core.errors import BadLink, NotAllowed, RepoNotFound
from .core.folders import check_place, repo_of
from .core.layout import DataDirectory
from .core.repo import Repo

_BYTES = 16_384
_OF_OTHERS = 0o077
_WRITTEN_BY_OTHERS = 0o022
_FIELDS = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True)
class Offer:
    """A folder that somebody may open.

    Attributes:
        id: in links.
        path: where it is: absolute, without links.
        user: who may open it, as the Hub calls them.
        inode, device: of the folder; another one in its place was not offered. The number of a
            device is 0 where it is another one after each start of the machine.
        made: when, as Unix time.
    """

    id: str
    path: Path
    user: str
    inode: int
    made: float
    device: int = 0

    @property
    def repo(self) -> Repo:
        return repo_of(self.id, self.path)

    @property
    def place(self) -> tuple[Path, PurePosixPath]:
        """Where only root can rename anything, and the path from there.

        Raises:
            OSError: there is no such folder.
        """
        root = next(filter(_is_changed_by_others, reversed(self.path.parents)), self.path)
        return root, PurePosixPath(self.path.relative_to(root))

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The folder, as a descriptor.

        Raises:
            RepoNotFound: it is not there any more, or not the one that was offered.
        """
        folder = self._open()
        try:
            yield folder
        finally:
            os.close(folder)

    def _open(self) -> int:
        try:
            folder = open_beneath(*self.place)
            if self._is(os.fstat(folder)) and _may_write(folder):
                return folder
            os.close(folder)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            pass
        raise RepoNotFound(
            "The folder {path} is not there any more, is another one now, or cannot be written"
            " to. To open what is there, run: binder-at-home launch '{path}'",
            path=self.path,
        )

    def _is(self, about: os.stat_result) -> bool:
        return about.st_ino == self.inode and self.device in (0, _device(about))


def offer(layout: DataDirectory, path: Path, user: str) -> Offer:
    """Let somebody open a folder. Whoever offers it again gets the same offer.

    Args:
        path: as it was typed.
        user: who may open it.

    Raises:
        NotAllowed, BadLink: it cannot be offered.
    """
    _refuse_root()
    try:
        real = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise BadLink("There is no folder {path} on this machine.", path=path) from error
    if not real.is_dir():
        raise BadLink("{path} is a file. Offer the folder in which it is.", path=path)
    _check(layout, real)
    if not os.access(real, os.R_OK | os.W_OK | os.X_OK):
        raise NotAllowed(
            "You may not write to {path}, and a server works in it. Offer a folder of your own.",
            path=real,
        )
    same = (each for each in offers(layout) if (each.path, each.user) == (real, user))
    id = next((each.id for each in same), secrets.token_hex(8))
    about = real.stat()
    made = Offer(id, real, user, about.st_ino, time.time(), _device(about))
    _write(layout, made)
    return made


def offers(layout: DataDirectory) -> list[Offer]:
    """All that are offered, in the order of their paths."""
    names = sorted(path.name for path in _listed(layout))
    found = [each for name in names if (each := _read(layout, name))]
    return sorted(found, key=lambda each: each.path)


def withdraw(layout: DataDirectory, offer: Offer) -> None:
    """Let nobody open it from now on; a server that has it open keeps it until it stops."""
    (layout.offers / offer.id).unlink(missing_ok=True)


def offered(layout: DataDirectory, repo: Repo, user: str) -> Offer:
    """The folder that a link names, if this person may open it.

    Raises:
        RepoNotFound: there is no such offer here, or no such folder any more.
        NotAllowed: it is somebody else's, or may not be offered any more.
    """
    _refuse_root()
    id = repo.name.partition("/")[0]
    found = _read(layout, id)
    if found is None or found.repo.name != repo.name:
        raise RepoNotFound(
            "This folder was offered on another machine, or is not offered any more. On the machine"
            " where it is, run again: binder-at-home launch ./{title}",
            title=repo.title,
        )
    if found.user != user:
        raise NotAllowed(
            "This link opens a folder on the machine of somebody else, and only for them. Ask them"
            " for a repository with its files."
        )
    _check(layout, found.path)
    with found.opened():
        return found


def _check(layout: DataDirectory, path: Path) -> None:
    homes, programs = ({place.resolve() for place in places} for places in (_homes(), _programs()))
    check_place(path, homes, layout.root.resolve(), sorted(programs))


def _homes() -> Iterator[Path]:
    """Ours, by the environment and by the account, as far as there are any."""
    with suppress(RuntimeError):
        yield Path.home()
    with suppress(KeyError):
        yield Path(pwd.getpwuid(os.geteuid()).pw_dir)


def _programs() -> Iterator[Path]:
    """Where this program and its Python are: whoever writes there is nowhere in a sandbox."""
    yield from map(Path, (sys.prefix, sys.base_prefix))
    yield Path(__file__).parents[1]


def _refuse_root() -> None:
    if os.geteuid() == 0:
        raise NotAllowed(
            "A hub that runs as root opens no folders of the machine: it would do so with all of"
            " root's rights. Run it as yourself."
        )


def _is_changed_by_others(folder: Path) -> bool:
    about = folder.lstat()
    return about.st_uid != 0 or bool(about.st_mode & _WRITTEN_BY_OTHERS)


def _device(about: os.stat_result) -> int:
    """Of a file system that has no device of its own, the kernel makes a number up."""
    return about.st_dev if os.major(about.st_dev) else 0


def _may_write(folder: int) -> bool:
    return os.access(f"/proc/self/fd/{folder}", os.R_OK | os.W_OK | os.X_OK)


def _listed(layout: DataDirectory) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from layout.offers.iterdir()


def _read(layout: DataDirectory, name: str) -> Offer | None:
    """An offer of ours; nothing that somebody else could have written is one."""
    try:
        with beneath(layout.offers, ".") as folder:
            about = os.stat(name, dir_fd=folder, follow_symlinks=False)
            fields = json.loads(read_beneath(folder, name, _BYTES))
    except (OSError, ValueError):
        return None
    if about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & _OF_OTHERS:
        return None
    try:
        path, user = Path(fields["path"]), str(fields["user"])
        inode, device = int(fields["inode"]), int(fields.get("device", 0))
        read = Offer(name, path, user, inode, float(fields["made"]), device)
        return read if path.is_absolute() and read.repo else None
    except (*_FIELDS, BadLink):
        return None


def _write(layout: DataDirectory, made: Offer) -> None:
    layout.offers.mkdir(mode=0o700, parents=True, exist_ok=True)
    fields = {**asdict(made), "path": str(made.path)}
    del fields["id"]
    write_beneath(layout.offers, made.id, json.dumps(fields).encode(), 0o600)
