"""How much space homes, projects and volumes take: measured by `du`, remembered for a while."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from time import monotonic

from ..beneath import beneath, read_beneath, write_beneath
from ..core.layout import DataDirectory

_FOLDER = "usage"
_PATIENCE = 300.0
_LOOK = 0.5


@dataclass(frozen=True)
class Usage:
    """What a folder takes.

    Attributes:
        bytes: on disk; a file with several names counts once.
        measured: when, in seconds since 1970.
        complete: false if something could not be read or it took too long.
    """

    bytes: int
    measured: float
    complete: bool = True


def usage(
    layout: DataDirectory,
    root: Path,
    path: PurePosixPath,
    *,
    now: float,
    max_age: float,
    given_up: Callable[[], bool] = lambda: False,
) -> Usage | None:
    """What a folder takes, measured at most `max_age` seconds ago.

    Blocks for as long as `du` takes if it must be measured; see :func:`last_usage`.

    Args:
        root: a directory nobody else can rename things in.
        path: the folder, relative to `root`.
        now: seconds since 1970.
        given_up: asked twice a second whether to stop.

    Returns:
        `None` if there is no such folder, or it was given up.
    """
    known = last_usage(layout, root, path)
    if known and now - max_age <= known.measured <= now:
        return known
    try:
        with beneath(root, path) as folder:
            measured = _measure(folder, now, given_up)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if given_up():
        return None
    _remember(layout, root, path, measured)
    return measured


def last_usage(layout: DataDirectory, root: Path, path: PurePosixPath) -> Usage | None:
    """What was measured last, however long ago; immediate."""
    try:
        return Usage(**json.loads(read_beneath(layout.cache, _name(root, path))))
    except (OSError, ValueError, TypeError):
        return None


def forget_usage(layout: DataDirectory, root: Path, path: PurePosixPath) -> None:
    """Let it be measured again the next time somebody asks."""
    with suppress(OSError):
        (layout.cache / _name(root, path)).unlink(missing_ok=True)


def home_places(layout: DataDirectory, user: str) -> tuple[tuple[Path, PurePosixPath], ...]:
    """The folders that count as a person's home: root and path of each.

    What projects keep in a home (`states/`) is the person's as well: `pip install` goes there.
    """
    home = layout.home(user)
    return tuple((root, PurePosixPath(home.name)) for root in (layout.homes, layout.states))


def last_home_usage(layout: DataDirectory, user: str) -> Usage | None:
    """What a person's home took when it was last measured; `None` if it never was."""
    home, state = (last_usage(layout, *place) for place in home_places(layout, user))
    if home is None or state is None:
        return home
    measured = min(home.measured, state.measured)
    return Usage(home.bytes + state.bytes, measured, home.complete and state.complete)


def _measure(folder: int, now: float, given_up: Callable[[], bool]) -> Usage:
    argv = ["du", "--summarize", "--one-file-system", "--block-size=1", "."]
    here = f"/proc/self/fd/{folder}"
    with subprocess.Popen(
        argv, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        output = _answer(process, given_up)
    first = output.split(b"\t")[0]
    return Usage(int(first or 0), now, complete=process.returncode == 0)


def _answer(process: subprocess.Popen[bytes], given_up: Callable[[], bool]) -> bytes:
    deadline = monotonic() + _PATIENCE
    while monotonic() < deadline and not given_up():
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=_LOOK)[0]
    process.kill()
    return process.communicate()[0]


def _remember(layout: DataDirectory, root: Path, path: PurePosixPath, measured: Usage) -> None:
    """Not being able to is no reason to fail: the disk that is full is why somebody asks."""
    with suppress(OSError):
        (layout.cache / _FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
        write_beneath(layout.cache, _name(root, path), json.dumps(asdict(measured)).encode())


def _name(root: Path, path: PurePosixPath) -> str:
    return f"{_FOLDER}/{sha256(os.fsencode(root / path)).hexdigest()}"
