"""The base of systems with packages, made once for the tests of this folder."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from binderhub_ext.core.apt import Packages
from binderhub_ext.core.progress import Event
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.limits import Limits
from binderhub_ext.engines.local.systembuild import SystemBuild
from binderhub_ext.engines.local.systems import Systems

PACKAGES = ("figlet", "graphviz")


@dataclass
class Machine:
    """Systems beneath a data directory, and what making them told."""

    data: Path
    told: list[str] = field(default_factory=list)

    @property
    def systems(self) -> Systems:
        return LocalBuilder(data_dir=str(self.data)).systems

    async def layer(self, *packages: str) -> Path:
        """The system with packages."""

        def tell(event: Event) -> None:
            self.told.append(event.message)

        limits = Limits(memory=2 << 30, processes=512)
        return await SystemBuild(self.systems, Packages("apt.txt", packages), limits, tell).layer()

    def give_base(self, environments: Path, owner: int) -> None:
        """Have the base elsewhere, too, without making it again."""
        systems = environments / ".systems"
        if not systems.exists():
            systems.mkdir(mode=0o700, parents=True)
            subprocess.run(["cp", "-a", self.systems.root / "bases", systems], check=True)
            if os.geteuid() == 0:
                subprocess.run(["chown", "-R", f"{owner}:{owner}", systems], check=True)
