"""The Python interpreters of this machine.

Found by looking, not by PATH alone: a version manager's shims are on PATH and do not run
(PLATFORM: uv finds pyenv's shims first and fails on them), so candidates are real files and
every one is asked what it is.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...programs import ProcessFailed, output
from . import uv

_log = logging.getLogger(__name__)

OLDEST = (3, 6)
"""The oldest that uv installs packages for."""

OLDEST_OF_SERVERS = (3, 8)
"""JupyterHub 5, the oldest server line that still gets fixes, needs Python 3.8."""

_NAME = re.compile(r"python3\.\d+")
_QUESTION = (
    "import json, os, platform, sys, sysconfig;"
    "print(json.dumps([list(sys.version_info[:3]), sys.implementation.name,"
    "os.path.realpath(sys._base_executable if hasattr(sys, '_base_executable')"
    " else sys.executable), sys.base_prefix, sysconfig.get_config_var('Py_GIL_DISABLED')]))"
)


@dataclass(frozen=True, order=True)
class Interpreter:
    """One installed CPython.

    Attributes:
        version: major, minor, micro.
        path: the real executable, no link and no shim.
        prefix: its installation; what a sandbox has to see.
    """

    version: tuple[int, int, int]
    path: str
    prefix: str

    @property
    def minor(self) -> str:
        return f"{self.version[0]}.{self.version[1]}"

    @property
    def serves(self) -> bool:
        """Whether a server's packages can be had for it."""
        return serves(self.minor)

    @property
    def identity(self) -> str:
        """What makes two interpreters differ for an environment."""
        return f"cpython-{'.'.join(map(str, self.version))}@{self.path}"


def serves(version: str) -> bool:
    """Whether a server's packages can be had for a version of Python, `x.y`."""
    return _parts(version) >= OLDEST_OF_SERVERS


def has_uv(version: str) -> bool:
    """Whether uv installs packages for a version of Python, `x.y`."""
    return _parts(version) >= OLDEST


def _parts(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")[:2]))


def serving_interpreter(version: str, machine: Sequence[Interpreter]) -> Interpreter:
    """The interpreter of a server that has an environment of its own.

    Args:
        version: the one that is best, `x.y`; else it is the Hub's own.
        machine: those there are, the Hub's own among them.
    """
    own = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    usable = [each for each in machine if each.serves]
    best = [each for each in usable if each.minor == version]
    return [*best, *(each for each in usable if each.path == own)][0]


async def find_interpreters(managed: Path, extra: Sequence[str] = ()) -> tuple[Interpreter, ...]:
    """Every usable CPython of this machine, lowest minor version first.

    Where a minor version is there more than once, the Hub's own comes first, then the
    administrator's, then the newest.

    Args:
        managed: where `uv python install` of this engine puts its interpreters.
        extra: executables the administrator names.
    """
    own = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    candidates = list(dict.fromkeys([own, *extra, *_candidates(managed)]))
    asked = await asyncio.gather(*(_ask(path) for path in candidates))
    working = [interpreter for interpreter in asked if interpreter]
    preferred = {own: 0} | {os.path.realpath(path): 1 for path in extra}
    ordered = sorted(
        dict.fromkeys(working),
        key=lambda i: (i.version[:2], preferred.get(i.path, 2), _newest_first(i)),
    )
    return tuple(ordered)


async def download_python(version: str, into: Path, home: Path, cache: Path, time: float) -> None:
    """Have uv get a Python; where it cannot, there is none.

    Args:
        into: where its installations are kept.
        home: a folder that uv takes for its home.
        cache: of uv.
        time: seconds that it may take.
    """
    home.mkdir(parents=True, exist_ok=True)
    env = uv.environment(home, cache) | {"UV_PYTHON_DOWNLOADS": "automatic"}
    argv = [uv.executable(), "python", "install", "--install-dir", str(into), version, "--no-bin"]
    try:
        async with asyncio.timeout(time):
            await output(argv, env=env, cwd=home)
    except (ProcessFailed, TimeoutError) as error:
        _log.warning("Python %s could not be downloaded: %s", version, error)


def _newest_first(interpreter: Interpreter) -> tuple[int, ...]:
    return tuple(-part for part in interpreter.version)


def _candidates(managed: Path) -> Iterable[str]:
    home = Path(os.environ.get("HOME", "/nonexistent"))
    folders = [Path(p) for p in ("/usr/bin", "/usr/local/bin", "/opt/python/bin")]
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv"))
    for collection in (pyenv / "versions", home / ".local/share/uv/python", managed):
        with suppress(OSError):
            folders += sorted(collection.glob("*/bin"))
    for folder in folders:
        try:
            names = sorted(entry.name for entry in os.scandir(folder))
        except OSError:
            continue
        for name in filter(_NAME.fullmatch, names):
            yield os.path.realpath(folder / name)


async def _ask(path: str) -> Interpreter | None:
    env = {"PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        async with asyncio.timeout(30):
            answer = await output([path, "-I", "-S", "-c", _QUESTION], env=env)
        version, name, real, prefix, no_gil = json.loads(answer)
    except (OSError, TimeoutError, ProcessFailed, ValueError):
        return None
    if name != "cpython" or no_gil or tuple(version[:2]) < OLDEST:
        return None
    return Interpreter((version[0], version[1], version[2]), real, prefix)
