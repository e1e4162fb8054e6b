"""What a repository of R installs: `install.R`, `renv.lock`, `DESCRIPTION`.

All of it runs in the build's sandbox. Packages that the system has are not installed again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

from ...core.environment import R_LOCK, Read
from ...core.errors import BuildFailed
from ...core.progress import Tell
from ...core.rlang import Locked, locked
from ...core.sentences import Sentence
from ...programs import Log, ProcessFailed
from ..detect import Detection
from . import conda
from .words import explained, say, status

_RSCRIPT = ["Rscript", "--no-save", "--no-restore", "--no-init-file", "--no-environ"]
"""As repo2docker has it: nothing of the repository runs by itself."""

_MISSING = """
lacking <- function() setdiff(commandArgs(TRUE), rownames(installed.packages()))
if (length(lacking())) install.packages(lacking())
if (length(lacking())) stop("These packages could not be installed: ", toString(lacking()))
"""
_ITSELF = 'remotes::install_local(upgrade = "{upgrade}")'
_NOT_COMPILED = (
    "What was missing to compile them: {names}. Name the packages of Debian that have it in "
    "apt.txt: r-base-dev has the compilers, those of libraries end in -dev"
)
_FEW = 10
_NOTED, _NAME = 200, 100
"""Names of each kind, and letters of each, that are kept: a build can say any number of them."""

_TOO_OLD = re.compile(r"but [>=]+ \S+ is required")

_PASSED_OVER = re.compile(
    r"package.? \u2018(.+)\u2019 (?:is|are) not available"
    r"|installation of package \u2018(.+)\u2019 had non-zero"
)
_LACKING = re.compile(
    r"\b(gcc|g\+\+|gfortran|make)(?:-\d+)?: (?:command )?(?:not found|No such file)"
    r"|fatal error: ([\w./+-]{1,100}): No such file"
    r"|\bdeb: ([\w.+-]{1,100}) \("
)
"""A compiler or a header that is not there, and what many packages say of Debian's."""

_UNREACHABLE = re.compile(r"unable to access index for repository (\S+)/src/contrib")


@dataclass
class Installing(Log):
    """A build's log that notes what R only warns of.

    Attributes:
        unreachable: archives of packages that could not be reached.
        passed_over: packages that were not installed.
        too_old: whether one asked for a newer version of another.
        lacking: compilers, headers and packages of Debian that were not there to compile one.
    """

    unreachable: set[str] = field(default_factory=set)
    passed_over: set[str] = field(default_factory=set)
    too_old: bool = False
    lacking: set[str] = field(default_factory=set)

    def add(self, line: str) -> None:
        """Tell a line."""
        if found := _PASSED_OVER.search(line):
            names = (found[1] or found[2]).split("\u2019, \u2018")
            _note(self.passed_over, (PurePosixPath(name).name[:_NAME] for name in names))
        self.too_old = self.too_old or _TOO_OLD.search(line) is not None
        if found := _LACKING.search(line):
            _note(self.lacking, (found[1] or found[2] or found[3],))
        if found := _UNREACHABLE.search(line):
            _note(self.unreachable, (found[1],))
        super().add(line)


def _note(known: set[str], names: Iterable[str]) -> None:
    known.update(islice(names, max(_NOTED - len(known), 0)))


@dataclass
class PackagesOfR:
    """What one build installs.

    Attributes:
        environment: gets it.
        detection: what the repository asks for.
        mirror: of CRAN.
        read: reads the repository's files.
        step: runs a program that may change the environment, with a log.
        tell: told what happens.
        log: told what programs say.
    """

    environment: Path
    detection: Detection
    mirror: str
    read: Read
    step: Callable[[Sequence[str], Log], Awaitable[None]]
    tell: Tell
    log: Log

    def __post_init__(self) -> None:
        # It is told before anything is installed that a lock is none.
        self._named = locked(self._lock, self.read(self._lock) or b"") if self._lock else Locked()

    @property
    def anything(self) -> bool:
        """Whether there is anything to install."""
        return bool(self._script or self._lock or self._itself)

    @property
    def _script(self) -> str:
        return self.detection.file("install.R")

    @property
    def _lock(self) -> str:
        return self.detection.file(R_LOCK)

    @property
    def _itself(self) -> str:
        there = not self.detection.binder_dir and self.read("DESCRIPTION") is not None
        return "DESCRIPTION" if there else ""

    async def install(self) -> None:
        """Install everything.

        Raises:
            BuildFailed, NoSpace, LaunchFailed.
        """
        if self._script:
            await self._install(self._script, partial(self._rscript, f"./{self._script}"))
        if self._lock:
            await self._locked()
        if self._itself:
            await self._install(self._itself, self._as_package)

    async def _locked(self) -> None:
        path, named = self._lock, self._named
        self.tell(say("Of {path} the names count, not the versions", path=path))
        if elsewhere := ", ".join(named.elsewhere):
            text = "{path}: left out, as CRAN does not have them: {names}"
            self.tell(say(text, path=path, names=elsewhere))
        if named.names:
            await self._install(path, partial(self._rscript, "-e", _MISSING, *named.names))

    async def _as_package(self, log: Installing) -> None:
        await self._rscript("-e", _ITSELF.format(upgrade="never"), log=log)
        if log.too_old and log.passed_over:
            log.passed_over.clear()
            self.tell(say("A package of the system is too old for it: taking the newest of CRAN"))
            await self._rscript("-e", _ITSELF.format(upgrade="always"), log=log)

    async def _rscript(self, *words: str, log: Log) -> None:
        await self.step([*conda.activation(self.environment), *_RSCRIPT, *words], log)

    async def _install(self, path: str, work: Callable[..., Awaitable[None]]) -> None:
        self.tell(say("Installing packages of R: {path}", 50, path=path))
        log = Installing(self.log.tell)
        try:
            await work(log=log)
        except ProcessFailed as failure:
            what = Sentence(
                "Installing the packages of {path} failed ({status}).",
                path=path,
                status=status(failure),
            )
            raise explained(failure, what, uv_says=False) from failure
        if log.passed_over and self.mirror.rstrip("/") in log.unreachable:
            # Such an environment would be kept, and be everybody's for this repository.
            raise BuildFailed(
                "{path}: packages of R could not be fetched, as {mirror} could not be reached. Try "
                "again later, and tell the administrator if it stays so.",
                path=path,
                mirror=self.mirror,
                detail=log.end,
            )
        if log.passed_over:
            names = ", ".join(sorted(log.passed_over))
            self.tell(say("{path} went on without these packages: {names}", path=path, names=names))
        if log.passed_over and log.lacking:
            self.tell(say(_NOT_COMPILED, names=", ".join(sorted(log.lacking)[:_FEW])))
