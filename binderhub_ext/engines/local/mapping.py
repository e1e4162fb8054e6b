"""Be root of a Debian tree without being root of this machine.

Packages give files to several users, and their scripts run as root. They get a user namespace of as
many ids as that takes, which belong to nobody on this machine: of a root Hub's some that are set
aside, of an ordinary user's the subordinate ids of `/etc/subuid`. So what a script does as root it
does as nobody, also to devices and to what is of this machine in `/proc`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...core.sentences import Sentence
from ..checks import install
from .sandbox import FIRST

FIRST_ID = 1_900_000_000
"""Of a root Hub's; beyond what systems give people, containers and virtual machines."""

COUNT = 65_536

FOLDER = Path("/mnt")
"""Where programs find the folder they work in."""


@dataclass(frozen=True)
class Obstacle:
    """Why something cannot be here.

    Attributes:
        message: a sentence.
        fix: what the administrator does about it; mostly a command.
    """

    message: Sentence
    fix: Sentence


def obstacle(etc: Path = Path("/etc")) -> Obstacle | None:
    """What keeps this user from having the ids, as far as that can be seen without a try."""
    if os.geteuid() == 0:
        return None
    if not (shutil.which("newuidmap") and shutil.which("newgidmap")):
        return Obstacle(
            Sentence("The programs that give an ordinary user more ids are missing."),
            install("uidmap"),
        )
    if not all(_subordinate(etc / name) for name in ("subuid", "subgid")):
        words = " ".join(f"--add-{ids} {FIRST_ID}-{FIRST_ID + COUNT - 1}" for ids in _KINDS)
        return Obstacle(
            Sentence("The hub's user has no subordinate ids."),
            Sentence("{command}   (as root)", command=f"usermod {words} {_user()}"),
        )
    return None


_KINDS = ("subuids", "subgids")


def command(folder: Path, argv: Sequence[str]) -> list[str]:
    """The same program as root of the ids, with a folder at `FOLDER`.

    Args:
        folder: it belongs to :func:`root_id`.
    """
    maps = (_map(Path("/etc", name)) for name in ("subuid", "subgid"))
    program = [sys.executable, "-I", "-S", str(FIRST / "mapped.py")]
    return [*program, str(folder), *maps, *argv]


def give(folder: Path) -> None:
    """Let the root of the ids work in a folder of ours, and nobody else."""
    folder.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(folder, FIRST_ID, FIRST_ID)


def take(path: Path) -> None:
    """Have a file or folder back that its root made."""
    if os.geteuid() == 0:
        os.chown(path, 0, 0, follow_symlinks=False)


def _map(file: Path) -> str:
    if os.geteuid() == 0:
        return f"0 {FIRST_ID} {COUNT}"
    own = os.geteuid() if file.name == "subuid" else os.getegid()
    first, count = _subordinate(file) or (FIRST_ID, 1)
    return f"0 {own} 1,1 {first} {min(count, COUNT - 1)}"


def _subordinate(file: Path) -> tuple[int, int] | None:
    """The first range of ids of this user that is large enough for what Debian uses."""
    with suppress(OSError):
        for line in file.read_text().splitlines():
            name, _, numbers = line.partition(":")
            first, _, count = numbers.partition(":")
            if name in (_user(), str(os.geteuid())) and int(count) >= COUNT - 1:
                return int(first), int(count)
    return None


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
