"""Run a program, hear what it says, and end all of it in any case.

Output is hostile: control characters are dropped, lines of logs are cut, and of what goes on and on
a set amount is kept, so that no log of any size can fill memory or a browser. Of our environment a
program gets what is named for it here, and nothing of our secrets.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .core.sentences import Sentence

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
_PROGRESS = re.compile(r"%$|% \(")
_LOOK = 0.2

NETWORK = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"),
)
"""Variables that say how the network is reached, and whose certificates count."""

CONTAINERS = (
    *("DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"),
    *("CONTAINERS_*", "XDG_RUNTIME_DIR"),
)
"""Variables that say where a container engine is."""


def passed_on(environ: Mapping[str, str], *names: str) -> dict[str, str]:
    """Of an environment what is named; a name that ends in `*` is the beginning of names."""
    exact = {name for name in names if not name.endswith("*")}
    beginnings = tuple(name[:-1] for name in names if name.endswith("*"))
    return {
        name: value
        for name, value in environ.items()
        if name in exact or (beginnings and name.startswith(beginnings))
    }


def host_program(name: str) -> str:
    """Where a program is on the path of this process; a place that fails if it is nowhere.

    What runs in an environment finds the environment's own programs first, and whoever wrote its
    requirements chose those. So no program that runs before a sandbox is closed is looked up in
    the variables of what runs inside: one named `bwrap` in a package would run as the Hub.
    """
    place = shutil.which(name)
    return str(Path(place).absolute()) if place else f"/usr/bin/{name}"


class ProcessFailed(Exception):
    """The program ended with another status than 0.

    Attributes:
        status: exit status, negative for a signal.
        tail: the end of what it said, and nothing that a program before it said.
        output: what it printed, where that is not part of what it said.
    """

    def __init__(self, status: int, tail: str, output: bytes = b"") -> None:
        super().__init__(f"exit status {status}")
        self.status, self.tail, self.output = status, tail, output


class TimedOut(ProcessFailed):
    """It took longer than allowed and was ended."""


class TooMuch(ProcessFailed):
    """It printed or stored more than allowed and was ended."""


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
            text = "… more than {limit} lines; only the end is kept from here"
            self.tell(Sentence(text, limit=self.limit))

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


async def capture(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | str = "/",
    stdin: bytes = b"",
    patience: float | None = None,
    limit: int = OUTPUT_SIZE,
    tell: Callable[[str], None] | None = None,
    watch: Callable[[], bool] | None = None,
    keep_open: Sequence[int] = (),
    umask: int = -1,
) -> bytes:
    """What a program prints; what it says besides, on its standard error, is told.

    Cancelling ends every process of its group before it returns.

    Args:
        argv, env, cwd, umask: of the program.
        stdin: what it reads.
        patience: seconds until it is ended; `None` for as long as it likes.
        limit: bytes it may print.
        tell: gets each line it says, of progress too.
        watch: asked several times a second; true ends it as too much.
        keep_open: descriptors to inherit, such as a lock's: that lasts then as long as the program
            itself, even if this process is killed.

    Raises:
        ProcessFailed: it ended with another status than 0, took too long or gave too much.
    """
    said: deque[str] = deque(maxlen=TAIL_LINES)

    def hear(line: str) -> None:
        if not _PROGRESS.search(line):
            said.append(line)
        if tell:
            tell(line)

    options = {"env": dict(env), "cwd": cwd, "pass_fds": keep_open, "umask": umask}
    try:
        async with started(argv, **options) as process, asyncio.timeout(patience):
            printed = await _printed(process, stdin, limit, hear, watch)
    except TimeoutError as error:
        raise TimedOut(-signal.SIGKILL, "\n".join(said)) from error
    except ExceptionGroup as errors:
        if errors.subgroup(_Enough) is None:
            raise
        raise TooMuch(-signal.SIGKILL, "\n".join(said)) from errors
    if process.returncode:
        raise ProcessFailed(process.returncode, "\n".join(said), printed)
    return printed


async def output(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path | str = "/") -> str:
    """What a short program prints, without control characters; warnings are not part of it.

    Raises:
        ProcessFailed: it ended with another status than 0; it has the end of all that was said.
    """
    try:
        printed = await capture(argv, env=env, cwd=cwd, umask=0o022)
    except ProcessFailed as error:
        said = [*_shown(_BREAK.split(error.output)), *error.tail.splitlines()]
        raise ProcessFailed(error.status, "\n".join(said[-TAIL_LINES:])) from error
    lines = (_plain(line).rstrip() for line in _BREAK.split(printed))
    return "\n".join(line for line in lines if line)


class _Enough(Exception):
    """The program has given too much."""


@asynccontextmanager
async def started(argv: Sequence[str], **options: Any) -> AsyncIterator[Process]:
    """A program in a session of its own; all of that is ended when the block is left.

    Its standard streams are pipes.
    """
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True, **options
    )
    try:
        yield process
    finally:
        try:
            await _end_all(process)
        finally:
            # Whoever is cancelled again meanwhile leaves no pipe open.
            process._transport.close()  # type: ignore[attr-defined]


async def _end_all(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        # What it said last has to be read: asyncio waits for the end of every pipe.
        await asyncio.shield(process.communicate())
    else:
        # Its pipes end a moment after it, unless somebody else has them.
        with suppress(TimeoutError):
            await asyncio.wait_for(process.communicate(), _LOOK)


async def _printed(
    process: Process,
    stdin: bytes,
    limit: int,
    hear: Callable[[str], None],
    watch: Callable[[], bool] | None,
) -> bytes:
    """What a program has printed when it ends; `_Enough` in a group ends it before."""
    assert process.stdin and process.stdout and process.stderr
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_watch(watch))
        printing = group.create_task(_all_of(process.stdout, limit))
        group.create_task(_lines_of(process.stderr, hear))
        group.create_task(_feed(process.stdin, stdin))
        await process.wait()
        watching.cancel()
    return printing.result()


async def _all_of(stream: asyncio.StreamReader, limit: int) -> bytes:
    read = bytearray()
    while chunk := await stream.read(_CHUNK):
        read += chunk
        if len(read) > limit:
            raise _Enough
    return bytes(read)


async def _feed(stream: asyncio.StreamWriter, data: bytes) -> None:
    with suppress(ConnectionError):
        stream.write(data)
        await stream.drain()
    stream.close()


async def _watch(too_much: Callable[[], bool] | None) -> None:
    while too_much is not None:
        if too_much():
            raise _Enough
        await asyncio.sleep(_LOOK)


async def _hear_lines(descriptor: int, hear: Callable[[str], None]) -> None:
    stream = asyncio.StreamReader(limit=_CHUNK)
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), pipe
    )
    try:
        await _lines_of(stream, hear)
    finally:
        transport.close()


async def _lines_of(stream: asyncio.StreamReader, hear: Callable[[str], None]) -> None:
    rest = b""
    while chunk := await stream.read(_CHUNK):
        *whole, rest = _BREAK.split(rest + chunk)
        for line in _shown(whole):
            hear(line)
        # A line without end must not grow: what is over the length is not shown anyway.
        rest = rest[: LINE_LENGTH * 4]
    for line in _shown([rest]):
        hear(line)


def _shown(lines: list[bytes]) -> Iterator[str]:
    return (line for line in map(clean, lines) if line)


async def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program that still runs, with all of its group; a sandbox ends with its first."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(asyncio.to_thread(process.wait))
