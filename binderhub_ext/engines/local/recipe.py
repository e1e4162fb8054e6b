"""The steps that turn a repository's files into an environment.

Order matters for safety. Our own uv works in an environment that it begins itself, and only
before anything of a stranger did; after that the environment's interpreter runs in the sandbox
alone, and our own code only lists, moves and changes modes, by descriptor. Code of strangers
runs in `BuildSandbox.run` and nowhere else.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...beneath import beneath, lstat_beneath
from ...core.environment import has_build_system, is_python_package
from ...core.locks import find_lock
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...programs import Log, ProcessFailed, program, run
from .. import given, node
from ..base import PROXY
from ..configuration import reader
from ..detect import Detection
from . import trial, uv
from .asked import asked_for, wanted
from .buildsandbox import UV, BuildSandbox
from .bytecode import lend_bytecode, place_bytecode
from .choices import TRACE, Choices, differ, installed, pins, plain
from .condabuild import Conda, CondaPackages
from .environment import site_packages
from .made import KeptFiles, ScriptFolder, keep_made
from .model import clone, empty_folder, is_same
from .rbuild import PackagesOfR
from .rlang import is_r
from .supervised import in_thread
from .uv import COPY, LINK, Requirements
from .words import explained, network_trouble, say, script_failed, status

_OFFERS = {
    "jupyterlab": "lab",
    "notebook": "notebook",
    "nbclassic": "nbclassic",
    "voila": "voila",
    "panel": "panel",
    "shiny": "shiny",
    "streamlit": "streamlit",
    "bokeh": "bokeh",
    "jupyter_server_proxy": PROXY,
}
"""Distributions by which an interface is recognised."""

_NOT_LOOKED_UP = (
    "Whether newer versions of some packages exist that have to be built could not be looked up"
)

_NO_SERVER = "The packages are installed, but a Jupyter server does not start with them ({status})."


@dataclass
class Recipe:
    """One build.

    Attributes:
        detection: what the repository asks for.
        sandbox: where it happens; its `repo` holds the checkout.
        base: requirement lines of the server's packages.
        cache: uv's cache that environments share files with.
        tell: told what happens.
        conda: how packages of conda are come by, for a repository that asks for them, or `None`.
        model: an environment with nothing but the server's packages, to begin from, or `None`.
    """

    detection: Detection
    sandbox: BuildSandbox
    base: tuple[str, ...]
    cache: Path
    tell: Tell
    conda: Conda | None = None
    model: Path | None = None

    def __post_init__(self) -> None:
        self._log = Log(lambda line: self.tell(Event.log(Phase.BUILDING, line)))
        self._read = reader(self.sandbox.repo)
        self._path = self.sandbox.environment
        self.start = self._configured("start")
        self.post_build = self.detection.file("postBuild")
        in_root = not self.detection.binder_dir
        python = self.detection.buildpack == "PythonBuildPack" or is_r(self.detection)
        self.package = in_root and python and is_python_package(self._read)
        self.r = PackagesOfR(
            self.detection, self.sandbox.cran, self._read, self._step, self.tell, self._log
        )
        self.requirements = asked_for(self.detection, self.base, self.sandbox.repo)
        # Whether code of the repository had the environment open for change.
        self.changed = False
        # What postBuild made beside the environment; it is in `sandbox.made`.
        self.made = KeptFiles()

    @property
    def runs_foreign_code(self) -> bool:
        """Whether it is known beforehand that the repository's own code changes the result."""
        known = self.package or self.post_build or self.conda or self._installs_r
        return bool(known or not self.requirements.trusted)

    @property
    def _installs_r(self) -> bool:
        return is_r(self.detection) and self.r.anything

    @property
    def link(self) -> str:
        """How our own uv puts files in place.

        Code of a repository that runs as our own uid could write into a shared file.
        """
        return COPY if self.sandbox.uid is None and self.runs_foreign_code else LINK

    async def make(self) -> None:
        """Make the environment.

        Raises:
            BuildFailed, NoSpace, LaunchFailed.
        """
        await self._packages()
        if self._installs_r:
            self.sandbox.open_environment()
            await self.r.install()
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
        if self.conda:
            await self._of_conda(self.conda).install()
        elif self.requirements.trusted and not self.package:
            await self._wheels_first()
        else:
            await self._sandboxed()

    def _of_conda(self, conda: Conda) -> CondaPackages:
        detection = self.detection
        return CondaPackages(
            conda=conda,
            sandbox=self.sandbox,
            file=detection.conda_lock
            or detection.file("environment.yml")
            or detection.file("environment.yaml"),
            base=self.base,
            read=self._read,
            step=self._step,
            tell=self.tell,
            log=self._log,
            model=self.model,
            lock=find_lock(detection.binder_dir, self._read) if detection.conda_lock else None,
        )

    async def _wheels_first(self) -> None:
        self.tell(say("Installing packages", 10))
        choices = Choices(self._log.tell)
        try:
            await self._own_uv(self.requirements, self.link, choices)
            if await self._is_what_pip_takes(choices):
                return
            self.tell(say("Newer versions have no wheel and are built from source"))
            await self._sandboxed()
        except ProcessFailed as failure:
            if not uv.needs_building(failure.tail):
                what = Sentence("Installing the packages failed.")
                raise explained(failure, what, base=self.base) from failure
            self.tell(say("Some packages have no wheel and are built from source"))
            await self._sandboxed()

    async def _is_what_pip_takes(self, choices: Choices) -> bool:
        """Whether nothing was left out because it has no wheel."""
        if self.requirements.prefers_wheels or (choices.known and not choices.passed_over):
            return True
        versions = await asyncio.to_thread(installed, self._path)
        preferred = self.sandbox.temp / "preferred.txt"
        preferred.write_text(pins(versions, choices.passed_over))
        words = wanted(Requirements((), *self.requirements.asked), self.sandbox.want)
        argv = uv.compile(
            self._path, words, preferred=str(preferred), options=self.requirements.options
        )
        answer: list[str] = []
        try:
            await self.sandbox.run(self.sandbox.look([UV, *argv[1:]]), Log(answer.append))
        except ProcessFailed as failure:
            if network_trouble(failure):
                self.tell(say(_NOT_LOOKED_UP))
            return network_trouble(failure)
        return not differ(answer, versions)

    async def _sandboxed(self) -> None:
        """The server's packages as always, the repository's in the sandbox."""
        self.tell(say("Installing the server", 10))
        # Without root, whatever runs next could write into files shared with the cache.
        link = COPY if self.sandbox.uid is None else LINK
        try:
            await self._own_uv(Requirements(self.base, (), self.requirements.checked), link)
        except ProcessFailed as failure:
            what = Sentence("Installing the server's packages failed.")
            raise explained(failure, what) from failure
        self.sandbox.open_environment()
        self.tell(say("Installing the repository's packages", 35))
        try:
            await self._repository_packages()
        except ProcessFailed as failure:
            what = Sentence("Installing the repository's packages failed.")
            raise explained(failure, what, base=self.base) from failure

    async def _repository_packages(self) -> None:
        listed = wanted(self.requirements, self.sandbox.want)
        if not self.package:
            await self._step(self._uv(listed))
            return
        try:
            await self._step(self._uv([*listed, "."]))
        except ProcessFailed as failure:
            if network_trouble(failure):
                raise
            self.tell(
                say("Installing as pip does instead: what is listed first, then the repository")
            )
            await self._step(self._uv(listed))
            await self._package_by_itself()

    async def _package_by_itself(self) -> None:
        """The repository as a package, when all that it lists is installed.

        Without a build system of its own, its `setup.py` may import that, as with older pip.
        """
        base = wanted(Requirements(self.base), self.sandbox.want)
        if has_build_system(self._read):
            await self._step(self._uv([*base, "."]))
            return
        tools = self.sandbox.want("tools.txt", "setuptools\nwheel\n")
        await self._step(self._uv([*base, "-r", tools]))
        await self._step(self._uv([*base, "--no-build-isolation", "."]))

    async def _own_uv(self, requirements: Requirements, link: str, log: Log | None = None) -> None:
        """Our own uv into an empty environment; once more from the cache if the net is down."""
        log = log or self._log
        install = uv.install(
            self._path,
            wanted(requirements, self._own_file),
            link=link,
            build=False,
            excludes=self._own_file("excludes.txt", requirements.excludes),
            options=requirements.options,
        )
        try:
            await self._from_nothing(install, requirements, link, log)
        except ProcessFailed as failure:
            if not network_trouble(failure):
                raise
            self.tell(say("The package index cannot be reached; trying with what is kept here"))
            await self._from_nothing([*install, "--offline"], requirements, link, log)

    async def _from_nothing(
        self, install: Sequence[str], requirements: Requirements, link: str, log: Log
    ) -> None:
        """Install into an environment that holds nothing else.

        uv runs the environment's interpreter, here as the Hub itself, and with it whatever
        start-up files an attempt before had installed.
        """
        await in_thread(empty_folder, self._path)
        empty = uv.venv(self.sandbox.python, self._path)
        if link == COPY or not await self._cloned(requirements):
            await self._run(empty, log)
        await self._run(install, log)

    async def _cloned(self, requirements: Requirements) -> bool:
        """Begin from the model, if there is one, it leaves nothing unchecked and this disk can."""
        if not self.model:
            return False
        if requirements.is_checked_in(await asyncio.to_thread(installed, self.model)):
            return False
        try:
            await in_thread(clone, self.model, self._path)
        except OSError:
            await in_thread(empty_folder, self._path)
            return False
        return True

    def _uv(self, wanted: Sequence[str]) -> list[str]:
        """uv's command inside; cwd is the repository, so relative places mean what they say."""
        argv = uv.install(
            self._path,
            wanted,
            link=COPY,
            build=True,
            foreign=True,
            excludes=self.sandbox.want("excludes.txt", self.requirements.excludes),
            options=self.requirements.options,
        )
        return [UV, *argv[1:]]

    def _own_file(self, name: str, text: str) -> str:
        """Write a file that our own uv reads; its path."""
        path = self.sandbox.own / name
        path.write_text(text)
        return str(path)

    # --- after the packages ---------------------------------------------------------------

    async def _post_build(self) -> None:
        if not self.post_build:
            return
        self.tell(say("Running postBuild", 60))
        self.sandbox.open_environment()
        script = self._read(self.post_build) or b""
        if node.uses_node(script) and not self._has_npm():
            await self._install_node()
        places = ScriptFolder.repo(self.sandbox.repo), ScriptFolder.home(self.sandbox.home)
        before = await asyncio.to_thread(lambda: {place: place.files() for place in places})
        # A shell starts it so that a script without an interpreter line runs, as in a RUN line.
        argv = ["/bin/sh", "-c", 'chmod +x "$0" && "$0"', f"./{self.post_build}"]
        try:
            await self._step(argv)
        except ProcessFailed as failure:
            raise script_failed(failure, self.detection.named("postBuild"), script) from failure
        self.made = await in_thread(keep_made, before, self.sandbox.made)
        for words in given.told(self.made.count, self.made.left):
            self.tell(Event.log(Phase.BUILDING, words))

    def _has_npm(self) -> bool:
        """Whether the sandbox shows npm: of the machine, or of what was installed."""
        if lstat_beneath(self._path, "bin/npm"):
            return True
        if system := self.sandbox.system:
            return lstat_beneath(system, "usr/bin/npm") is not None
        return shutil.which("npm", path="/usr/local/bin:/usr/bin:/bin") is not None

    async def _install_node(self) -> None:
        """Have Node.js from the package index, if it has it; postBuild says what it lacks."""
        self.tell(say("Installing Node.js, which postBuild uses and this machine has not"))
        with suppress(ProcessFailed):
            package = self.sandbox.want("node.txt", f"{node.PACKAGE}\n")
            await self._step(self._uv(["-r", package]))

    async def _smoke(self) -> None:
        if (
            self.model
            and not self.changed
            and not self.sandbox.system
            and await asyncio.to_thread(is_same, self.model, self._path)
        ):
            return
        self.tell(say("Checking that a server starts", 75))
        bytecode = self.sandbox.bytecode
        if self.model:
            link = self.sandbox.uid is not None
            await in_thread(lend_bytecode, self.model, self._path, bytecode, link=link)
        await in_thread(self.sandbox.open_trial)
        argv = trial.command(self._path, bytecode)
        try:
            await self.sandbox.run(self.sandbox.trial(argv), self._log)
        except ProcessFailed as failure:
            what = Sentence(_NO_SERVER, status=status(failure))
            raise explained(failure, what, uv_says=False) from failure
        await in_thread(place_bytecode, bytecode, self._path)

    # --- running --------------------------------------------------------------------------

    async def _run(self, argv: Sequence[str], log: Log) -> None:
        """Our own uv, where nobody else can write."""
        own = self.sandbox.own
        env = {**uv.environment(own, self.cache), **(TRACE if isinstance(log, Choices) else {})}
        try:
            await run(program(argv, cwd=own, env=env), log)
        except ProcessFailed as failure:
            raise ProcessFailed(failure.status, plain(failure.tail)) from failure

    async def _step(self, argv: Sequence[str], log: Log | None = None) -> None:
        self.changed = True
        await self.sandbox.run(self.sandbox.step(argv), log or self._log)

    # --- reading the repository -----------------------------------------------------------

    def _configured(self, name: str) -> bytes | None:
        return self._read(path) if (path := self.detection.file(name)) else None
