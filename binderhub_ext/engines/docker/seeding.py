"""Run the program that puts a commit's files into a person's project.

Our own program does it on this machine, as the owner of the files; the person's image, which
they or a repository may have made, has no part in it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import replace

from ...core.errors import LaunchFailed
from ...storage.sync import call
from ...storage.sync.words import Request

_PATIENCE = 600


async def run(request: Request, owner: tuple[int, int]) -> bytes:
    """What the program printed.

    Args:
        request: `root` is the home; a place of ours that nobody else can rename.
        owner: uid and gid of the files.

    Raises:
        LaunchFailed: it took too long.
    """
    # The home is entered before root's rights are given up, so that its owner need not be able
    # to walk there.
    inside = replace(request, root=".")
    name = f"{owner[0]}:{owner[1]}" if os.geteuid() == 0 else ""
    return await _output(call.command(inside, owner=name), request.root)


async def _output(argv: list[str], home: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=home,
        env={"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            output, _ = await process.communicate()
    except TimeoutError as error:
        raise LaunchFailed("Putting the project's files in place took too long.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.shield(process.communicate())
    return output
