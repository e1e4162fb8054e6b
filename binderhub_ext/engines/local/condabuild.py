"""The packages of conda in a build: of an `environment.yml`, a lock file or pixi's manifest.

They are linked while no code of a package runs (`condalink`); what runs after that, does so as all
foreign code does.
"""

from __future__ import annotations

import asyncio
import os
import platform
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from uuid import uuid4

from ...beneath import beneath
from ...core.environment import Read
from ...core.errors import BuildFailed, Unsupported
from ...core.locks import Lock, Target
from ...core.progress import Tell
from ...core.requirements import requirement_lines
from ...core.sentences import Sentence
from ...programs import Log, ProcessFailed
from . import conda
from .asked import asked_in, of_lock, wanted
from .buildsandbox import REPO, BuildSandbox
from .choices import installed, of_python, pins
from .conda import Asked
from .condalink import Conda, Linking
from .environment import python_version
from .interpreters import has_uv, serves
from .lending import lend_packages
from .sandbox import SHELL
from .server import NotTogether, contradiction
from .supervised import in_thread
from .uv import Requirements
from .words import explained, say

_POST_LINK = re.compile(r"\.(.+)-post-link\.sh")


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
        besides: packages of another language that are asked for besides.
        language: what that is called.
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
    besides: tuple[str, ...] = ()
    language: str = ""

    async def install(self) -> None:
        """Install what the file asks for, and the server or the kernel.

        Raises:
            NotTogether: the server's packages cannot be used with what conda has installed.
            BuildFailed, NoSpace, LaunchFailed.
        """
        self.tell(say("Installing packages with conda", 10))
        by_program = self.conda.program and not self.lock and not self.besides
        await (self._by_program() if by_program else self._by_ourselves())

    async def install_python(self, version: str) -> None:
        """Install a Python, for packages of pip.

        Raises:
            BuildFailed, NoSpace, LaunchFailed, NotTogether.
        """
        self.tell(say("Installing Python {version} with conda", 10, version=version))
        pip = [] if has_uv(version) else ["pip"]
        asked = (f"python={version}", *pip, *self.besides)
        await self._link_all(Asked((conda.CHANNEL,), asked))
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
        try:
            await self._linking.link(asked)
        except BuildFailed as error:
            if self.besides:
                raise self._refused(error) from error
            raise
        await asyncio.to_thread(self._check_together)
        if self._takes_pip and not await asyncio.to_thread(self._has_pip):
            await self._linking.link(self._with_pip(asked))
        await in_thread(self._add, asked.variables)

    async def _open(self) -> None:
        """From here on code of packages runs."""
        scripts = await asyncio.to_thread(self._scripts)
        self.sandbox.open_environment()
        for name in scripts:
            await self._run_script(name)

    def _lend(self, model: Path, requirements: Requirements) -> None:
        if not requirements.checked_in(installed(model)):
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
        asked = conda.asked(self.read(self.file) or b"", self.conda.python)
        if not self.besides:
            return asked
        channels = dict.fromkeys((*asked.channels, conda.CHANNEL))
        return replace(asked, channels=tuple(channels), specs=(*asked.specs, *self.besides))

    def _refused(self, why: BuildFailed) -> Unsupported:
        """The error where conda does not have the language, or cannot be reached."""
        return Unsupported(
            "{path}: this engine takes {language} from conda's channels, and did not get it there. "
            "{why} Open the files in the plain environment (environment=plain in the link), or ask "
            "the administrator for the docker or kubernetes engine.",
            path=self.file,
            language=self.language,
            why=why.message,
            detail=why.detail,
        )

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

    @property
    def _linking(self) -> Linking:
        return Linking(self.conda, self.sandbox, self.file, self.base, self.log, self.lock)

    def _add(self, variables: Mapping[str, str]) -> None:
        """What packages of conda do not bring; links in the environment are theirs."""
        environment = self.sandbox.environment
        conda.register_kernel_of_r(environment)
        if variables:
            name, script = f"variables-{uuid4().hex}.sh", conda.activating(variables)
            conda.write_new(environment, conda.SCRIPTS, name, script)

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
        await in_thread(self._add, {})
        await self._pip(Requirements(self.base))

    def _completed(self) -> str:
        """The file with what is missing, beside it, since it may name others relative to it.

        Nothing of the repository ran yet.
        """
        root = self.sandbox.repo.resolve()
        place = PurePosixPath((root / self.file).resolve().parent.relative_to(root))
        content = conda.completed(self.read(self.file) or b"", self.conda.python)
        name = f"{uuid4().hex}.yml"
        conda.write_new(root, place, name, content)
        return str(Path(REPO, place, name))
