"""Running git: nothing of this machine's configuration, no prompt, an end in every case.

What a hostile repository or server could use is switched off here, for every call: hooks,
filters and LFS (only configuration can start them, and there is none), prompts, credential
helpers, redirects (`http.followRedirects=false` also stops the alternates of dumb HTTP),
bundle and pack URIs, submodule recursion, and every transport that is not asked for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import programs

MINIMUM = (2, 37)
"""The first git that can be told a host's addresses (`http.curloptResolve`)."""

OUTPUT_LIMIT = 16 * 2**20

ALLOCATED = "1g"
"""Memory that git may ask for at once: a kilobyte of a pack can stand for an object of a megabyte,
and all but large files are held as a whole."""

_OVER_MEMORY = re.compile("attempting to allocate|Out of memory")

_WITHIN = ("/bin/sh", "-c", 'ulimit -d "$0" 2>/dev/null; exec "$@"')
"""Runs a program whose processes have so many KiB each; less, if we have less ourselves."""
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
        memory: bytes that each of its processes may have; 0 for any.
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
    memory: int = 0
    keep_open: int = -1


async def run(call: Call, on_progress: Callable[[str], None] | None = None) -> bytes:
    """Run git and give its standard output.

    Cancelling ends every process of the call before it returns.

    Args:
        call: what to run.
        on_progress: told each line of its standard error, progress included.

    Raises:
        ProcessFailed: it failed, took too long or gave too much; not for people, see `complaints`.
    """
    within = (*_WITHIN, str(call.memory >> 10)) if call.memory else ()
    try:
        return await programs.capture(
            [*within, "git", *call.arguments],
            env=environment(call),
            cwd=call.directory,
            stdin=call.stdin,
            patience=call.timeout,
            limit=call.output_limit,
            tell=on_progress,
            watch=call.watch,
            keep_open=(call.keep_open,) if call.keep_open >= 0 else (),
        )
    except programs.ProcessFailed as error:
        if _OVER_MEMORY.search(error.tail):
            raise programs.TooMuch(error.status, error.tail) from error
        raise


async def version() -> tuple[int, ...]:
    """Git's version, empty if there is no git."""
    try:
        text = (await run(Call(["version"], Path("/")))).decode()
    except FileNotFoundError:
        return ()
    return tuple(map(int, re.findall(r"\d+", text)[:3]))


def environment(call: Call) -> dict[str, str]:
    """The whole environment of a call: what is passed on, and settings as variables."""
    config = {**_CONFIG, **call.config}
    settings = {"GIT_CONFIG_COUNT": str(len(config))}
    for number, (key, value) in enumerate(config.items()):
        settings |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return {
        **programs.passed_on(os.environ, "PATH", "TMPDIR", *programs.NETWORK),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_ALLOC_LIMIT": ALLOCATED,
        "GIT_ALLOW_PROTOCOL": ":".join(call.protocols) or "none",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
        "GIT_TERMINAL_PROMPT": "0",
        **settings,
        **call.environment,
    }
