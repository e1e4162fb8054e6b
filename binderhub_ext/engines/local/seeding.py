"""Run the program that puts a commit's files into a person's project.

It runs as the person, in a sandbox without network that sees their home, the fetched bundle and
nothing else of ours.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ...beneath import open_beneath
from ...core.errors import LaunchFailed
from ...storage.sync import call
from ...storage.sync.words import Request
from . import unsafe
from .environment import hub_python
from .limits import Limits
from .network import Network
from .running import prepared
from .sandbox import HOME, RUN, Bind, Person, Sandbox

_PACKAGE = Path(__file__).parents[2]
_LIBRARY = f"{RUN}/lib"
_BUNDLE = f"{RUN}/source.bundle"
_PATIENCE = 600


async def run(
    request: Request,
    person: Person,
    *,
    unsafe_no_sandbox: bool = False,
) -> bytes:
    """What the program printed.

    Args:
        request: `root` is the home; a place of ours that nobody else can rename.
        unsafe_no_sandbox: as the person, but without a sandbox where there is none.

    Raises:
        LaunchFailed: it took too long, or there is no sandbox.
    """
    if unsafe_no_sandbox and not shutil.which("bwrap"):
        return await unsafe.run(request, person)
    inside = replace(request, bundle=_BUNDLE, root=HOME)
    home = open_beneath(Path(request.root), ".")
    binds = [
        Bind(Path(request.bundle), PurePosixPath(_BUNDLE)),
        Bind(home, PurePosixPath(HOME), read_only=False),
    ]
    try:
        return await _output(_sandbox(tuple(call.command(inside)), binds, person))
    finally:
        os.close(home)


def _sandbox(argv: tuple[str, ...], binds: Sequence[Bind], person: Person) -> Sandbox:
    python = hub_python()
    prefix = str(Path(python).parents[1])
    own = () if prefix == "/usr" else (Bind(Path(prefix), PurePosixPath(prefix)),)
    # Not `-I` as for the installed package: here the package comes by PYTHONPATH alone.
    program = (python, "-P", "-S", *argv[2:])
    return Sandbox(
        argv=program,
        env={"HOME": HOME, "PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": _LIBRARY},
        binds=(
            *own,
            Bind(_PACKAGE, PurePosixPath(_LIBRARY, _PACKAGE.name)),
            *binds,
        ),
        person=person,
        network=Network.NONE,
        limits=Limits(memory=2 << 30, processes=0),
        python=python,
        ends_with_hub=True,
    )


async def _output(sandbox: Sandbox) -> bytes:
    async with prepared(sandbox) as command:
        process = command.start(subprocess.PIPE)
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_PATIENCE):
                await command.init
                output = await asyncio.to_thread(process.stdout.read)
                await asyncio.to_thread(process.wait)
        except TimeoutError as error:
            raise LaunchFailed("Putting the project's files in place took too long.") from error
        finally:
            process.kill()
            process.stdout.close()
    return bytes(output)
