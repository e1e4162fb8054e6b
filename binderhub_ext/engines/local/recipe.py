"""The steps that turn a repository's files into an environment.

Order matters for safety. Our own uv works in an environment that it begins itself, and only
before anything of a stranger did; after that the environment's interpreter runs in the sandbox
alone, and our own code only lists, moves and changes modes, by descriptor. Code of strangers
runs in `BuildSandbox.run` and nowhere else.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ...beneath import lstat_beneath
from ...core.environment import has_build_system, is_python_package
from ...core.errors import BuildFailed
from ...core.locks import find_lock
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence, fixed
from ...programs import Log, ProcessFailed
from .. import given, node
from ..configuration import reader
from ..detect import Detection
from ..solver import conflict, is_alone
from . import julialang, uv
from .asked import asked_for, wanted
from .buildsandbox import REPO, BuildSandbox
from .choices import Choices, is_what_pip_takes
from .condabuild import CondaPackages
from .condalink import Conda
from .juliabuild import PackagesOfJulia
from .made import KeptFiles, ScriptFolder, State, keep_made
from .ownuv import OwnUv
from .rbuild import PackagesOfR
from .rlang import is_r
from .server import KERNEL, Model, NotTogether, Server, provides
from .supervised import in_thread
from .support import python_source
from .uv import COPY, LINK, Requirements
from .words import explained, network_trouble, say, script_failed

_CANNOT_USE = (
    "The repository asks for {asked}, which the server here cannot use: its packages get an "
    "environment of their own, and the interface is this hub's server"
)
_NOT_WITH_OURS = (
    "The repository's packages do not go together with the server's: they get an environment of "
    "their own, and the interface is this hub's server"
)
_BUILD_MADE = fixed("The build made {count} files; they are given to each project.")
_DOES_NOT_START = (
    "No server starts with what the build made: it gets an environment of its own, and the "
    "interface is this hub's server"
)


@dataclass
class Recipe:
    """One build.

    Attributes:
        detection: what the repository asks for.
        sandbox: where it happens; its `repo` holds the checkout.
        on_its_system: the same with the system's packages, as soon as these are there.
        base: requirement lines of the server's packages.
        cache: uv's cache that environments share files with.
        tell: told what happens.
        server_model: what a server's own environment is begun from.
        conda: how packages of conda are come by, for a repository that asks for them, or `None`.
        model: an environment with nothing but the server's packages, to begin from, or `None`.
        python: version of a Python that comes from conda, and nothing else does; or empty.
        apart: whether the server has an environment of its own; that may turn out later.
        besides: packages that conda is asked for besides, for R or Julia.
        julia_server: address that packages of Julia come from; empty for Julia's own.
    """

    detection: Detection
    sandbox: BuildSandbox
    on_its_system: Awaitable[BuildSandbox]
    base: tuple[str, ...]
    cache: Path
    tell: Tell
    server_model: Model
    conda: Conda | None = None
    model: Path | None = None
    python: str = ""
    apart: bool = False
    besides: tuple[str, ...] = ()
    julia_server: str = ""

    def __post_init__(self) -> None:
        self._log = Log(lambda line: self.tell(Event.log(Phase.BUILDING, line)))
        self._read = reader(self.sandbox.repo)
        self._path = self.sandbox.environment
        start = self.detection.file("start")
        self.start = self._read(start) if start else None
        self.post_build = self.detection.file("postBuild")
        in_root = not self.detection.binder_dir
        others = is_r(self.detection) or julialang.is_julia(self.detection)
        python = self.detection.buildpack == "PythonBuildPack" or others
        self.package = in_root and python and is_python_package(self._read)
        r = self._path, self.detection, self.sandbox.cran
        self.r = PackagesOfR(*r, self._read, self._step, self.tell, self._log)
        file, project = julialang.file(self.detection), julialang.project(self.detection, REPO)
        self.julia = PackagesOfJulia(
            self._path, file, project, self.julia_server, self._step, self.tell
        )
        self.requirements = asked_for(self.detection, self._base, self.sandbox.repo)
        # Whether the environment was begun from the model, and whether code of the repository had
        # it open for change.
        self.begun = self.changed = False
        # What the build made beside the environment; it is in `sandbox.made`.
        self.made = KeptFiles()

    @property
    def _base(self) -> tuple[str, ...]:
        """Requirement lines of ours that the environment gets."""
        return KERNEL if self.apart else self.base

    @property
    def _own_uv(self) -> OwnUv:
        model = None if self.apart else self.model
        path, python, own = self._path, self.sandbox.python, self.sandbox.own
        return OwnUv(path, python, model, own, self.cache, self.tell, self._log)

    @property
    def _server(self) -> Server:
        ours = self.base, self.cache, self.server_model
        return Server(self.sandbox, *ours, self.tell, self._log)

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
        await self._beside()
        await self._with_server()

    def provides(self) -> tuple[str, ...]:
        """The interfaces that the server offers."""
        return provides(self._server.own if self.apart else self._path)

    # --- packages -------------------------------------------------------------------------

    async def _packages(self) -> None:
        """Together with the server's; where that cannot be, the server's are kept apart."""
        if not self.apart:
            try:
                await self._installed()
                return
            except NotTogether as why:
                self.tell(say(_CANNOT_USE, asked=why.asked))
            except BuildFailed as error:
                if not uv.unsolvable(error.detail) or is_alone(error.detail, self.base):
                    raise
                asked = conflict(error.detail, self.base).fields.get("asked")
                self.tell(say(_CANNOT_USE, asked=asked) if asked else say(_NOT_WITH_OURS))
            self.apart = True
            self.requirements = replace(self.requirements, base=self._base)
            await in_thread(self.sandbox.begin_again)
        await self._installed()

    async def _installed(self) -> None:
        if self.conda:
            await self._have_system()
        if self.conda and self.python:
            conda = self._of_conda(replace(self.conda, python=self.python))
            by_file = self.julia.project and conda.file != self.julia.file
            await (conda.install() if by_file else conda.install_python(self.python))
            await self._all_sandboxed()
        elif self.conda:
            await self._of_conda(self.conda).install()
        elif self.requirements.trusted and not self.package:
            await self._wheels_first()
        else:
            await self._sandboxed()

    @property
    def _asks_conda(self) -> str:
        """The file for which conda is asked."""
        detection = self.detection
        own = detection.file("environment.yml") or detection.file("environment.yaml")
        if self.julia.project:
            return own or self.julia.file
        if is_r(detection):
            return detection.file("runtime.txt") or "DESCRIPTION"
        return (self.python and python_source(detection)) or detection.conda_lock or own

    def _of_conda(self, conda: Conda) -> CondaPackages:
        detection = self.detection
        return CondaPackages(
            conda=conda,
            sandbox=self.sandbox,
            file=self._asks_conda,
            base=self._base,
            together=not self.apart,
            read=self._read,
            step=self._step,
            tell=self.tell,
            log=self._log,
            model=None if self.apart else self.model,
            lock=find_lock(detection.binder_dir, self._read) if detection.conda_lock else None,
            besides=self.besides,
            language="R" if is_r(detection) else "Julia",
        )

    @property
    def _leaves_choices(self) -> bool:
        """Whether pip might take versions that our own uv passes over as they have no wheel."""
        return not (self.requirements.fixed or self.requirements.prefers_wheels)

    async def _wheels_first(self) -> None:
        self.tell(say("Installing packages", 10))
        choices = Choices(self._log.tell) if self._leaves_choices else None
        try:
            self.begun = await self._own_uv.install(self.requirements, self.link, choices)
            await self._have_system()
            sandbox, asked = self.sandbox, self.requirements
            if choices is None or await is_what_pip_takes(sandbox, asked, choices, self.tell):
                return
            self.tell(say("Newer versions have no wheel and are built from source"))
            await self._sandboxed()
        except ProcessFailed as failure:
            if not uv.needs_building(failure.tail):
                what = Sentence("Installing the packages failed.")
                raise explained(failure, what, base=self._base) from failure
            self.tell(say("Some packages have no wheel and are built from source"))
            await self._sandboxed()

    async def _sandboxed(self) -> None:
        """Our packages as always, the repository's in the sandbox."""
        self.tell(say("Installing the kernel" if self.apart else "Installing the server", 10))
        # Without root, whatever runs next could write into files shared with the cache.
        link = COPY if self.sandbox.uid is None else LINK
        try:
            await self._own_uv.install(
                Requirements(self._base, (), self.requirements.checked), link
            )
        except ProcessFailed as failure:
            what = Sentence("Installing the server's packages failed.")
            raise explained(failure, what) from failure
        await self._have_system()
        self.sandbox.open_environment()
        await self._all_sandboxed()

    async def _all_sandboxed(self) -> None:
        """What the repository asks for; of ours, what is not there."""
        self.tell(say("Installing the repository's packages", 35))
        try:
            await self._repository_packages()
        except ProcessFailed as failure:
            what = Sentence("Installing the repository's packages failed.")
            raise explained(failure, what, base=self._base) from failure

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
        base = wanted(Requirements(self._base), self.sandbox.want)
        if has_build_system(self._read):
            await self._step(self._uv([*base, "."]))
            return
        tools = self.sandbox.want("tools.txt", "setuptools\nwheel\n")
        await self._step(self._uv([*base, "-r", tools]))
        await self._step(self._uv([*base, "--no-build-isolation", "."]))

    def _uv(self, wanted: Sequence[str]) -> list[str]:
        return self.sandbox.installing(self.requirements, wanted)

    # --- after the packages ---------------------------------------------------------------

    async def _beside(self) -> None:
        """Run Julia and postBuild, and keep what they make beside the environment."""
        before: Mapping[ScriptFolder, Mapping[str, State]] = {}
        if self.julia.project:
            self.sandbox.open_environment()
            before = await asyncio.to_thread(self._files)
            await self.julia.install()
        if self.post_build:
            script = await self._prepare_post_build()
            before = before or await asyncio.to_thread(self._files)
            await self._post_build(script)
        if before:
            self.made = await in_thread(keep_made, before, self.sandbox.made)
        text = _BUILD_MADE if self.julia.project else given.BY_POST_BUILD
        for words in given.told(self.made.count, self.made.left, self.made.more, text):
            self.tell(Event.log(Phase.BUILDING, words))

    def _files(self) -> dict[ScriptFolder, dict[str, State]]:
        places = ScriptFolder.repo(self.sandbox.repo), ScriptFolder.home(self.sandbox.home)
        return {place: place.files() for place in places}

    async def _prepare_post_build(self) -> bytes:
        """Have what the script needs; gives what is in it."""
        self.tell(say("Running postBuild", 60))
        self.sandbox.open_environment()
        script = self._read(self.post_build) or b""
        if node.uses_node(script) and not self._has_npm():
            await self._install_node()
        return script

    async def _post_build(self, script: bytes) -> None:
        # A shell starts it so that a script without an interpreter line runs, as in a RUN line.
        argv = ["/bin/sh", "-c", 'chmod +x "$0" && "$0"', f"./{self.post_build}"]
        try:
            await self._step([*self.julia.variables, *argv])
        except ProcessFailed as failure:
            raise script_failed(failure, self.detection.named("postBuild"), script) from failure

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

    async def _with_server(self) -> None:
        """Have a server that starts; one of its own, if none does with what the build made."""
        if self.apart:
            await self._server.make_own()
            return
        try:
            intact = self.begun and not self.changed
            await self._server.check(self._path, self.model, intact=intact)
        except BuildFailed as failure:
            self.tell(say(_DOES_NOT_START))
            self.apart = True
            try:
                await self._server.make_own()
            except BuildFailed:
                raise failure from None

    # --- running --------------------------------------------------------------------------

    async def _have_system(self) -> None:
        """Wait for the system's packages: all that runs in the sandbox may use them."""
        self.sandbox = await self.on_its_system

    async def _step(self, argv: Sequence[str], log: Log | None = None) -> None:
        self.changed = True
        await self.sandbox.run(self.sandbox.step(argv), log or self._log)
