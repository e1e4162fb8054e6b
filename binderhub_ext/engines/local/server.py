"""The server of an environment: among the repository's packages, or in an environment of its own.

Of its own where both cannot be together, as with images of repo2docker for an old Python: the
repository's environment is then its kernel. A server's own is made like that of an empty
repository, once all that the repository runs in its build has ended, so no step of a build sees
it. In the run that tries a kernel it is read-only, so its files may be shared ones.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from ...beneath import beneath
from ...core.progress import Tell
from ...core.sentences import Sentence
from ...programs import Log, ProcessFailed
from ...storage.trees import remove_tree
from ..base import PROXY
from . import trial
from .buildsandbox import BuildSandbox
from .bytecode import lend_bytecode, place_bytecode
from .choices import installed
from .environment import python_version, site_packages
from .interpreters import Interpreter
from .model import is_same
from .ownuv import OwnUv
from .store import SERVER
from .supervised import in_thread
from .uv import LINK, Requirements
from .words import explained, say, status

RECIPE = "kernel 1"
"""Goes into the key of environments that are known to be kernels alone: raise it when the recipe
makes another of the same files."""

KERNEL = ("ipykernel", "pip")
"""What an environment has of ours that is a kernel alone."""

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

_LAUNCH = ("-m", "ipykernel_launcher", "-f", "{connection_file}")
_KERNELS = Path("share/jupyter/kernels")
_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)

_NO_SERVER = "The packages are installed, but a Jupyter server does not start with them ({status})."
_NO_KERNEL = "The packages are installed, but a kernel does not start with them ({status})."


class NotTogether(Exception):
    """The repository's packages are such that the server's cannot be beside them.

    Attributes:
        asked: what of them.
    """

    def __init__(self, asked: str) -> None:
        super().__init__(asked)
        self.asked = asked


def contradiction(base: Sequence[str], versions: Mapping[str, str]) -> str:
    """The first package that is installed in a version that the server cannot use; or empty.

    Args:
        base: requirement lines of the server's packages.
        versions: what is installed, by name; versions as Python has them.
    """
    for line in base:
        with suppress(InvalidRequirement):
            wanted = Requirement(line)
            version = versions.get(canonicalize_name(wanted.name))
            if version and not wanted.specifier.contains(version, prereleases=True):
                return f"{wanted.name} {version}"
    return ""


def provides(environment: Path) -> tuple[str, ...]:
    """The interfaces that the server of an environment offers, by what is installed."""
    names: set[str] = set()
    for site in site_packages(environment).values():
        with beneath(environment, site) as folder:
            names |= {entry.name.partition("-")[0].lower() for entry in os.scandir(folder)}
    return tuple(word for name, word in _OFFERS.items() if name in names)


@dataclass(frozen=True)
class Model:
    """An environment with nothing but the server's packages, as every server could have it.

    Attributes:
        interpreter: its interpreter.
        path: where it is; `None` if it is not there, or old.
    """

    interpreter: Interpreter
    path: Path | None


@dataclass
class Server:
    """The server of one build.

    Attributes:
        sandbox: where the build happens.
        base: requirement lines of the server's packages.
        cache: uv's cache that environments share files with.
        model: of its own interpreter.
        tell: told what happens.
        log: gets what programs say.
    """

    sandbox: BuildSandbox
    base: tuple[str, ...]
    cache: Path
    model: Model
    tell: Tell
    log: Log

    @property
    def own(self) -> Path:
        """Its environment, where that is one of its own."""
        return self.sandbox.environment / SERVER

    async def check(self, environment: Path, model: Path | None, *, intact: bool) -> None:
        """See that a server starts, and keep the bytecode of that.

        Args:
            environment: that it is in.
            model: an environment that a server starts in, or `None`.
            intact: whether it was begun from that, and no code of the repository had it open for
                change.

        Raises:
            BuildFailed: it does not start.
        """
        same = model and intact and await asyncio.to_thread(is_same, model, environment)
        if same and not self.sandbox.system:
            return
        self.tell(say("Checking that a server starts", 75))
        if same and await self._finds_libraries(environment):
            return
        bytecode = self.sandbox.bytecode
        await in_thread(self.sandbox.clear_trial)
        if model:
            link = self.sandbox.uid is not None
            await in_thread(lend_bytecode, model, environment, bytecode, link=link)
        await in_thread(self.sandbox.open_trial)
        argv = trial.command(environment, bytecode)
        try:
            await self.sandbox.run(self.sandbox.trial(argv), self.log)
        except ProcessFailed as failure:
            what = Sentence(_NO_SERVER, status=status(failure))
            raise explained(failure, what, uv_says=False) from failure
        await in_thread(place_bytecode, bytecode, environment)

    async def _finds_libraries(self, environment: Path) -> bool:
        """Whether all that is compiled finds its libraries in this system, as in the model's.

        Where it does not, a server may start all the same.
        """
        await in_thread(self.sandbox.clear_trial)
        await in_thread(self.sandbox.open_trial)
        try:
            quick = self.sandbox.trial(trial.libraries(environment))
            await self.sandbox.run(quick, Log(lambda _: None))
        except ProcessFailed:
            return False
        return True

    async def make_own(self) -> None:
        """Make it an environment of its own, in which the repository's is the kernel.

        Raises:
            BuildFailed, NoSpace, LaunchFailed.
        """
        self.tell(say("Installing the server", 70))
        await in_thread(self._prepare)
        python, model = self.model.interpreter.path, self.model.path
        uv = OwnUv(self.own, python, model, self.sandbox.own, self.cache, self.tell, self.log)
        try:
            begun = await uv.install(Requirements(self.base), LINK)
        except ProcessFailed as failure:
            what = Sentence("Installing the server's packages failed.")
            raise explained(failure, what) from failure
        await in_thread(register_kernels, self.sandbox.environment, self.own)
        await self.check(self.own, model, intact=begun)
        await self._check_kernel()

    def _prepare(self) -> None:
        """An empty folder, whatever a build put there."""
        self.sandbox.environment.chmod(0o755)
        remove_tree(self.own)
        self.own.mkdir()
        self.own.chmod(0o755)

    async def _check_kernel(self) -> None:
        self.tell(say("Checking that a kernel starts", 85))
        await in_thread(self.sandbox.clear_trial)
        await in_thread(self.sandbox.open_trial)
        argv = trial.kernel(self.own, self.sandbox.bytecode)
        try:
            await self.sandbox.run(self.sandbox.trial(argv), self.log)
        except ProcessFailed as failure:
            what = Sentence(_NO_KERNEL, status=status(failure))
            raise explained(failure, what, uv_says=False) from failure
        # Of the repository's alone: what ran may have left anything for the server's.
        await in_thread(place_bytecode, self.sandbox.bytecode, self.sandbox.environment, "lib")


def register_kernels(environment: Path, server: Path) -> None:
    """Have a server find the kernels of an environment; its Python is the one of the server.

    Args:
        environment: whose files may be anything; nothing runs there any more.
        server: nobody but us wrote there.
    """
    version = python_version(environment) or "3"
    spec = {
        "argv": [str(environment / "bin" / "python"), *_LAUNCH],
        "display_name": f"Python {version} (ipykernel)",
        "language": "python",
        "metadata": {"debugger": "debugpy" in installed(environment)},
    }
    kernels = server / _KERNELS
    native = kernels / "python3"
    native.mkdir(parents=True, exist_ok=True)
    # The file that is there may be the model's.
    (native / "kernel.json").unlink(missing_ok=True)
    (native / "kernel.json").write_text(json.dumps(spec, indent=1))
    if version.startswith("2"):
        (kernels / "python2").symlink_to("python3")
    for name in _others(environment):
        with suppress(FileExistsError):
            (kernels / name).symlink_to(Path(os.path.relpath(environment, kernels), _KERNELS, name))


def _others(environment: Path) -> Iterator[str]:
    with (
        suppress(FileNotFoundError, NotADirectoryError),
        beneath(environment, str(_KERNELS)) as folder,
    ):
        yield from sorted(e.name for e in os.scandir(folder) if _NAME.fullmatch(e.name))
