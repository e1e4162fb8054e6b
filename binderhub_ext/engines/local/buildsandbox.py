"""Run code of strangers during a build: in a sandbox, as nobody, with a scratch of its own.

What it may write is named for every run: folders that it sees as the roots of mounts, whose
place it therefore cannot change. Our own code enters these by descriptor alone
(`beneath`), and takes what is in them for hostile until `sealing.seal` went over it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...programs import Log, run
from ...storage.trees import give_beneath, remove_tree
from .. import node
from ..detect import detector_environment
from . import conda, rlang, trust, uv
from .environment import hub_python, interpreter_binds, python_version
from .interpreters import has_uv
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
class BuildSandbox:
    """Where and within which limits the code of one build runs.

    Attributes:
        scratch: folder for this build alone. It is ours, and so are `own`, `wanted` and `made`
            in it; everything in `repo`, `home`, `temp`, `cache` and `bytecode` is the stranger's.
        environment: the environment being built.
        prefix: installation of its interpreter.
        python: an interpreter of that installation.
        network: what it reaches while packages are fetched.
        blocked: networks out of its reach.
        limits: what it may use.
        uid: whose processes they are; `None` for the Hub's own uid in a user namespace.
        tools: what else it may read of this machine.
        conda: whether conda makes the environment.
        system: the tree that takes the place of the machine's own system, or `None`.
        cran: where packages of R come from; empty for an environment without R.
        server: installation of the interpreter of a server that has an environment of its own.
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
    conda: bool = False
    system: Path | None = None
    cran: str = ""
    server: str = ""

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
    def own(self) -> Path:
        """What our own uv reads, seen by nobody else."""
        return self.scratch / "own"

    @property
    def wanted(self) -> Path:
        """What the steps in the sandbox read of ours."""
        return self.scratch / "wanted"

    @property
    def made(self) -> Path:
        """What the build leaves in the repository's folder, once it has ended."""
        return self.scratch / "made"

    @property
    def bytecode(self) -> Path:
        """What Python compiles in the trial of the environment; not there before."""
        return self.scratch / "bytecode"

    @property
    def _empty(self) -> Path:
        """The home of the trial."""
        return self.scratch / "empty"

    def prepare(self) -> None:
        """Make the scratch folders, and give what is to be the stranger's to the build's uid."""
        self.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.own.mkdir(mode=0o700, exist_ok=True)
        self.wanted.mkdir(exist_ok=True)
        self.wanted.chmod(0o755)
        for folder in (self.repo, self.home, self.temp, self.cache):
            folder.mkdir(exist_ok=True)
            self._open(folder, files=True)

    def begin_again(self) -> None:
        """Have what the first steps find as it was before, whatever later ones did to it."""
        remove_tree(self.environment)
        self.environment.mkdir()
        self.environment.chmod(0o755)
        for folder in (self.home, self.temp):
            remove_tree(folder)
            folder.mkdir()
            self._open(folder, files=True)

    def open_environment(self, *, files: bool = False) -> None:
        """Let the build change the environment: its folders, never a file it shares.

        A file that is hardlinked to the cache stays root's: the build can replace it in its
        own environment and cannot write into it. Without root there is no such difference,
        and the environment must have been made of copies.

        Args:
            files: give it the files too; none may be shared.
        """
        self._open(self.environment, files=files)

    def clear_trial(self) -> None:
        """Remove what an earlier trial left."""
        for folder in (self.bytecode, self._empty):
            remove_tree(folder)

    def open_trial(self) -> None:
        """Let the trial add to bytecode that was put there, and never write into a file of it."""
        for folder in (self.bytecode, self._empty):
            folder.mkdir(exist_ok=True)
            self._open(folder, files=False)

    def _open(self, folder: Path, *, files: bool) -> None:
        if self.uid is not None:
            give_beneath(folder, (self.uid, self.uid), files=files)

    def want(self, name: str, text: str) -> str:
        """Write a file for the steps in the sandbox; its path, which is the same inside."""
        path = self.wanted / name
        path.write_text(text)
        path.chmod(0o644)
        return str(path)

    def installing(self, requirements: uv.Requirements, words: Sequence[str]) -> list[str]:
        """The command of a step that installs packages of pip into the environment.

        It is uv's, or the environment's own pip's where the Python is too old for that. Relative
        places begin in the folder that it runs in.

        Args:
            words: what is wanted, see :func:`.asked.wanted`.
        """
        version = python_version(self.environment)
        if version and not has_uv(version):
            return [str(self.environment / "bin" / "python"), "-m", "pip", "install", *words]
        argv = uv.install(
            self.environment,
            words,
            link=uv.COPY,
            build=True,
            foreign=True,
            excludes=self.want("excludes.txt", requirements.excludes),
            options=requirements.options,
        )
        return [UV, *argv[1:]]

    def step(self, argv: Sequence[str]) -> Sandbox:
        """A program that may change the environment, in the repository's folder."""
        repo, temp, cache = (PurePosixPath(path) for path in (REPO, self.temp, self.cache))
        binds = [
            Bind(self.environment, PurePosixPath(self.environment), read_only=False),
            Bind(self.wanted, PurePosixPath(self.wanted)),
            Bind(self.temp, temp, read_only=False),
            Bind(self.cache, cache, read_only=False),
            Bind(self.repo, repo, read_only=False),
            Bind(self.home, PurePosixPath(HOME), read_only=False),
            *(Bind(tool, PurePosixPath(tool)) for tool in self.tools),
            *trust.binds(),
        ]
        return self._sandbox(argv, binds, self._tools_variables(), REPO, self.network)

    def look(self, argv: Sequence[str]) -> Sandbox:
        """A program that asks what could be installed. It finds the environment read-only, and
        nothing of the repository.
        """
        binds = [
            Bind(self.environment, PurePosixPath(self.environment)),
            Bind(self.wanted, PurePosixPath(self.wanted)),
            Bind(self.temp, PurePosixPath(self.temp), read_only=False),
            Bind(self.cache, PurePosixPath(self.cache), read_only=False),
            *trust.binds(),
        ]
        return self._sandbox(argv, binds, self._tools_variables(), "/", self.network)

    def trial(self, argv: Sequence[str]) -> Sandbox:
        """A program that tries the environment. It finds nothing of the repository and nothing that
        earlier steps left, in an empty folder, and may write nothing but bytecode.
        """
        binds = [
            Bind(self.environment, PurePosixPath(self.environment)),
            Bind(self.bytecode, PurePosixPath(self.bytecode), read_only=False),
            Bind(self._empty, PurePosixPath(HOME), read_only=False),
        ]
        return self._sandbox(argv, binds, self._variables(), HOME, Network.NONE)

    def making(
        self,
        argv: Sequence[str],
        binds: Sequence[Bind],
        env: Mapping[str, str],
        *,
        shared: bool,
    ) -> Sandbox:
        """A program of ours that makes an environment of foreign files, and runs none of them.

        It runs as the Hub's own user, seeing nothing but what is named here, so that whatever a
        file is called, it is written there.

        Args:
            shared: whether it reaches only what the administrator named; then it has the Hub's
                own network, as our uv has.
        """
        return Sandbox(
            argv=tuple(argv),
            env={**detector_environment(), "HOME": "/tmp", **env},
            cwd="/",
            binds=tuple(binds),
            person=Person(None),
            network=Network.UNSAFE_HOST if shared else self.network,
            limits=self.limits,
            python=sys.executable,
            ends_with_hub=True,
        )

    async def run(self, sandbox: Sandbox, log: Log) -> None:
        """Run a :meth:`step` or the :meth:`trial`; the log gets its output.

        The code of strangers runs here and nowhere else.

        Raises:
            ProcessFailed: it ended with another status than 0.
            LaunchFailed: the sandbox cannot be made here.
        """
        name = f"build-{self.environment.name}"
        async with prepared(sandbox, blocked=self.blocked, name=name) as command:
            await run(command.start, log)

    def _sandbox(
        self,
        argv: Sequence[str],
        binds: Sequence[Bind],
        env: Mapping[str, str],
        cwd: str,
        network: Network,
    ) -> Sandbox:
        own = interpreter_binds({self.prefix, self.server}, own_system=bool(self.system))
        own.append(Bind(Path(uv.executable()).resolve(), PurePosixPath(_UV)))
        return Sandbox(
            argv=tuple(argv),
            env=env,
            cwd=cwd,
            binds=(*own, *binds),
            person=Person(self.uid),
            network=network,
            limits=self.limits,
            python=hub_python(),
            ends_with_hub=True,
            system=self.system,
        )

    def _variables(self) -> dict[str, str]:
        """What repo2docker's builds find in their environment, as far as it exists here."""
        environment = str(self.environment)
        return {
            "LC_ALL": "C.UTF-8",
            "HOME": HOME,
            "PATH": f"{environment}/bin:/run/binder:/usr/local/bin:{os.defpath}",
            "VIRTUAL_ENV": environment,
            "NB_PYTHON_PREFIX": environment,
            "KERNEL_PYTHON_PREFIX": environment,
            "NB_USER": "jovyan",
            "USER": "jovyan",
        }

    def _tools_variables(self) -> dict[str, str]:
        """The same, with what programs need that fetch and install."""
        return {
            **uv.environment(Path(HOME), self.cache, foreign=True),
            **trust.variables(),
            **(conda.variables(self.environment, self.cache) if self.conda else {}),
            **(rlang.build_variables(self.environment, self.cran) if self.cran else {}),
            **self._variables(),
            "REPO_DIR": REPO,
            "TMPDIR": str(self.temp),
            "PIP_CACHE_DIR": str(self.cache / "pip"),
            **node.variables(str(self.environment), str(self.cache / "npm")),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }


UV = _UV
