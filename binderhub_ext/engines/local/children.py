"""Processes that go on when we end, and the pipes between us and them."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from .sandbox import FIRST

Log = int | IO[Any]

LOG_SIZE = 8 << 20
"""Bytes of what a server says that are kept, or half of them."""

_PIPE = 1 << 18
_children: list[subprocess.Popen[bytes]] = []


class Descriptor:
    """An open descriptor that is closed exactly once."""

    def __init__(self, number: int) -> None:
        self.number = number

    def close(self) -> None:
        if self.number >= 0:
            os.close(self.number)
            self.number = -1


def start_child(
    argv: list[str],
    *,
    env: Mapping[str, str],
    output: Log,
    fds: tuple[int, ...] = (),
    stdin: int = subprocess.DEVNULL,
    cwd: Path | str = "/",
) -> subprocess.Popen[bytes]:
    """Start a process that goes on when we end, and is reaped when it ends before.

    Not through asyncio, which kills what it started when its objects go.
    """
    _children[:] = [child for child in _children if child.poll() is None]
    child = subprocess.Popen(
        argv,
        env=dict(env),
        cwd=cwd,
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=fds,
        start_new_session=True,
        umask=0o022,
    )
    _children.append(child)
    return child


@contextmanager
def kept_log(file: Path) -> Iterator[tuple[int, int]]:
    """A pipe whose other end is written to a file that never gets large, see `inside/keeplog.py`.

    Args:
        file: it exists, and is ours alone to write to; it gets at most `LOG_SIZE` bytes.

    Yields:
        The pipe, to be handed on in the block, and the process that reads it until all who have
        it are gone.
    """
    with ExitStack() as stack:
        reading, writing = pipe(stack)
        # A server that says much at once does not wait for each piece; where the kernel gives no
        # more, it does.
        with suppress(OSError):
            fcntl.fcntl(writing.number, fcntl.F_SETPIPE_SZ, _PIPE)
        log = stack.enter_context(file.open("r+b", buffering=0))
        argv = [sys.executable, "-I", "-S", str(FIRST / "keeplog.py"), str(LOG_SIZE)]
        keeper = start_child(argv, env={}, output=log, stdin=reading.number)
        yield writing.number, keeper.pid


def pipe(stack: AsyncExitStack | ExitStack) -> tuple[Descriptor, Descriptor]:
    """Both ends of a pipe, closed with the stack: the one to read from, the one to write to."""
    ends = tuple(Descriptor(number) for number in os.pipe2(os.O_CLOEXEC))
    for end in ends:
        stack.callback(end.close)
    return ends[0], ends[1]
