"""Running git: nothing of this machine's configuration, no prompt, an end in every case.

What a hostile repository or server could use is switched off here, for every call: hooks,
filters and LFS (only configuration can start them, and there is none), prompts, credential
helpers, redirects (`http.followRedirects=false` also stops the alternates of dumb HTTP),
bundle and pack URIs, submodule recursion, and every transport that is not asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MINIMUM = (2, 37)
"""The first git that can be told a host's addresses (`http.curloptResolve`)."""

OUTPUT_LIMIT = 16 * 2**20
_STDERR_KEPT = 16 * 2**10
_PASSED = (
    *("PATH", "TMPDIR", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE"),
)
_CONFIG = {
    "advice.detachedHead": "false",
    "core.bigFileThreshold": "64m",
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.symlinks": "true",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "http.sslVerify": "true",
    "maintenance.auto": "false",
    "protocol.version": "2",
    "safe.directory": "*",
    "transfer.bundleURI": "false",
    # Packs, never loose objects: the size of a fetch is watched in one directory.
    "transfer.unpackLimit": "1",
}


class GitFailed(Exception):
    """Git ended with an error; not for people, see `complaints`.

    Attributes:
        stderr: the end of what it said.
    """

    def __init__(self, stderr: str) -> None:
        super().__init__(stderr)
        self.stderr = stderr


class GitTimedOut(GitFailed):
    """It took longer than allowed and was ended."""


class GitTooMuch(GitFailed):
    """It gave or stored more than allowed and was ended."""


@dataclass(frozen=True)
class Call:
    """One call of git.

    Attributes:
        arguments: what follows `git`.
        directory: where it runs.
        timeout: seconds until it is ended.
        protocols: transports it may use, none by default.
        config: settings for this call.
        environment: further variables, such as `GIT_INDEX_FILE`.
        stdin: what it reads.
        output_limit: bytes it may write to its standard output.
        watch: asked several times a second; true ends it as too much.
        keep_open: a lock's file descriptor to inherit, so that the lock lasts as long as git
            itself even if this process is killed; -1 for none.
    """

    arguments: Sequence[str]
    directory: Path
    timeout: float = 120
    protocols: tuple[str, ...] = ()
    config: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    output_limit: int = OUTPUT_LIMIT
    watch: Callable[[], bool] | None = None
    keep_open: int = -1


async def run(call: Call, on_progress: Callable[[str], None] | None = None) -> bytes:
    """Run git and give its standard output.

    Cancelling ends every process of the call before it returns.

    Args:
        call: what to run.
        on_progress: told each line of its standard error, progress included.

    Raises:
        GitFailed: it failed, took too long or gave too much.
    """
    errors = _Tail(on_progress)
    async with _started(call) as process:
        try:
            async with asyncio.timeout(call.timeout):
                output = await _attend(process, call, errors)
        except TimeoutError as error:
            raise GitTimedOut(errors.text) from error
        except ExceptionGroup as group:
            if group.subgroup(GitTooMuch) is None:
                raise
            raise GitTooMuch(errors.text) from group
    if process.returncode:
        raise GitFailed(errors.text)
    return output


async def version() -> tuple[int, ...]:
    """Git's version, empty if there is no git."""
    try:
        text = (await run(Call(["version"], Path("/")))).decode()
    except FileNotFoundError:
        return ()
    return tuple(map(int, re.findall(r"\d+", text)[:3]))


@contextlib.asynccontextmanager
async def _started(call: Call) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        "git",
        *call.arguments,
        cwd=call.directory,
        env=environment(call),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        pass_fds=(call.keep_open,) if call.keep_open >= 0 else (),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # What it said last has to be read: asyncio waits for the end of every pipe.
            await asyncio.shield(process.communicate())


async def _attend(process: asyncio.subprocess.Process, call: Call, errors: _Tail) -> bytes:
    async with asyncio.TaskGroup() as group:
        watcher = group.create_task(_watch(call.watch))
        output = group.create_task(_output(process, call.output_limit))
        group.create_task(errors.read(process))
        group.create_task(_feed(process, call.stdin))
        await process.wait()
        watcher.cancel()
    return output.result()


def environment(call: Call) -> dict[str, str]:
    """The whole environment of a call: what is passed on, and settings as variables."""
    config = {**_CONFIG, **call.config}
    settings = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (key, value) in enumerate(config.items()):
        settings |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        **{name: os.environ[name] for name in _PASSED if name in os.environ},
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_ALLOW_PROTOCOL": ":".join(call.protocols) or "none",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
        "GIT_TERMINAL_PROMPT": "0",
        **settings,
        **call.environment,
    }


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def _output(process: asyncio.subprocess.Process, limit: int) -> bytes:
    assert process.stdout is not None
    parts, size = [], 0
    while part := await process.stdout.read(2**16):
        size += len(part)
        if size > limit:
            raise GitTooMuch("")
        parts.append(part)
    return b"".join(parts)


async def _watch(too_much: Callable[[], bool] | None) -> None:
    while too_much is not None:
        if too_much():
            raise GitTooMuch("")
        await asyncio.sleep(0.2)


class _Tail:
    """The end of what git said, told line by line as it comes."""

    def __init__(self, on_line: Callable[[str], None] | None) -> None:
        self.text = ""
        self._on_line = on_line

    async def read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        rest = b""
        while part := await process.stderr.read(2**14):
            *lines, rest = re.split(rb"[\r\n]+", rest + part)
            for line in lines:
                self._add(line)
            rest = rest[-_STDERR_KEPT:]
        self._add(rest)

    def _add(self, raw: bytes) -> None:
        line = readable(raw.decode(errors="replace")).strip()
        if not line:
            return
        if not line.endswith("%") and "% (" not in line:
            self.text = f"{self.text}\n{line}".strip()[-_STDERR_KEPT:]
        if self._on_line is not None:
            self._on_line(line)


def readable(text: str) -> str:
    """Text of a stranger without what could move a terminal's cursor."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text)
