"""Run code of strangers during a build: in a sandbox, as nobody, with a scratch of its own.

What it may write is named for every run; everything it writes is taken for hostile until
`store.seal` went over it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..process import Log, run
from . import conda, uv
from .limits import Limits
from .network import Network
from .running import prepared
from .sandbox import HOME, Bind, Person, Sandbox

REPO = "/srv/repo"
"""Where the repository's files stand during a build, as in images of repo2docker with
`target_repo_dir`. A server shows its project there too, so that editable packages work."""

BUILD_UID = 199_998
"""Nobody's uid, for builds of a root Hub."""

_UV = "/run/binder/uv"


@dataclass(frozen=True)
class Workshop:
    """Where and within which limits the code of one build runs.

    Attributes:
        scratch: folder for this build alone; everything in it is the stranger's.
        environment: the environment being built.
        prefix: installation of its interpreter.
        python: an interpreter of that installation.
        network: what it reaches while packages are fetched.
        blocked: networks out of its reach.
        limits: what it may use.
        uid: whose processes they are; `None` for the Hub's own uid in a user namespace.
        tools: what else it may read of this machine.
    """

    scratch: Path
    environment: Path
    prefix: str
    python: str
    network: Network
    blocked: tuple[str, ...]
    limits: Limits
    uid: int | None
    tools: tuple[Path, ...] = ()

    @property
    def repo(self) -> Path:
        return self.scratch / "repo"

    @property
    def home(self) -> Path:
        return self.scratch / "home"

    @property
    def temp(self) -> Path:
        return self.scratch / "tmp"

    @property
    def cache(self) -> Path:
        return self.scratch / "cache"

    @property
    def made(self) -> Path:
        """What the build leaves in the repository's folder, once it has ended."""
        return self.scratch / "made"

    @property
    def bytecode(self) -> Path:
        """What Python compiles in a run that cannot change the environment."""
        return self.scratch / "bytecode"

    def prepare(self) -> None:
        """Make the scratch folders and give them, with what is in them, to the build's uid."""
        for folder in (self.repo, self.home, self.temp, self.cache, self.bytecode):
            folder.mkdir(parents=True, exist_ok=True)
        # Others reach nothing in it; the build's uid passes through its parents.
        self.scratch.chmod(0o711)
        if self.uid is not None:
            give(self.scratch, self.uid, files=True)

    def open_environment(self, *, files: bool = False) -> None:
        """Let the build change the environment: its folders, never a file it shares.

        A file that is hardlinked to the cache stays root's: the build can replace it in its
        own environment and cannot write into it. Without root there is no such difference,
        and the environment must have been made of copies.

        Args:
            files: give it the files too; none may be shared.
        """
        if self.uid is not None:
            give(self.environment, self.uid, files=files)

    async def run(
        self, argv: Sequence[str], *, log: Log, change: bool, network: bool = True
    ) -> AsyncGenerator[str]:
        """Run a program in the repository's folder, yielding its output.

        Args:
            change: whether it may change the environment.
            network: whether it reaches anything.

        Raises:
            ProcessFailed: it ended with another status than 0.
            LaunchFailed: the sandbox cannot be made here.
        """
        sandbox = self._sandbox(argv, change, self.network if network else Network.NONE)
        name = f"build-{self.environment.name}"
        async with (
            prepared(sandbox, blocked=self.blocked, name=name) as command,
            aclosing(run(command.start, log=log)) as lines,
        ):
            async for line in lines:
                yield line

    def _sandbox(self, argv: Sequence[str], change: bool, network: Network) -> Sandbox:
        scratch = PurePosixPath(self.scratch)
        binds = [
            Bind(Path(self.prefix), PurePosixPath(self.prefix)),
            Bind(Path(uv.executable()).resolve(), PurePosixPath(_UV)),
            Bind(self.environment, PurePosixPath(self.environment), read_only=not change),
            Bind(self.scratch, scratch, read_only=False),
            Bind(self.repo, PurePosixPath(REPO), read_only=False),
            Bind(self.home, PurePosixPath(HOME), read_only=False),
            *(Bind(tool, PurePosixPath(tool)) for tool in self.tools),
        ]
        if self.prefix.startswith("/usr"):
            del binds[0]
        return Sandbox(
            argv=tuple(argv),
            env=self.variables(),
            cwd=REPO,
            binds=tuple(binds),
            person=Person(self.uid),
            network=network,
            limits=self.limits,
            python=self.python,
            ends_with_hub=True,
        )

    def variables(self) -> Mapping[str, str]:
        """What repo2docker's builds find in their environment, as far as it exists here."""
        environment = str(self.environment)
        return {
            **uv.environment(Path(HOME), self.cache, foreign=True),
            **conda.variables(self.environment, self.cache),
            "PATH": f"{environment}/bin:/run/binder:/usr/local/bin:{os.defpath}",
            "VIRTUAL_ENV": environment,
            "NB_PYTHON_PREFIX": environment,
            "KERNEL_PYTHON_PREFIX": environment,
            "REPO_DIR": REPO,
            "NB_USER": "jovyan",
            "USER": "jovyan",
            "TMPDIR": str(self.temp),
            "PIP_CACHE_DIR": str(self.cache / "pip"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }


UV = _UV


def give(folder: Path, uid: int, *, files: bool) -> None:
    """Give a folder, the folders in it and perhaps their files to a uid; follows no links."""
    for path, folders, names in os.walk(folder):
        os.chown(path, uid, uid, follow_symlinks=False)
        if files:
            for name in [*names, *folders]:
                with suppress(FileNotFoundError):
                    os.chown(Path(path, name), uid, uid, follow_symlinks=False)
