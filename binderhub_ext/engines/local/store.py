"""The environments of this machine: folders named by their key.

An environment is built at its final path, because scripts, kernel specifications and
bytecode carry absolute paths. It exists from the moment its record (`.binder/image.json`)
is there, which is written last and at once; a folder without a record is the remains of a
build and is removed by whoever holds the key's build lock next.

Two locks:
    `environments/.locks/<key>` (flock) is held by whoever builds or removes the environment.
    `environments/<key>/.lock` (fcntl) is read-locked by every running server (bubblewrap's
    `--lock-file`), so the kernel knows whether an environment is in use.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType

from ...core.environment import KEY_DIGITS
from ...housekeeping import alone, tidy_away
from ...locks import held_if_free, held_in_turn
from ...storage.trees import folders_in, remove_tree
from ..base import Image
from .sealing import seal

RECORD = Path(".binder/image.json")
USED = Path(".binder/used")
START = Path(".binder/start")
MADE = Path(".binder/made")
SERVER_LOCK = ".lock"
SERVER = ".server"
"""The server's own environment within a repository's, where they are two."""

EMPTY: Mapping[str, bytes] = MappingProxyType({})

_KEY = re.compile(rf"[0-9a-f]{{{KEY_DIGITS}}}")


@dataclass(frozen=True)
class Record:
    """What is known of a whole environment.

    Attributes:
        key: its environment key.
        kind: what a person calls it.
        files: the configuration files that determined it.
        path: where it was built; it works nowhere else.
        prefix: installation of its interpreter, which a sandbox must show; empty for conda.
        builder: engine and recipe that built it.
        created: when, seconds since 1970.
        repo: whose build caused it.
        commit: at which commit.
        provides: interfaces it offers.
        size: bytes on disk, shared ones included.
        own: bytes on disk it shares with nothing.
        start: whether the repository has a start script, kept at `.binder/start`.
        repo_dir: where the repository's files stood during the build; packages installed as
            editable are looked for there.
        system: the tree that takes the place of the machine's own system; empty for that.
        cran: where packages of R come from; empty for an environment without R.
        julia: folder of the project of Julia in a sandbox; empty for an environment without.
        julia_server: address that packages of Julia come from; empty for Julia's own.
        server: installation of the interpreter of the server, where that has an environment of
            its own; else empty.
    """

    key: str
    kind: str
    files: tuple[str, ...]
    path: str
    prefix: str
    builder: str
    created: float
    repo: str
    commit: str
    provides: tuple[str, ...]
    size: int = 0
    own: int = 0
    start: bool = False
    repo_dir: str = ""
    system: str = ""
    cran: str = ""
    julia: str = ""
    julia_server: str = ""
    server: str = ""

    @property
    def server_environment(self) -> Path:
        """The environment that the server is in."""
        return Path(self.path, SERVER) if self.server else Path(self.path)

    @property
    def made(self) -> Path | None:
        """What the build made beside the environment, if it made anything."""
        folder = Path(self.path, MADE)
        return folder if folder.is_dir() else None

    @property
    def image(self) -> Image:
        return Image(self.key, self.key, self.size, self.provides)


def read_record(environment: Path) -> Record | None:
    """The record of an environment's folder, or `None` where there is no whole environment."""
    try:
        fields = json.loads((environment / RECORD).read_text())
        record = Record(**fields)
        record = replace(record, files=tuple(record.files), provides=tuple(record.provides))
    except (OSError, ValueError, TypeError):
        return None
    if record.system and not Path(record.system).is_dir():
        return None
    # A data directory that was moved or copied: scripts would run another environment's Python.
    return record if record.path == str(environment) else None


@dataclass(frozen=True)
class Store:
    """Environments beneath one folder.

    Attributes:
        root: absolute path of `environments`.
        scratch: absolute path for what builds need while they run.
    """

    root: Path
    scratch: Path

    @property
    def conda(self) -> Path:
        """Packages of conda that environments share files with, and those just being made."""
        return self.root / ".conda"

    @property
    def systems(self) -> Path:
        """Trees that environments with packages of the system run on, and what they are made of."""
        return self.root / ".systems"

    def path(self, key: str) -> Path:
        """The folder of an environment.

        Raises:
            ValueError: not a key.
        """
        if not _KEY.fullmatch(key):
            raise ValueError(f"not an environment key: {key!r}")
        return self.root / key

    def find(self, key: str) -> Record | None:
        """A whole environment, marked as used now."""
        record = read_record(self.path(key))
        if record:
            with suppress(OSError):
                os.utime(self.path(key) / USED)
        return record

    def records(self) -> list[Record]:
        """Every whole environment, least recently used first."""
        return sorted(filter(None, map(read_record, self._folders())), key=self.last_use)

    def last_use(self, record: Record) -> float:
        try:
            return (Path(record.path) / USED).stat().st_mtime
        except OSError:
            return record.created

    @asynccontextmanager
    async def building(self, key: str) -> AsyncIterator[None]:
        """Hold the key's build lock, waiting for other builders, of other processes too."""
        async with held_in_turn(self._lock_path(key)):
            yield

    def is_building(self, key: str) -> bool:
        """Whether somebody holds the key's build lock just now."""
        with held_if_free(self._lock_path(key)) as free:
            return not free

    def begin(self, key: str) -> Path:
        """An empty folder for an environment, whatever a killed build left there.

        The build lock must be held.
        """
        self.discard(key)
        path = self.path(key)
        path.mkdir(parents=True)
        path.chmod(0o755)
        return path

    def finish(
        self, record: Record, files: Mapping[str, bytes] = EMPTY, made: Path | None = None
    ) -> None:
        """Declare a sealed environment whole.

        Args:
            files: further files for `.binder`, by name; executable.
            made: a folder of a build that becomes `.binder/made`.
        """
        environment = Path(record.path)
        environment.chmod(0o755)
        for name in (RECORD.parent.name, SERVER_LOCK):
            # Whatever a build put there under these names, perhaps links to elsewhere.
            remove_tree(environment / name)
        (environment / SERVER_LOCK).touch(0o644)
        folder = environment / RECORD.parent
        folder.mkdir()
        (folder / USED.name).touch(0o644)
        for name, content in files.items():
            (folder / name).write_bytes(content)
            (folder / name).chmod(0o555)
        if made:
            shutil.move(made, folder / MADE.name)
            seal(folder / MADE.name)
        partial = folder / "image.json.partial"
        with partial.open("w") as file:
            json.dump(asdict(record), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o444)
        partial.rename(folder / RECORD.name)

    def discard(self, key: str) -> bool:
        """Remove an environment's folder and scratch; the build lock must be held.

        Returns:
            Whether nothing of them is left.
        """
        gone = [tidy_away(path) for path in (self.path(key), self.scratch / key, self.conda / key)]
        return all(gone)

    def remove(self, key: str) -> bool:
        """Remove an environment unless a server uses it or somebody builds it."""
        with held_if_free(self._lock_path(key)) as free:
            return free and self._retire(self.path(key)) and self.discard(key)

    def sweep(self) -> list[str]:
        """Remove the remains of killed builds; returns their keys."""
        leftovers = {path.name for path in self._folders() if not (path / RECORD).exists()}
        with suppress(OSError):
            leftovers |= {entry.name for entry in os.scandir(self.scratch)}
        removed = []
        for key in sorted(filter(_KEY.fullmatch, leftovers)):
            with alone(f"Removing what a build left of the environment {key}"):
                if self._sweep(key):
                    removed.append(key)
        return removed

    def empty_conda(self) -> None:
        """Remove the kept packages of conda, unless somebody makes an environment of them."""
        with held_if_free(self.conda / ".lock") as free:
            if free:
                remove_tree(self.conda / "cache")

    def disk_usage(self) -> int:
        """Bytes that all environments take, counting what they share once.

        A system that no environment uses any more is not theirs, and goes by itself.
        """
        seen: set[tuple[int, int]] = set()
        used = {Path(record.system) for record in self.records() if record.system}
        places = (*self._folders(), *used, self.systems / "bases")
        return sum(unique_bytes(path, seen) for path in places)

    def _retire(self, path: Path) -> bool:
        """Make sure that no server uses it or can begin to: its record goes under the lock."""
        try:
            descriptor = os.open(path / SERVER_LOCK, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (path / RECORD).unlink(missing_ok=True)
            (path / SERVER_LOCK).unlink()
            return True
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno == errno.EACCES:
                return False
            raise
        finally:
            os.close(descriptor)

    def _sweep(self, key: str) -> bool:
        with held_if_free(self._lock_path(key)) as free:
            if free and (self.path(key) / RECORD).exists():
                tidy_away(self.scratch / key)
                return False
            return free and self.discard(key)

    def _folders(self) -> Iterator[Path]:
        try:
            names = sorted(entry.name for entry in os.scandir(self.root))
        except FileNotFoundError:
            return iter(())
        return (self.root / name for name in names if _KEY.fullmatch(name))

    def _lock_path(self, key: str) -> Path:
        locks = self.path(key).parent / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        return locks / key


def unique_bytes(folder: Path, seen: set[tuple[int, int]]) -> int:
    """Bytes on disk beneath a folder, without inodes already in `seen`; adds to it.

    What goes away meanwhile does not count, nor does a folder that is not there.
    """
    total = 0
    with suppress(FileNotFoundError):
        for one in folders_in(folder, force=True):
            statuses = [os.fstat(one.descriptor), *_statuses(one.entries)]
            for status in statuses:
                if (inode := (status.st_dev, status.st_ino)) not in seen:
                    seen.add(inode)
                    total += status.st_blocks * 512
    return total


def _statuses(entries: Iterator[os.DirEntry[str]]) -> Iterator[os.stat_result]:
    for entry in entries:
        with suppress(FileNotFoundError):
            if not entry.is_dir(follow_symlinks=False):
                yield entry.stat(follow_symlinks=False)
