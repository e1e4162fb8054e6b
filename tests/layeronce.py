"""Make one system of a package of a test, in a process of its own that can be killed.

Usage: layeronce.py DATA_DIR PACKAGE_FILE
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

from binderhub_ext.core.apt import Packages
from binderhub_ext.core.progress import Event
from binderhub_ext.engines.local import systembuild
from binderhub_ext.engines.local.build import LocalBuilder
from binderhub_ext.engines.local.limits import Limits


async def fetch(wanted: object, status: object, state: object, packages: Path, log: object) -> None:
    shutil.copy(sys.argv[2], packages)


def tell(event: Event) -> None:
    print(event.message, flush=True)


async def main() -> None:
    systembuild.fetch = fetch
    systems = LocalBuilder(data_dir=sys.argv[1]).systems
    asked = Packages("apt.txt", (Path(sys.argv[2]).stem,))
    print(await systembuild.SystemBuild(systems, asked, Limits(), tell).layer())


if __name__ == "__main__":
    asyncio.run(main())
