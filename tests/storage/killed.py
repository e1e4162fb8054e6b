"""What a sync that is killed leaves on the disk, at each instant at which that is something else.

A kill leaves what is on the disk and nothing besides: locks of the kernel end with the process, and
no code runs any more. So one run is enough for all instants: before each call that changes the
disk its folder is copied. Python itself reports these calls (`sys.addaudithook`), in a process of
its own since that cannot be taken back; only that a new file is still empty it does not report.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

_CHANGES = {
    *("os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"),
    *("os.symlink", "os.truncate", "os.utime", "os.setxattr", "subprocess.Popen"),
}
_NAMES = {"os.link", "os.remove", "os.rename", "open"}
_ACTED = 9
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def instants(home: Path, copies: Path, work: Callable[[], object]) -> list[Path]:
    """Copies of a folder, one for each state it goes through; the last one is the end.

    Args:
        home: changed by `work`.
        copies: a folder to put them in.
        work: runs in a child process.
    """
    child = os.fork()
    if not child:
        try:
            _watch(home, copies, work)
        except BaseException as error:
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return sorted(copies.iterdir())


def with_another(
    step: int, name: bytes, act: Callable[[], object], work: Callable[[], object]
) -> bool:
    """Let somebody act in the middle of a work, before its n-th call that opens or moves a file.

    Args:
        name: only calls that have this in a name are counted.
        work: runs in a child process.

    Returns:
        Whether there was such a call.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == _ACTED
    left = iter(range(step))
    acted = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal acted
        names = [part for part in arguments if isinstance(part, bytes) and name in part]
        if event in _NAMES and names and not acted and next(left, None) is None:
            acted = True
            act()

    try:
        sys.addaudithook(hook)
        work()
    except BaseException as error:
        sys.stderr.write(f"{error!r}\n")
        os._exit(1)
    os._exit(_ACTED if acted else 0)


def _watch(home: Path, copies: Path, work: Callable[[], object]) -> None:
    seen: set[str] = set()
    busy = False

    def look() -> None:
        nonlocal busy
        if busy:
            return
        busy = True
        state = fingerprint(home)
        if state not in seen:
            copy_home(home, copies / f"{len(seen):04}")
            seen.add(state)
        busy = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CHANGES or (event == "open" and (arguments[2] or 0) & _WRITES):
            look()

    fdopen = os.fdopen
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fdopen", lambda *args, **more: (look(), fdopen(*args, **more))[1])
        sys.addaudithook(hook)
        work()
        look()


def copy_home(home: Path, to: Path) -> None:
    """A copy in which files that are one (hard links) are one, too."""
    copied: dict[int, str] = {}

    def copy(source: str, target: str) -> None:
        inode = Path(source).lstat().st_ino
        if inode in copied:
            os.link(copied[inode], target, follow_symlinks=False)
        else:
            shutil.copy2(source, target, follow_symlinks=False)
            copied[inode] = target

    shutil.copytree(home, to, symlinks=True, copy_function=copy)


def fingerprint(home: Path) -> str:
    """Tells states apart; what is in the scratch folder is no difference, since it is cleared."""
    digest = sha256()
    for path, facts in _facts(os.fspath(home)):
        digest.update(f"{path!r} {facts!r}\n".encode())
    return digest.hexdigest()


def _facts(folder: str) -> Iterator[tuple[str, object]]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        status = entry.stat(follow_symlinks=False)
        if entry.is_symlink():
            yield entry.path, Path(entry.path).readlink()
        elif entry.is_dir():
            yield entry.path, status.st_mode
            if not entry.name.startswith(".binder-at-home-"):
                yield from _facts(entry.path)
        else:
            yield entry.path, (status.st_mode, status.st_ino, status.st_size, status.st_mtime_ns)
