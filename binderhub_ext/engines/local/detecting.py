"""repo2docker's detection in a sandbox: it reads files of strangers with parsers of many makers."""

from __future__ import annotations

import os
import shutil
import site
import sys
import sysconfig
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath
from uuid import uuid4

from ...programs import Log, output, run
from ..detect import DETECTION_MEMORY, detector_command, detector_environment
from .buildsandbox import BUILD_UID, REPO
from .limits import Limits
from .running import prepared
from .sandbox import Bind, Person, Sandbox

_PACKAGE = Path(__file__).parents[2]


async def ask_in_sandbox(checkout: Path, words: Sequence[str]) -> str:
    """What `detector` prints of a checkout, seen without network and read-only.

    Where there are no sandboxes nothing is built either, and it runs as we do.

    Raises:
        ProcessFailed: it failed.
        LaunchFailed: the sandbox cannot be made here.
    """
    if not shutil.which("bwrap"):
        return await output(detector_command(str(checkout), words), env=detector_environment())
    lines: list[str] = []
    sandbox = Sandbox(
        argv=tuple(detector_command(REPO, words)),
        env=detector_environment(),
        cwd="/",
        binds=(*own_code(), Bind(checkout, PurePosixPath(REPO))),
        person=Person(BUILD_UID if os.geteuid() == 0 else None),
        limits=Limits(memory=DETECTION_MEMORY, processes=32),
        python=sys.executable,
        ends_with_hub=True,
    )
    async with prepared(sandbox, name=f"detection-{uuid4().hex}") as command:
        await run(command.start, Log(lines.append))
    return "\n".join(lines)


def own_code() -> list[Bind]:
    """Our interpreter and what is installed for it, at the same places inside.

    Not all of `sys.path`: the folder that the Hub was started in may be among it. But
    repo2docker may be found by it alone.
    """
    beside_repo2docker = str(distribution("jupyter-repo2docker").locate_file(""))
    installed = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), beside_repo2docker)
    folders = (sys.prefix, sys.base_prefix, *installed, site.getusersitepackages(), _PACKAGE)
    wanted = {Path(path) for path in folders if Path(path).is_dir()}
    outermost = [path for path in wanted if not wanted.intersection(path.parents)]
    return [
        Bind(path, PurePosixPath(path))
        for path in sorted(outermost)
        if not path.is_relative_to("/usr")
    ]
