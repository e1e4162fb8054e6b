"""The packages of conda in a build: of an `environment.yml`, a lock file or pixi's manifest.

Ours is a program that solves and links in a sandbox in which no code of a package runs
(`condaworker`). It sees one folder with the environment that it makes and the cache that files
are linked from, under the name where the environment will be; only then is the environment put
there. Where a file names no other channels than the administrator's, the cache is everybody's;
else it is the build's own and goes with it.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from ...beneath import beneath, open_file
from ...core.environment import Read
from ...core.errors import BuildFailed
from ...core.locks import Lock, Target, pixi
from ...core.locks.condafile import CondaFile
from ...core.locks.refusals import other_packages
from ...core.progress import Tell
from ...core.requirements import requirement_lines
from ...core.sentences import Sentence
from ...locks import held_in_turn
from ...programs import Log, ProcessFailed
from ...storage.trees import remove_tree
from . import conda, trust, uv
from .asked import asked_in, of_lock, wanted
from .buildsandbox import REPO, BuildSandbox
from .channels import Channels
from .choices import installed, of_python, pins
from .conda import Asked
from .condaworker import Ending, Order
from .detecting import own_code
from .environment import python_version
from .interpreters import has_uv, serves
from .lending import lend_packages
from .sandbox import SHELL, Bind, Sandbox
from .server import NotTogether, contradiction
from .supervised import in_thread
from .uv import Requirements
from .words import explained, say

CREDENTIALS = "/run/binder/conda-credentials.json"

_POST_LINK = re.compile(r"\.(.+)-post-link\.sh")
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


@dataclass
class CondaPackages:
    """The packages of one build.

    Attributes:
        conda: how they are come by.
        sandbox: where the build happens.
        file: path of `environment.yml`, the lock or the manifest in the repository.
        base: requirement lines of ours.
        together: whether they are the server's; else they are a kernel's alone.
        read: reads the repository's files.
        step: runs a program that may change the environment.
        tell, log: told what happens, and what programs say.
        model: an environment with nothing but the server's packages, or `None`.
        lock: what the file is, if it is not `environment.yml`.
    """

    conda: Conda
    sandbox: BuildSandbox
    file: str
    base: tuple[str, ...]
    together: bool
    read: Read
    step: Callable[[Sequence[str]], Awaitable[None]]
    tell: Tell
    log: Log
    model: Path | None = None
    lock: Lock | None = None

    async def install(self) -> None:
        """Install what the file asks for, and the server or the kernel.

        Raises:
            NotTogether: the server's packages cannot be used with what conda has installed.
            BuildFailed, NoSpace, LaunchFailed.
        """
        self.tell(say("Installing packages with conda", 10))
        by_program = self.conda.program and not self.lock
        await (self._by_program() if by_program else self._by_ourselves())

    async def install_python(self, version: str) -> None:
        """Install a Python, for packages of pip.

        Raises:
            BuildFailed, NoSpace, LaunchFailed, NotTogether.
        """
        self.tell(say("Installing Python {version} with conda", 10, version=version))
        pip = [] if has_uv(version) else ["pip"]
        await self._link_all(Asked((conda.CHANNEL,), (f"python={version}", *pip)))
        await self._open()

    async def _by_ourselves(self) -> None:
        asked = await asyncio.to_thread(self._asked)
        await self._link_all(asked)
        requirements = await asyncio.to_thread(self._of_pip, asked)
        # Without root, whatever runs next could write into files that are shared.
        if self.model and self.sandbox.uid is not None:
            await in_thread(self._lend, self.model, requirements)
        await self._open()
        ours = "Installing the server and what pip is asked for"
        self.tell(say(ours if self.together else "Installing what pip is asked for", 45))
        await self._pip(requirements)

    async def _link_all(self, asked: Asked) -> None:
        """Link it, and what the environment cannot do without."""
        await self._link(asked)
        await asyncio.to_thread(self._check_together)
        if self._takes_pip and not await asyncio.to_thread(self._has_pip):
            await self._link(self._with_pip(asked))
        if asked.variables:
            await in_thread(self._set_variables, conda.activating(asked.variables))

    async def _open(self) -> None:
        """From here on code of packages runs."""
        scripts = await asyncio.to_thread(self._scripts)
        self.sandbox.open_environment()
        for name in scripts:
            await self._run_script(name)

    def _lend(self, model: Path, requirements: Requirements) -> None:
        if not requirements.is_checked_in(installed(model)):
            lend_packages(model, self.sandbox.environment)

    def _check_together(self) -> None:
        """Refuse what the server could not be beside, or would replace."""
        environment = self.sandbox.environment
        version = python_version(environment)
        if self.together and version and not serves(version):
            raise NotTogether(f"Python {version}")
        wrong = contradiction(self.base, of_python(installed(environment)))
        if self.together and wrong:
            raise NotTogether(wrong)

    @property
    def _takes_pip(self) -> bool:
        """Whether pip of the environment has to do what uv does not do for so old a Python."""
        version = python_version(self.sandbox.environment)
        return bool(version) and not has_uv(version)

    def _has_pip(self) -> bool:
        return "pip" in installed(self.sandbox.environment)

    def _with_pip(self, asked: Asked) -> Asked:
        if asked.files:
            raise BuildFailed(
                "{file} has a Python that is too old for uv, and no pip, which could install its "
                "kernel in uv's place. Add pip to it, and make it anew.",
                file=self.file,
            )
        return replace(asked, specs=(*asked.specs, "pip"))

    def _asked(self) -> Asked:
        if self.lock:
            return conda.asked_by(self.lock, self._platform, self.conda.python)
        return conda.asked(self.read(self.file) or b"", self.conda.python)

    @property
    def _platform(self) -> str:
        return Target("", platform.machine()).platform

    def _of_pip(self, asked: Asked) -> Requirements:
        """What pip is asked for besides; what a lock has of conda's stays at its versions."""
        if not self.lock:
            content = "\n".join(asked.pip).encode()
            return asked_in(self.file, content, self.base, self.sandbox.repo, self.read)
        held = pins(of_python(installed(self.sandbox.environment)), ()) if asked.files else ""
        lines, limits = of_lock(self.lock, self.sandbox.repo)
        return Requirements(self.base, lines, (*limits, *requirement_lines(held)))

    # --- packages of conda ----------------------------------------------------------------

    async def _link(self, asked: Asked) -> None:
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

    def _set_variables(self, script: str) -> None:
        """Have an activation script; no code of a package ran yet, but links are theirs."""
        place = "etc/conda/activate.d"
        with beneath(self.sandbox.environment, place, create=True) as folder:
            created = open_file(folder, f"variables-{uuid4().hex}.sh".encode(), _NEW)
            with os.fdopen(created, "w") as new:
                new.write(script)
                os.fchmod(created, 0o644)

    def _scripts(self) -> list[str]:
        """Names of the scripts that packages have for when they were linked."""
        try:
            with beneath(self.sandbox.environment, "bin") as folder:
                return sorted(e.name for e in os.scandir(folder) if _POST_LINK.fullmatch(e.name))
        except (FileNotFoundError, NotADirectoryError):
            return []

    async def _run_script(self, script: str) -> None:
        """Code of a package, so it runs as all foreign code does."""
        name = script.removeprefix(".").removesuffix("-post-link.sh")
        self.tell(say("Running what {name} has for after it was linked", name=name))
        prefix = self.sandbox.environment
        given = [f"PREFIX={prefix}", f"PKG_NAME={name}"]
        try:
            await self.step(["/usr/bin/env", *given, SHELL, str(prefix / "bin" / script)])
        except ProcessFailed as failure:
            what = Sentence("The script of {name} for after it was linked failed.", name=name)
            raise explained(failure, what, uv_says=False) from failure

    # --- packages of pip ------------------------------------------------------------------

    async def _pip(self, requirements: Requirements) -> None:
        """uv, where relative places begin where the file lies, as they do for conda's pip.

        Those of a lock begin in the root.
        """
        words = wanted(requirements, self.sandbox.want)
        argv = self.sandbox.installing(requirements, words)
        folder = REPO if self.lock else str(PurePosixPath(REPO, self.file).parent)
        try:
            await self.step([SHELL, "-c", 'cd "$0" && exec "$@"', folder, *argv])
        except ProcessFailed as failure:
            what = Sentence("Installing {file} failed.", file=self.file)
            raise explained(failure, what, base=self.base) from failure

    # --- by a program of the administrator's ----------------------------------------------

    async def _by_program(self) -> None:
        conda.prepare_prefix(self.sandbox.environment)
        self.sandbox.open_environment(files=True)
        file = await asyncio.to_thread(self._completed)
        program, environment = self.conda.program, self.sandbox.environment
        try:
            await self.step(conda.install(program, environment, file, self.sandbox.cache))
        except ProcessFailed as failure:
            what = Sentence("Installing {file} failed.", file=self.file)
            raise explained(failure, what) from failure
        await asyncio.to_thread(self._check_together)
        await self._pip(Requirements(self.base))

    def _completed(self) -> str:
        """The file with what is missing, beside it, since it may name others relative to it.

        Nothing of the repository ran yet.
        """
        root = self.sandbox.repo.resolve()
        place = PurePosixPath((root / self.file).resolve().parent.relative_to(root))
        content = conda.completed(self.read(self.file) or b"", self.conda.python)
        name = f"{uuid4().hex}.yml"
        with beneath(root, place) as folder:
            created = open_file(folder, name.encode(), _NEW)
            with os.fdopen(created, "w") as new:
                new.write(content)
                os.fchmod(created, 0o644)
        return str(Path(REPO, place, name))


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def _put(made: Path, environment: Path) -> None:
    """Put an environment where it was made for."""
    remove_tree(environment)
    shutil.move(made, environment)
    environment.chmod(0o755)
