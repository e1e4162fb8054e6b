"""How much space homes, projects and volumes take: measured by `du`, remembered for a while."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath

from ..core.layout import DataDirectory
from .beneath import beneath, read_beneath, write_beneath

_FOLDER = "usage"
_PATIENCE = 300.0


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
    layout: DataDirectory, root: Path, path: PurePosixPath, *, now: float, max_age: float
) -> Usage | None:
    """What a folder takes, measured at most `max_age` seconds ago.

    Blocks for as long as `du` takes if it must be measured; see :func:`last_usage`.

    Args:
        root: a directory nobody else can rename things in.
        path: the folder, relative to `root`.
        now: seconds since 1970.

    Returns:
        `None` if there is no such folder.
    """
    known = last_usage(layout, root, path)
    if known and now - max_age <= known.measured <= now:
        return known
    try:
        with beneath(root, path) as folder:
            measured = _measure(folder, now)
    except (FileNotFoundError, NotADirectoryError):
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
    (layout.cache / _name(root, path)).unlink(missing_ok=True)


def _measure(folder: int, now: float) -> Usage:
    argv = ["du", "--summarize", "--one-file-system", "--block-size=1", "."]
    here = f"/proc/self/fd/{folder}"
    with subprocess.Popen(
        argv, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            output, _ = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
    first = output.split(b"\t")[0]
    return Usage(int(first or 0), now, complete=process.returncode == 0)


def _remember(layout: DataDirectory, root: Path, path: PurePosixPath, measured: Usage) -> None:
    """Not being able to is no reason to fail: the disk that is full is why somebody asks."""
    with suppress(OSError):
        (layout.cache / _FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
        write_beneath(layout.cache, _name(root, path), json.dumps(asdict(measured)).encode())


def _name(root: Path, path: PurePosixPath) -> str:
    return f"{_FOLDER}/{sha256(os.fsencode(root / path)).hexdigest()}"
