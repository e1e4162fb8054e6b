"""Put a commit's files into a person's project before the container starts.

Our own program does it on this machine, as the owner of the files; the person's image, which
they or a repository may have made, has no part in it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

from ...core.errors import LaunchFailed
from ...core.launch import Launch
from ...core.layout import DataDirectory
from ...storage.sync import call

_PATIENCE = 600


def needed(home: Path, launch: Launch) -> bool:
    """Whether the project is not there yet. What is there is never touched by a start."""
    if launch.commit is None or not launch.project:
        return False
    request = call.seed("", launch.commit.id, launch.commit.repo.url, str(home), launch.project)
    return not call.is_current(request)


async def seed(layout: DataDirectory, launch: Launch, home: Path, owner: tuple[int, int]) -> None:
    """Make the project's folder in a home.

    Args:
        home: a directory in a place of ours.
        owner: uid and gid of the files.

    Raises:
        BinderError: it could not be made, or the fetched files are gone.
    """
    assert launch.commit is not None
    bundle = layout.bundle(launch.commit)
    head = await asyncio.to_thread(_head, bundle)
    url, branch = launch.commit.repo.url, launch.commit.branch
    # The home is entered before root's rights are given up, so that its owner need not be able
    # to walk there.
    request = call.seed(str(bundle), head, url, ".", launch.project, branch)
    name = f"{owner[0]}:{owner[1]}" if os.geteuid() == 0 else ""
    call.read_answer(await _output(call.command(request, owner=name), home))


def _head(bundle: Path) -> str:
    """The commit a bundle is of, from its plain header."""
    try:
        with bundle.open("rb") as file:
            for line in iter(file.readline, b"\n"):
                if not line:
                    break
                if line.endswith(b" HEAD\n"):
                    return line.split()[0].decode()
    except FileNotFoundError:
        pass
    raise LaunchFailed("The repository's files are no longer kept here. Open its link again.")


async def _output(argv: list[str], home: Path) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=home,
        env={"HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"},
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
            await process.wait()
    return output
