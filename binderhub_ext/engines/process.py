"""Run a program, telling its output line by line, and end all of it in any case.

Output is hostile: control characters are dropped, lines of logs are cut, and of what goes on and on
a set amount is kept, so that no log of any size can fill memory or a browser.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

Spawn = Callable[[int], "subprocess.Popen[bytes]"]
"""Starts a process with a descriptor for its output."""

OUTPUT_SIZE = 1 << 26
LINE_LENGTH = 2000
LOG_LINES = 5000
TAIL_LINES = 200
_CHUNK = 65536

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_BREAK = re.compile(rb"\r\n|\n|\r")


class ProcessFailed(Exception):
    """The program ended with another status than 0.

    Attributes:
        status: exit status, negative for a signal.
        tail: the end of what it said, and nothing that a program before it said.
    """

    def __init__(self, status: int, tail: str) -> None:
        super().__init__(f"exit status {status}")
        self.status = status
        self.tail = tail


@dataclass
class Log:
    """Tells a whole build's output, as far as it is not too much, and keeps the end of it.

    Attributes:
        tell: told the lines that people are shown.
        limit: lines told before only the end is kept.
        tail: the end, for an error's detail.
        count: lines so far.
    """

    tell: Callable[[str], None]
    limit: int = LOG_LINES
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    count: int = 0

    def add(self, line: str) -> None:
        """Keep a line, and tell it while there are not too many."""
        self.tail.append(line)
        self.count += 1
        if self.count < self.limit:
            self.tell(line)
        elif self.count == self.limit:
            self.tell(f"… more than {self.limit} lines; only the end is kept from here")

    @property
    def end(self) -> str:
        return "\n".join(self.tail)


def clean(raw: bytes) -> str:
    """A line of output as text that can be shown: no escapes, no controls, not too long."""
    return _plain(raw[: LINE_LENGTH * 4])[:LINE_LENGTH].rstrip()


def _plain(raw: bytes) -> str:
    return _CONTROLS.sub("", _ESCAPES.sub("", raw.decode("utf-8", "replace")))


async def run(spawn: Spawn, log: Log) -> None:
    """Start a program and wait for its end; cancelling it ends the program's whole process group.

    Args:
        spawn: starts it in a session of its own, with this descriptor for its output.
        log: gets the lines of its output as they come.

    Raises:
        ProcessFailed: it ended with another status than 0.
    """
    said: deque[str] = deque(maxlen=TAIL_LINES)
    reading, writing = os.pipe2(os.O_CLOEXEC)
    try:
        process = spawn(writing)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)

    def hear(line: str) -> None:
        said.append(line)
        log.add(line)

    try:
        await _hear_lines(reading, hear)
        status = await asyncio.to_thread(process.wait)
    finally:
        await _end(process)
    if status:
        raise ProcessFailed(status, "\n".join(said))


def program(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | str = "/") -> Spawn:
    """Starts a program of the host, in a session of its own."""

    def spawn(output: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o022,
        )

    return spawn


async def output(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | str = "/") -> str:
    """What a short program prints, without control characters; warnings are not part of it.

    Raises:
        ProcessFailed: it ended with another status than 0; it has the end of all that was said.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=dict(env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        umask=0o022,
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        printed, warned = await asyncio.gather(_begin(process.stdout), _tail(process.stderr))
        status = await process.wait()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            # What it said last has to be read: asyncio waits for the end of every pipe.
            await asyncio.shield(process.communicate())
    if status:
        said = [*_shown(_BREAK.split(printed)), *_shown(_BREAK.split(warned))]
        raise ProcessFailed(status, "\n".join(said[-TAIL_LINES:]))
    lines = (_plain(line).rstrip() for line in _BREAK.split(printed))
    return "\n".join(line for line in lines if line)


async def _begin(stream: asyncio.StreamReader) -> bytes:
    """All that comes, up to a size; the rest is read and dropped."""
    read = bytearray()
    while chunk := await stream.read(_CHUNK):
        read += chunk[: OUTPUT_SIZE - len(read)]
    return bytes(read)


async def _tail(stream: asyncio.StreamReader) -> bytes:
    """The end of what comes."""
    read = b""
    while chunk := await stream.read(_CHUNK):
        read = (read + chunk)[-_CHUNK:]
    return read


async def _hear_lines(descriptor: int, hear: Callable[[str], None]) -> None:
    stream = asyncio.StreamReader(limit=_CHUNK)
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), pipe
    )
    rest = b""
    try:
        while chunk := await stream.read(_CHUNK):
            *whole, rest = _BREAK.split(rest + chunk)
            for line in _shown(whole):
                hear(line)
            # A line without end must not grow: what is over the length is not shown anyway.
            rest = rest[: LINE_LENGTH * 4]
        for line in _shown([rest]):
            hear(line)
    finally:
        transport.close()


def _shown(lines: list[bytes]) -> Iterator[str]:
    return (line for line in map(clean, lines) if line)


async def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs, with all of its group; a sandbox ends with its first."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(asyncio.to_thread(process.wait))
