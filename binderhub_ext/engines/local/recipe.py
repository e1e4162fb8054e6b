"""The steps that turn a repository's files into an environment.

Order matters for safety. Our own uv works in an environment that it begins itself, and only
before anything of a stranger did; after that the environment's interpreter runs in the sandbox
alone, and our own code only lists, moves and changes modes, by descriptor. Code of strangers
runs in `Workshop.run` and nowhere else.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from uuid import uuid4

from ...core.environment import is_python_package
from ...core.progress import Tell
from ...core.requirements import Line, decode, requirement_lines
from ...programs import Log, ProcessFailed, program, run
from ...storage.beneath import beneath, open_file
from ..detect import Detection, reader
from . import conda, pipfile, trial, uv
from .bytecode import lend_bytecode, place_bytecode
from .environment import site_packages
from .foreign import REPO, UV, Workshop
from .made import files_in, keep_made
from .model import clone, empty_folder, is_same
from .uv import COPY, LINK, Requirements
from .words import explained, network_trouble, output, say, status

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


@dataclass
class Recipe:
    """One build.

    Attributes:
        detection: what the repository asks for.
        workshop: where it happens; its `repo` holds the checkout.
        base: requirement lines of the server's packages.
        cache: uv's cache that environments share files with.
        tell: told what happens.
        conda_program: micromamba, mamba or conda for a conda repository, or `None`.
        model: an environment with nothing but the server's packages, to begin from, or `None`.
    """

    detection: Detection
    workshop: Workshop
    base: tuple[str, ...]
    cache: Path
    tell: Tell
    conda_program: str | None = None
    model: Path | None = None

    def __post_init__(self) -> None:
        self._log = Log(lambda line: self.tell(output(line)))
        self._read = reader(self.workshop.repo)
        self._path = self.workshop.environment
        self.start = self._configured("start")
        self.post_build = self.detection.file("postBuild")
        self._conda_file = self.detection.file("environment.yml") or self.detection.file(
            "environment.yaml"
        )
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

    async def make(self) -> None:
        """Make the environment.

        Raises:
            BuildFailed, NoSpace, LaunchFailed.
        """
        await self._packages()
        await self._post_build()
        await self._smoke()

    def provides(self) -> tuple[str, ...]:
        """The interfaces the environment offers, by what is installed."""
        names: set[str] = set()
        for site in site_packages(self._path).values():
            with beneath(self._path, site) as folder:
                names |= {entry.name.partition("-")[0].lower() for entry in os.scandir(folder)}
        return tuple(word for name, word in _OFFERS.items() if name in names)

    # --- packages -------------------------------------------------------------------------

    async def _packages(self) -> None:
        if self.conda_program:
            await self._conda_packages(self.conda_program)
        elif self.requirements.trusted and not self.package:
            await self._wheels_first()
        else:
            await self._sandboxed()

    async def _wheels_first(self) -> None:
        self.tell(say("Installing packages", 10))
        try:
            await self._own_uv(self.requirements, self.link)
        except ProcessFailed as failure:
            if not uv.needs_building(failure.tail):
                raise explained(failure, "Installing the packages failed.") from failure
            self.tell(say("Some packages have no wheel and are built from source"))
            await self._sandboxed()

    async def _sandboxed(self) -> None:
        """The server's packages as always, the repository's in the sandbox."""
        self.tell(say("Installing the server", 10))
        # Without root, whatever runs next could write into files shared with the cache.
        link = COPY if self.workshop.uid is None else LINK
        try:
            await self._own_uv(Requirements(self.base), link)
        except ProcessFailed as failure:
            raise explained(failure, "Installing the server's packages failed.") from failure
        self.workshop.open_environment()
        self.tell(say("Installing the repository's packages", 35))
        try:
            await self._step(self._sandbox_install())
        except ProcessFailed as failure:
            raise explained(failure, "Installing the repository's packages failed.") from failure

    async def _own_uv(self, requirements: Requirements, link: str) -> None:
        """Our own uv into an empty environment; once more from the cache if the net is down."""
        own = self.workshop.own
        (own / "requirements.txt").write_text(requirements.text())
        (own / "excludes.txt").write_text(requirements.excludes)
        install = uv.install(
            self._path,
            requirements=[str(own / "requirements.txt")],
            link=link,
            build=False,
            excludes=str(own / "excludes.txt"),
            options=requirements.options,
        )
        try:
            await self._from_nothing(install, link)
        except ProcessFailed as failure:
            if not network_trouble(failure):
                raise
            self.tell(say("The package index cannot be reached; trying with what is kept here"))
            await self._from_nothing([*install, "--offline"], link)

    async def _from_nothing(self, install: Sequence[str], link: str) -> None:
        """Install into an environment that holds nothing else.

        uv runs the environment's interpreter, here as the Hub itself, and with it whatever
        start-up files an attempt before had installed.
        """
        await asyncio.to_thread(empty_folder, self._path)
        empty = uv.venv(self.workshop.python, self._path)
        if link == COPY or not await self._cloned():
            await self._run(empty)
        await self._run(install)

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
        base = self.workshop.want("base.txt", "\n".join([*self.base, ""]))
        argv = uv.install(
            self._path,
            requirements=[base, *self._requirement_files(), *(["."] if self.package else [])],
            link=COPY,
            build=True,
            foreign=True,
            excludes=self.workshop.want("excludes.txt", self.requirements.excludes),
            options=self.requirements.options,
        )
        return [UV, *argv[1:]]

    def _requirement_files(self) -> list[str]:
        if self.detection.buildpack == "PipfileBuildPack":
            lines = [line.text for line in self.requirements.lines]
            return [self.workshop.want("pipfile.txt", "\n".join([*lines, ""]))]
        return [path] if (path := self.detection.file("requirements.txt")) else []

    async def _conda_packages(self, program: str) -> None:
        self.tell(say("Installing packages with conda", 10))
        conda.prepare_prefix(self._path)
        self.workshop.open_environment(files=True)
        base = self.workshop.want("base.txt", "\n".join([*self.base, ""]))
        server = uv.install(self._path, requirements=[base], link=COPY, build=False, foreign=True)
        file = await asyncio.to_thread(self._completed, self._conda_file)
        packages = conda.install(program, self._path, file, self.workshop.cache)
        try:
            for argv in (packages, [UV, *server[1:]]):
                await self._step(argv)
        except ProcessFailed as failure:
            message = f"Installing {self._conda_file} failed."
            raise explained(failure, message) from failure

    def _completed(self, file: str) -> str:
        """The file with what is missing, beside it, since it may name others relative to it.

        Nothing of the repository ran yet.
        """
        root = self.workshop.repo.resolve()
        place = PurePosixPath((root / file).resolve().parent.relative_to(root))
        content = conda.completed(self._read(file) or b"", self.detection.python)
        name = f"{uuid4().hex}.yml"
        with beneath(root, place) as folder:
            created = open_file(folder, name.encode(), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
            with os.fdopen(created, "w") as new:
                new.write(content)
                os.fchmod(created, 0o644)
        return str(Path(REPO, place, name))

    # --- after the packages ---------------------------------------------------------------

    async def _post_build(self) -> None:
        if not self.post_build:
            return
        self.tell(say("Running postBuild", 60))
        self.workshop.open_environment()
        repo = self.workshop.repo
        before = await asyncio.to_thread(files_in, repo)
        # A shell starts it so that a script without an interpreter line runs, as in a RUN line.
        argv = ["/bin/sh", "-c", 'chmod +x "$0" && "$0"', f"./{self.post_build}"]
        try:
            await self._step(argv)
        except ProcessFailed as failure:
            raise explained(
                failure,
                f"{self.post_build} ended with {status(failure)}. The end of the log says why.",
                uv_says=False,
            ) from failure
        self.made = await asyncio.to_thread(keep_made, repo, before, self.workshop.made)
        if self.made:
            told = f"postBuild made {self.made} files; they come with each new project."
            self.tell(output(told))

    async def _smoke(self) -> None:
        if (
            self.model
            and not self.changed
            and await asyncio.to_thread(is_same, self.model, self._path)
        ):
            return
        self.tell(say("Trying whether a server starts", 75))
        bytecode = self.workshop.bytecode
        if self.model:
            link = self.workshop.uid is not None
            await asyncio.to_thread(lend_bytecode, self.model, self._path, bytecode, link=link)
        await asyncio.to_thread(self.workshop.open_trial)
        argv = trial.command(self._path, bytecode)
        try:
            await self.workshop.run(self.workshop.trial(argv), self._log)
        except ProcessFailed as failure:
            raise explained(
                failure,
                "The packages are installed, but a Jupyter server does not start with them "
                f"({status(failure)}).",
                uv_says=False,
            ) from failure
        await asyncio.to_thread(place_bytecode, bytecode, self._path)

    # --- running --------------------------------------------------------------------------

    async def _run(self, argv: Sequence[str]) -> None:
        """Our own uv, where nobody else can write."""
        own = self.workshop.own
        await run(program(argv, cwd=own, env=uv.environment(own, self.cache)), self._log)

    async def _step(self, argv: Sequence[str]) -> None:
        self.changed = True
        await self.workshop.run(self.workshop.step(argv), self._log)

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
