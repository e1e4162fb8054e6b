"""Packages of conda, linked by a program of ours in a sandbox in which no code of a package runs.

The program (`condaworker`) solves and links. It sees one folder with the environment that it makes
and the cache that files are linked from, under the name where the environment will be; only then
is the environment put there. Where a file names no other channels than the administrator's, the
cache is everybody's; else it is the build's own and goes with it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...core.errors import BuildFailed
from ...core.locks import Lock, pixi
from ...core.locks.condafile import CondaFile
from ...core.locks.refusals import other_packages
from ...core.sentences import Sentence
from ...locks import held_in_turn
from ...programs import Log, ProcessFailed
from ...storage.trees import remove_tree
from . import trust, uv
from .buildsandbox import BuildSandbox
from .channels import Channels
from .conda import Asked
from .condaworker import Ending, Order
from .detecting import own_code
from .sandbox import Bind, Sandbox
from .supervised import in_thread
from .words import explained

CREDENTIALS = "/run/binder/conda-credentials.json"

_WHY = 600


@dataclass(frozen=True)
class Conda:
    """How packages of conda are come by on this machine.

    Attributes:
        channels: where they come from.
        cache: folder for those that environments share, on the disk of these.
        python: version of Python, `x.y`, where a file names none.
        program: micromamba, mamba or conda, to be used in place of ours; or empty.
    """

    channels: Channels
    cache: Path
    python: str
    program: str = ""


@dataclass(frozen=True)
class Linking:
    """Links packages into the environment of one build.

    Attributes:
        conda: how they are come by.
        sandbox: where the build happens.
        file: what names them, in the repository.
        base: requirement lines of ours.
        log: told what the program says.
        lock: what the file is, if it is not `environment.yml`.
    """

    conda: Conda
    sandbox: BuildSandbox
    file: str
    base: tuple[str, ...]
    log: Log
    lock: Lock | None = None

    async def link(self, asked: Asked) -> None:
        """Solve and link.

        Raises:
            BuildFailed, NoSpace, LaunchFailed, NotTogether.
        """
        channels = self.conda.channels.addresses(asked.channels)
        shared = self.conda.channels.are_shared(channels) and asked.checked
        environment = self.sandbox.environment
        async with self._room(shared) as room:
            order = Order(
                channels=channels,
                specs=list(asked.specs),
                prefix=str(environment),
                cache=str(environment.parent / "cache"),
                copies=self.sandbox.uid is None,
                files=[self._file(file) for file in asked.files],
            )
            made = self._worker(order, room, shared)
            try:
                await self.sandbox.run(made, self.log)
            except ProcessFailed as failure:
                raise self._unlinked(failure) from failure
            await in_thread(_put, room / environment.name, environment)

    def _file(self, file: CondaFile) -> dict[str, Any]:
        """A package of a lock, at the administrator's mirror."""
        mirrored = self.conda.channels.mirrored
        return asdict(file) | {"url": mirrored(file.url), "channel": mirrored(file.channel)}

    def _worker(self, order: Order, room: Path, shared: bool) -> Sandbox:
        file = self.sandbox.want("conda.json", json.dumps(asdict(order)))
        argv = [sys.executable, "-P", "-m", f"{__package__}.condaworker", file]
        binds = [
            *own_code(),
            *(
                Bind(place, PurePosixPath(place))
                for place in self.conda.channels.folders(order.channels)
            ),
            Bind(self.sandbox.wanted, PurePosixPath(self.sandbox.wanted)),
            Bind(room, PurePosixPath(self.sandbox.environment.parent), read_only=False),
            *self._credentials(shared),
            *trust.binds(),
        ]
        return self.sandbox.making(argv, binds, self._variables(shared), shared=shared)

    @asynccontextmanager
    async def _room(self, shared: bool) -> AsyncIterator[Path]:
        """The folder that the worker sees; one worker at a time in the one that is everybody's."""
        name = self.sandbox.environment.name
        room = self.conda.cache if shared else self.sandbox.scratch / "conda"
        room.mkdir(mode=0o700, parents=True, exist_ok=True)
        async with held_in_turn(room / ".lock"):
            await in_thread(remove_tree, room / name)
            (room / name).mkdir()
            try:
                yield room
            finally:
                await in_thread(remove_tree, room / name)

    def _credentials(self, shared: bool) -> list[Bind]:
        file = self.conda.channels.credentials
        return [Bind(Path(file), PurePosixPath(CREDENTIALS))] if file and shared else []

    def _variables(self, shared: bool) -> dict[str, str]:
        named = {"RATTLER_AUTH_FILE": CREDENTIALS} if self._credentials(shared) else {}
        known = uv.passed_environment(os.environ, foreign=not shared)
        return {**known, **trust.variables(), **named}

    def _unlinked(self, failure: ProcessFailed) -> Exception:
        said = failure.tail.splitlines()
        last = " ".join(said[-1:])[:_WHY].rstrip(".")
        if failure.status == Ending.UNSOLVABLE:
            return BuildFailed(
                "The packages that {file} asks for cannot be had together. {why}.",
                file=self.file,
                why=" ".join(said[1:])[:_WHY].rstrip("."),
                detail=failure.tail,
            )
        if failure.status == Ending.CHANGED:
            return BuildFailed(
                "{file} has a checksum of {name} that what is at its address does not have, so "
                "nothing of it was used. Make the lock anew, and commit it.",
                file=self.file,
                name=last,
                detail=failure.tail,
            )
        if failure.status == Ending.UNFIT:
            return BuildFailed(
                "{file} has packages that need {needed}, which this machine has not. Make it for "
                "a machine without, or ask the administrator.",
                file=self.file,
                needed=last,
                detail=failure.tail,
            )
        if failure.status == Ending.CONTRADICTED and self.lock:
            wanted, _, found = last.partition("\t")
            return other_packages(pixi.NAME, wanted, self.lock.name, found)
        what = Sentence(
            "Installing {file} failed: {why}.", file=self.file, why=Sentence.verbatim(last)
        )
        return explained(failure, what, base=self.base)


def _put(made: Path, environment: Path) -> None:
    """Put an environment where it was made for."""
    remove_tree(environment)
    shutil.move(made, environment)
    environment.chmod(0o755)
