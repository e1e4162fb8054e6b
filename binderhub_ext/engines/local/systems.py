"""Systems of this machine: Debian trees that environments with an `apt.txt`, or of R, run on.

A base is a small tree of the machine's own release, made once in a while. A layer is the tree in
which the packages of an environment were installed; files that are the base's are shared with it.
Both are folders named by a key, put in place as soon as they are whole, and nobody's code writes
there.

`bases/<key>`: `base.tar`, the tree as it was made; `tree`, the same, sealed; what apt keeps.
`layers/<key>`: a sealed tree.
`work/<key>`: what is being made of either, by whoever holds `locks/<key>`.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from ...core.apt import Packages
from ...core.environment import KEY_DIGITS
from ...core.sentences import Sentence
from ...housekeeping import alone, tidy_away
from ...locks import held_if_free, held_in_turn
from ...programs import ProcessFailed, output
from ..base import Check
from . import mapping
from .machineapt import MachineApt, variables
from .probe import user_namespaces_fix
from .settings import Settings

BASE = "base 2"
"""Goes into every key: raise it when trees are made in another way."""

_DAY = 86400.0


def obstacle(settings: Settings) -> mapping.Obstacle | None:
    """What keeps system packages from being installed here, as far as is seen without a try."""
    if not settings.system_packages:
        fix = Sentence("Set LocalBuilder.system_packages = True.")
        return mapping.Obstacle(Sentence("That is switched off."), fix)
    return MachineApt().obstacle() or mapping.obstacle()


async def check(settings: Settings) -> Check:
    """Whether system packages can be installed here; the ids are tried."""
    name = Sentence("system packages")
    if why := obstacle(settings):
        message = Sentence("apt.txt is refused, and R is conda's. {why}", why=why.message)
        return Check(name, False, message, why.fix, False)
    with TemporaryDirectory() as folder:
        mapping.give(Path(folder))
        try:
            await output(mapping.command(Path(folder), ["true"]), env=variables())
        except ProcessFailed as error:
            fix = user_namespaces_fix() or Sentence("Use the docker engine for such repositories.")
            message = Sentence(
                "apt.txt is refused, and R is conda's: no user namespace can be made here. {said}",
                said=error.tail.strip() or error,
            )
            return Check(name, False, message, fix, False)
        finally:
            mapping.take(Path(folder))
    works = Sentence("apt.txt and R of {system}, by mmdebstrap", system=MachineApt().name)
    return Check(name, True, works, required=False)


@dataclass(frozen=True)
class Systems:
    """Trees beneath one folder.

    Attributes:
        root: on the disk of the environments.
        packages: what every base has besides what Debian cannot do without.
        period: in which they are made, as of :func:`period`: what was made in an earlier one lacks
            updates, and is for environments of then.
    """

    root: Path
    packages: tuple[str, ...]
    period: str = ""

    def base_key(self) -> str:
        facts = [BASE, MachineApt().digest(), *sorted(self.packages)]
        return _digest([*facts, f"period {self.period}"] if self.period else facts)

    def layer_key(self, packages: Packages) -> str:
        """The key of the tree with these packages; empty if there are none."""
        wished = (f"{name}?" for name in sorted(packages.wished))
        return _digest([self.base_key(), *sorted(packages.asked), *wished]) if packages else ""

    def base(self, key: str) -> Path:
        return self.root / "bases" / key

    def layer(self, key: str) -> Path:
        return self.root / "layers" / key

    def work(self, key: str) -> Path:
        return self.root / "work" / key

    @asynccontextmanager
    async def making(self, key: str) -> AsyncIterator[Path]:
        """Hold the lock of a tree, waiting for others, with an empty folder to make it in.

        The folder is gone afterwards.
        """
        async with held_in_turn(self._lock(key)):
            await self._discard(key)
            folder = self.work(key)
            folder.mkdir(mode=0o700, parents=True)
            try:
                yield folder
            finally:
                await self._discard(key)

    def is_being_made(self, key: str) -> bool:
        """Whether somebody holds the lock of a tree just now."""
        with held_if_free(self._lock(key)) as free:
            return not free

    def put(self, made: Path, place: Path) -> None:
        """Put a whole tree where it is found, marked as used now."""
        place.parent.mkdir(mode=0o700, exist_ok=True)
        made.chmod(0o755)
        used(made)
        made.rename(place)

    async def collect_garbage(self, used: set[str], grace: float, max_age: float) -> None:
        """Remove layers that no environment uses, bases that nothing was built on, and remains.

        Args:
            used: paths of the layers that environments use.
            grace: seconds after its last use for which a layer stays: the environment that it was
                made for may not be whole yet.
            max_age: seconds after its last use for which a base stays.
        """
        for path in _folders(self.root / "layers"):
            if str(path) not in used:
                await self._retire(path, grace)
        for path in _folders(self.root / "bases"):
            await self._retire(path, max_age)
        for path in _folders(self.root / "work"):
            with (
                alone("Removing what was left of a system"),
                held_if_free(self._lock(path.name)) as free,
            ):
                if free:
                    await self._discard(path.name)

    async def _retire(self, path: Path, age: float) -> None:
        with alone("Removing an unused system"), held_if_free(self._lock(path.name)) as free:
            if free and time.time() - path.stat().st_mtime > age:
                gone = self.work(path.name)
                gone.parent.mkdir(exist_ok=True)
                path.rename(gone)
                await self._discard(path.name)

    async def _discard(self, key: str) -> None:
        """Remove what is being made; of an ordinary user's some is not the user's."""
        folder = self.work(key)
        if os.geteuid() and folder.exists():
            argv = mapping.command(
                folder, ["find", str(mapping.FOLDER), "-mindepth", "1", "-delete"]
            )
            with suppress(ProcessFailed):
                await output(argv, env=variables())
        tidy_away(folder)

    def _lock(self, key: str) -> Path:
        locks = self.root / "locks"
        locks.mkdir(mode=0o700, parents=True, exist_ok=True)
        return locks / key


def period(days: float, now: float) -> str:
    """Which period of so many days it is; empty if there is only one.

    By the calendar alone, so that every process of a data directory knows, whatever was removed.

    Args:
        now: seconds since 1970.
    """
    return str(int(now // (days * _DAY))) if days else ""


def used(place: Path) -> bool:
    """Whether a tree is there; if so, it is marked as used now."""
    with suppress(FileNotFoundError):
        os.utime(place)
        return True
    return False


def _digest(facts: list[str]) -> str:
    return sha256("\n".join(facts).encode()).hexdigest()[:KEY_DIGITS]


def _folders(place: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from sorted(path for path in place.iterdir() if path.is_dir())
