"""The steps that turn a repository's files into an environment.

Order matters for safety. Our own uv works in the environment only before anything of a
stranger did; after that the environment's interpreter runs in the sandbox alone, and our own
code only lists, copies and changes modes, following no link.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from ...core.environment import is_python_package
from ...core.errors import BinderError, BuildFailed, NoSpace
from ...core.progress import Event, Phase
from ...core.requirements import Line, decode, requirement_lines
from ..detect import Detection, reader
from ..process import Log, ProcessFailed, program, run
from . import conda, pipfile, uv
from .bytecode import lend_bytecode, place_bytecode
from .foreign import REPO, UV, Workshop
from .made import files_in, keep_made
from .model import clone, empty_folder, is_same
from .uv import COPY, LINK, Requirements

_OFFERS = {
    "jupyterlab": "lab",
    "notebook": "notebook",
    "nbclassic": "nbclassic",
    "voila": "voila",
    "panel": "panel",
    "shiny": "shiny",
    "streamlit": "streamlit",
    "bokeh": "bokeh",
}
"""Distributions by which an interface is recognised."""

_NETWORK_TROUBLE = re.compile(
    r"dns error|error sending request|Could not connect|Failed to fetch|Network is unreachable"
    r"|Temporary failure in name resolution|connection refused",
    re.IGNORECASE,
)

# What a server imports before it answers: the run that shows that the environment works also
# leaves bytecode for exactly this. Two processes share the compiling, which takes most of the time:
# the Hub's package with what it brings along is nearly a third of it.
_SMOKE = """
import importlib, os, runpy, sys
def load(*names):
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException:
            pass
kernel = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "IPython.terminal",
    "matplotlib_inline.backend_inline", "nbconvert.exporters",
)
other = os.fork()
if not other:
    load("jupyterhub.orm", *kernel)
    os._exit(0)
load(
    "jupyter_server.serverapp", "jupyterlab.labapp", "notebook.app", "jupyterlab.extension",
    "jupyter_lsp.extension", "notebook_shim.nbserver", "jupyter_server_terminals.app",
    "jupyter_resource_usage", "jupyterhub.singleuser.extension",
)
os.waitpid(other, 0)
load(*kernel)
sys.argv = ["jupyterhub-singleuser", "--version"]
runpy.run_module("jupyterhub.singleuser", run_name="__main__")
"""


@dataclass
class Recipe:
    """One build.

    Attributes:
        detection: what the repository asks for.
        workshop: where it happens; its `repo` holds the checkout.
        base: requirement lines of the server's packages.
        cache: uv's cache that environments share files with.
        conda_program: micromamba, mamba or conda for a conda repository, or `None`.
        model: an environment with nothing but the server's packages, to begin from, or `None`.
        log: the whole build's output.
    """

    detection: Detection
    workshop: Workshop
    base: tuple[str, ...]
    cache: Path
    conda_program: str | None = None
    model: Path | None = None
    log: Log = field(default_factory=Log)

    def __post_init__(self) -> None:
        self._read = reader(self.workshop.repo)
        self._path = self.workshop.environment
        self.start = self._configured("start")
        self.post_build = self.detection.file("postBuild")
        in_root = not self.detection.binder_dir
        python = self.detection.buildpack == "PythonBuildPack"
        self.package = in_root and python and is_python_package(self._read)
        self.requirements = Requirements(self.base, tuple(self._lines()))
        # Whether code of the repository had the environment open for change.
        self.changed = False
        # How many files postBuild made in the repository's folder; they are in `workshop.made`.
        self.made = 0

    @property
    def runs_foreign_code(self) -> bool:
        """Whether it is known beforehand that the repository's own code changes the result."""
        return bool(
            self.package or self.post_build or self.conda_program or not self.requirements.trusted
        )

    @property
    def link(self) -> str:
        """How our own uv puts files in place.

        Code of a repository that runs as our own uid could write into a shared file.
        """
        return COPY if self.workshop.uid is None and self.runs_foreign_code else LINK

    async def steps(self) -> AsyncGenerator[Event]:
        """Make the environment, telling about it.

        Raises:
            BuildFailed, NoSpace, LaunchFailed.
        """
        for step in (self._packages(), self._post_build(), self._smoke()):
            async with aclosing(step):
                async for event in step:
                    yield event

    def provides(self) -> tuple[str, ...]:
        """The interfaces the environment offers, by what is installed."""
        names: set[str] = set()
        for site in self._path.glob("lib/python3.*/site-packages"):
            if site.resolve() == site:
                names |= {entry.name.partition("-")[0].lower() for entry in os.scandir(site)}
        return tuple(word for name, word in _OFFERS.items() if name in names)

    # --- packages -------------------------------------------------------------------------

    async def _packages(self) -> AsyncGenerator[Event]:
        if self.conda_program:
            step = self._conda_packages(self.conda_program)
        elif self.requirements.trusted and not self.package:
            step = self._wheels_first()
        else:
            step = self._sandboxed()
        async with aclosing(step):
            async for event in step:
                yield event

    async def _wheels_first(self) -> AsyncGenerator[Event]:
        yield _say("Installing packages", 10)
        try:
            async for event in self._own_uv(self.requirements, self.link):
                yield event
        except ProcessFailed as failure:
            if not uv.needs_building(failure.tail):
                raise _explained(failure, "Installing the packages failed.") from failure
            yield _say("Some packages have no wheel and are built from source")
            async for event in self._sandboxed():
                yield event

    async def _sandboxed(self) -> AsyncGenerator[Event]:
        """The server's packages as always, the repository's in the sandbox."""
        yield _say("Installing the server", 10)
        # Without root, whatever runs next could write into files shared with the cache.
        link = COPY if self.workshop.uid is None else LINK
        try:
            async for event in self._own_uv(Requirements(self.base), link):
                yield event
        except ProcessFailed as failure:
            raise _explained(failure, "Installing the server's packages failed.") from failure
        self.workshop.open_environment()
        yield _say("Installing the repository's packages", 35)
        try:
            async for event in self._foreign(self._sandbox_install(), change=True):
                yield event
        except ProcessFailed as failure:
            raise _explained(failure, "Installing the repository's packages failed.") from failure

    async def _own_uv(self, requirements: Requirements, link: str) -> AsyncGenerator[Event]:
        """Our own uv into an empty environment; once more from the cache if the net is down."""
        scratch = self.workshop.scratch
        private = scratch / "own"
        private.mkdir(mode=0o700, exist_ok=True)
        (private / "requirements.txt").write_text(requirements.text())
        (private / "excludes.txt").write_text(requirements.excludes)
        env = uv.environment(private, self.cache)
        empty = uv.venv(self.workshop.python, self._path)
        install = uv.install(
            self._path,
            requirements=[str(private / "requirements.txt")],
            link=link,
            build=False,
            excludes=str(private / "excludes.txt"),
            options=requirements.options,
        )
        if link == COPY or not await self._cloned():
            async for event in self._run(empty, private, env):
                yield event
        try:
            async for event in self._run(install, private, env):
                yield event
        except ProcessFailed as failure:
            if not _NETWORK_TROUBLE.search(failure.tail):
                raise
            yield _say("The package index cannot be reached; trying with what is kept here")
            async for event in self._run([*install, "--offline"], private, env):
                yield event

    async def _cloned(self) -> bool:
        """Begin from the model, if there is one and this disk can."""
        if not self.model:
            return False
        try:
            await asyncio.to_thread(clone, self.model, self._path)
        except OSError:
            await asyncio.to_thread(empty_folder, self._path)
            return False
        return True

    def _sandbox_install(self) -> list[str]:
        """uv's command inside; cwd is the repository, so relative places mean what they say."""
        folder = self.workshop.scratch / "wanted"
        folder.mkdir(exist_ok=True)
        base = folder / "base.txt"
        base.write_text("\n".join([*self.base, ""]))
        excludes = folder / "excludes.txt"
        excludes.write_text(self.requirements.excludes)
        files = [str(base), *self._requirement_files(folder)]
        argv = uv.install(
            self._path,
            requirements=[*files, *(["."] if self.package else [])],
            link=COPY,
            build=True,
            excludes=str(excludes),
            options=self.requirements.options,
        )
        return [UV, *argv[1:]]

    def _requirement_files(self, folder: Path) -> list[str]:
        if self.detection.buildpack == "PipfileBuildPack":
            converted = folder / "pipfile.txt"
            converted.write_text("\n".join([line.text for line in self.requirements.lines] + [""]))
            return [str(converted)]
        return [path] if (path := self.detection.file("requirements.txt")) else []

    async def _conda_packages(self, program: str) -> AsyncGenerator[Event]:
        yield _say("Installing packages with conda", 10)
        file = self.detection.file("environment.yml") or self.detection.file("environment.yaml")
        conda.prepare_prefix(self._path)
        self.workshop.open_environment(files=True)
        base = self.workshop.scratch / "base.txt"
        base.write_text("\n".join([*self.base, ""]))
        server = uv.install(self._path, requirements=[str(base)], link=COPY, build=False)
        packages = conda.install(program, self._path, self._completed(file), self.workshop.cache)
        try:
            for argv in (packages, [UV, *server[1:]]):
                async for event in self._foreign(argv, change=True):
                    yield event
        except ProcessFailed as failure:
            raise _explained(failure, f"Installing {file} failed.") from failure

    def _completed(self, file: str) -> str:
        """The file with what is missing, beside it, since it may name others relative to it."""
        place = (self.workshop.repo / file).resolve().parent
        with NamedTemporaryFile("w", dir=place, suffix=".yml", delete=False) as new:
            new.write(conda.completed(self._read(file) or b"", self.detection.python))
            os.fchmod(new.fileno(), 0o644)
        return str(Path(REPO, Path(new.name).relative_to(self.workshop.repo.resolve())))

    # --- after the packages ---------------------------------------------------------------

    async def _post_build(self) -> AsyncGenerator[Event]:
        if not self.post_build:
            return
        yield _say("Running postBuild", 60)
        self.workshop.open_environment()
        repo = self.workshop.repo
        before = await asyncio.to_thread(files_in, repo)
        script = repo / self.post_build
        script.chmod(script.stat().st_mode | 0o111)
        # A shell starts it so that a script without an interpreter line runs, as in a RUN line.
        argv = ["/bin/sh", "-c", '"$0"', f"./{self.post_build}"]
        try:
            async for event in self._foreign(argv, change=True):
                yield event
        except ProcessFailed as failure:
            raise _explained(
                failure,
                f"{self.post_build} ended with {_status(failure)}. The end of the log says why.",
                uv_says=False,
            ) from failure
        self.made = await asyncio.to_thread(keep_made, repo, before, self.workshop.made)
        if self.made:
            yield _log(f"postBuild made {self.made} files; they come with each new project.")

    async def _smoke(self) -> AsyncGenerator[Event]:
        if (
            self.model
            and not self.changed
            and await asyncio.to_thread(is_same, self.model, self._path)
        ):
            return
        yield _say("Trying whether a server starts", 75)
        bytecode = self.workshop.bytecode
        if self.model:
            link = self.workshop.uid is not None
            await asyncio.to_thread(lend_bytecode, self.model, self._path, bytecode, link=link)
        python = str(self._path / "bin" / "python")
        prefix = f"pycache_prefix={bytecode}"
        try:
            argv = [python, "-X", prefix, "-c", _SMOKE]
            async for event in self._foreign(argv, change=False, network=False):
                yield event
        except ProcessFailed as failure:
            raise _explained(
                failure,
                "The packages are installed, but a Jupyter server does not start with them "
                f"({_status(failure)}).",
                uv_says=False,
            ) from failure
        await asyncio.to_thread(place_bytecode, bytecode, self._path)

    # --- running --------------------------------------------------------------------------

    async def _run(
        self, argv: Sequence[str], cwd: Path, env: dict[str, str]
    ) -> AsyncGenerator[Event]:
        async with aclosing(run(program(argv, cwd=cwd, env=env), log=self.log)) as lines:
            async for line in lines:
                yield _log(line)

    async def _foreign(
        self, argv: Sequence[str], *, change: bool, network: bool = True
    ) -> AsyncGenerator[Event]:
        self.changed = self.changed or change
        lines = self.workshop.run(argv, log=self.log, change=change, network=network)
        async with aclosing(lines):
            async for line in lines:
                yield _log(line)

    # --- reading the repository -----------------------------------------------------------

    def _configured(self, name: str) -> bytes | None:
        return self._read(path) if (path := self.detection.file(name)) else None

    def _lines(self) -> list[Line]:
        lock, plain = self._configured("Pipfile.lock"), self._configured("Pipfile")
        if self.detection.buildpack == "PipfileBuildPack":
            texts = pipfile.from_lock(lock) if lock else pipfile.from_pipfile(plain or b"")
            return list(requirement_lines("\n".join(texts)))
        if self.detection.buildpack == "CondaBuildPack":
            return []
        return list(requirement_lines(decode(self._configured("requirements.txt") or b"")))


def _say(message: str, progress: int | None = None) -> Event:
    return Event(Phase.BUILDING, message, {} if progress is None else {"progress": progress})


def _log(line: str) -> Event:
    return Event(Phase.BUILDING, line, {"log": True})


def _status(failure: ProcessFailed) -> str:
    if failure.status in (-9, 137):
        return "signal 9; it may have used more memory than a build may"
    return f"signal {-failure.status}" if failure.status < 0 else f"status {failure.status}"


def _explained(failure: ProcessFailed, otherwise: str, *, uv_says: bool = True) -> BinderError:
    """The error for people: what uv, the disk or the network said, or the step's own words."""
    if "No space left on device" in failure.tail or "Disk quota exceeded" in failure.tail:
        return NoSpace(
            "The disk was full during the build. Ask the administrator to make room.",
            detail=failure.tail,
        )
    if uv_says and _NETWORK_TROUBLE.search(failure.tail):
        return BuildFailed(
            "A package index or another host could not be reached during the build. "
            "Try again later.",
            detail=failure.tail,
        )
    return BuildFailed((uv_says and uv.explain(failure.tail)) or otherwise, detail=failure.tail)
