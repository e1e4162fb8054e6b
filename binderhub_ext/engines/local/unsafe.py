"""Run a server without a sandbox, for `LocalSpawner.unsafe_no_sandbox`. Protects nobody.

The same server with the same settings, but there is no home at `/home/jovyan`: whatever names
a place in it is rewritten to where that place really is.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ... import certificates
from ...core.errors import LaunchFailed
from ...core.launch import Launch
from ...core.secretnames import Secret
from ...core.sentences import fixed
from ...programs import ProcessFailed, capture, host_program
from ...storage.sync import call
from ...storage.sync.words import Request
from . import trust
from .buildsandbox import REPO
from .children import start_child
from .processes import ProcessId, ask_to_end
from .sandbox import FIRST, HOME, RUN, SHARED, Person, Sandbox

_IN_REPO = re.compile(rf"(\w+=)?{REPO}((?:/\.?binder)?)")
"""What says where the repository's files, or those that configure it, stand in a sandbox."""

_NO_CONTENT = fixed(
    "This hub starts servers without a sandbox, and only a sandbox can show them content beside the"
    " environment's repository. Launch again without any."
)
_NO_FOLDERS = fixed(
    "This hub starts servers without a sandbox, and only a sandbox can show them a folder of the"
    " machine."
)
_NO_VOLUMES = fixed(
    "This hub starts servers without a sandbox, and only a sandbox can show them volumes. Launch"
    " again without any."
)
_NO_SECRET_FILES = (
    "This hub starts servers without a sandbox, and only a sandbox can show them secrets as files."
    " Launch again without them, or store them as variables."
)


def check_launch(launch: Launch) -> None:
    """Refuse what only a sandbox can show to a server.

    Raises:
        LaunchFailed
    """
    for asked, why in (
        (launch.volumes, _NO_VOLUMES),
        (launch.content, _NO_CONTENT),
        (launch.live, _NO_FOLDERS),
    ):
        if asked:
            raise LaunchFailed(why)


def check_secrets(given: tuple[Secret, ...]) -> None:
    """Refuse secrets as files, which only a sandbox would keep to one server.

    Raises:
        LaunchFailed
    """
    if any(secret.file for secret in given):
        raise LaunchFailed(_NO_SECRET_FILES)


@dataclass(frozen=True)
class RealPaths:
    """Where things really are.

    Attributes:
        home: the home.
        project: the project's folder.
        relative: where it would be in the home.
    """

    home: Path
    project: Path
    relative: str

    def real(self, text: str) -> str:
        """Text with places inside a sandbox replaced."""
        if self.relative:
            text = text.replace(f"{HOME}/{self.relative}", str(self.project))
            if named := _IN_REPO.fullmatch(text):
                return f"{named[1] or ''}{self.project}{named[2]}"
        text = text.replace(HOME, str(self.home)).replace(f"{RUN}/inside", str(FIRST))
        text = text.replace(f"{RUN}/shared", str(SHARED))
        return text.replace(trust.INSIDE, str(certificates.established() or trust.INSIDE))


def start(sandbox: Sandbox, places: RealPaths, output: int) -> subprocess.Popen[bytes]:
    """Start the program of a sandbox without the sandbox."""
    plan = {
        "cwd": places.real(sandbox.cwd),
        "keep": [],
        "limits": sandbox.limits.resources(),
        "cpus": sandbox.limits.cpus(),
        "links": {places.real(path): places.real(text) for path, text in sandbox.links.items()},
        "variables": "",
        "relay": [],
    }
    first = [sandbox.python, "-I", "-S", str(FIRST / "first.py"), json.dumps(plan)]
    argv = [*_as_person(sandbox.person), *first, *map(places.real, sandbox.argv)]
    env = {name: places.real(value) for name, value in sandbox.env.items()}
    env = {**sandbox.variables, **env}
    return start_child(argv, env=env, output=output)


def _as_person(person: Person) -> list[str]:
    if person.uid is None:
        return []
    uid = str(person.uid)
    words = [host_program("setpriv"), "--reuid", uid, "--regid", uid, "--clear-groups"]
    return [*words, "--no-new-privs", "--"]


async def run(request: Request, person: Person) -> bytes:
    """What the program that updates projects printed, run as the person without a sandbox."""
    try:
        return await capture([*_as_person(person), *call.command(request)], env=os.environ)
    except ProcessFailed as error:
        # what it printed says why
        return error.output


async def end(server: ProcessId, grace: float = 0, rest: float = 0) -> None:
    """End a server and its whole session, as far as that stayed in it.

    Args:
        grace: seconds for the server to end by itself; 0 for none, without asking.
        rest: the same for what it and its start script started.
    """
    others = await asyncio.to_thread(server.descendants)
    if grace:
        await ask_to_end([server], grace)
    if rest:
        await ask_to_end(others, rest)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, signal.SIGKILL)
    await server.ended(5)
