"""Put a commit's files into a person's project before the server starts.

The program that does it runs as the person, in a sandbox without network that sees their home,
the fetched bundle and nothing else of ours.
"""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path, PurePosixPath

from ...core.errors import LaunchFailed
from ...core.launch import Launch
from ...core.layout import DataDirectory
from ...storage.sync import call
from .environment import hub_python
from .limits import Limits
from .network import Network
from .processes import ProcessId, end_sandbox
from .running import prepared
from .sandbox import HOME, RUN, Bind, Person, Sandbox

_PACKAGE = Path(__file__).parents[2]
_LIBRARY = f"{RUN}/lib"
_BUNDLE = f"{RUN}/source.bundle"
_PATIENCE = 600


def needed(home: Path, launch: Launch) -> bool:
    """Whether the project is not there yet. What is there is never touched by a start."""
    if launch.commit is None or not launch.project:
        return False
    request = call.seed("", launch.commit.id, launch.commit.repo.url, str(home), launch.project)
    return not call.is_current(request)


async def seed(layout: DataDirectory, launch: Launch, home: int, person: Person) -> None:
    """Make the project's folder in a home.

    Args:
        home: descriptor of the home.

    Raises:
        BinderError: it could not be made, or the fetched files are gone.
    """
    assert launch.commit is not None
    bundle = layout.bundle(launch.commit)
    head = await asyncio.to_thread(_head, bundle)
    request = call.seed(
        _BUNDLE, head, launch.commit.repo.url, HOME, launch.project, launch.commit.branch
    )
    sandbox = _sandbox(tuple(call.command(request)), bundle, home, person)
    call.read_answer(await _output(sandbox))


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


def _sandbox(argv: tuple[str, ...], bundle: Path, home: int, person: Person) -> Sandbox:
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
            Bind(bundle, PurePosixPath(_BUNDLE)),
            Bind(home, PurePosixPath(HOME), read_only=False),
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
                init = ProcessId.of(await command.init)
                output = await asyncio.to_thread(process.stdout.read)
                await asyncio.to_thread(process.wait)
        except TimeoutError as error:
            raise LaunchFailed("Putting the project's files in place took too long.") from error
        finally:
            process.kill()
            process.stdout.close()
    if init:
        await end_sandbox(init, 0)
    return bytes(output)
