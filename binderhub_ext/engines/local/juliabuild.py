"""What a repository of Julia installs: the kernel, and the packages of its project.

All of it runs in the build's sandbox, with repo2docker's own commands.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core.progress import Tell
from ...core.sentences import Sentence
from ...programs import ProcessFailed
from . import conda, julialang
from .words import explained, say

_KERNEL = """
using Pkg
Pkg.add("IJulia")
using IJulia
installkernel("Julia")
"""
_PROJECT = "using Pkg; Pkg.instantiate(); Pkg.resolve(); Pkg.instantiate()"


@dataclass(frozen=True)
class PackagesOfJulia:
    """What one build installs.

    Attributes:
        environment: gets it.
        file: path of the file that describes the project.
        project: the project's folder in the sandbox; empty for a repository without Julia.
        server: address that packages come from; empty for Julia's own.
        step: runs a program that may change the environment.
        tell: told what happens.
    """

    environment: Path
    file: str
    project: str
    server: str
    step: Callable[[Sequence[str]], Awaitable[None]]
    tell: Tell

    @property
    def variables(self) -> list[str]:
        """What to put before a command so that its packages go where the kernel finds them."""
        return julialang.in_build(self.environment, self.project, self.server)

    async def install(self) -> None:
        """Install everything.

        Raises:
            BuildFailed, NoSpace, LaunchFailed.
        """
        self.tell(say("Installing the kernel of Julia", 45))
        kernel = Sentence("Installing the kernel of Julia failed.")
        await self._julia(str(self.environment / julialang.KERNEL), kernel, _KERNEL)
        self.tell(say("Installing packages of Julia: {path}", 50, path=self.file))
        packages = Sentence("Installing {file} failed.", file=self.file)
        await self._julia(self.project, packages, _PROJECT)

    async def _julia(self, project: str, failed: Sentence, code: str) -> None:
        # Where there is none to be found, the kernel's package would install a jupyter of its own.
        jupyter = [
            f"JUPYTER={self.environment}/bin/jupyter",
            f"JUPYTER_DATA_DIR={self.environment}/share/jupyter",
        ]
        first = [*conda.activation(self.environment), *self.variables, *jupyter]
        program = str(self.environment / "bin" / "julia")
        words = ["--startup-file=no", f"--project={project}", "-e", code]
        try:
            await self.step([*first, program, *words])
        except ProcessFailed as failure:
            raise explained(failure, failed) from failure
