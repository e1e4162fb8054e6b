"""What runs in a server's sandbox: beside it, such as a database that `start` left running. And
what all of it uses.

A program counts whose starter has ended (a daemon), and one that the server has for a child in its
own session (a shell's `&`). Kernels and terminals have sessions of their own. All of it is the
person's: what they call a program, and how many there are, is theirs to say.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from ...core.launch import Launch
from ...core.layout import DataDirectory
from ...core.using import UNKNOWN, Use
from ...programs import clean
from ..base import PROXY, Program
from .processes import ProcessId, init_of, lock_holder, program_of
from .rundir import RunDirectory
from .sandbox import RUN
from .store import Store, read_record
from .watcher import memories_of, pid_namespace

_MOST = 100
"""Of processes, and of what each has open, that are looked at."""

_PROCESSES = 1000
"""Whose use is counted, of however many a person has."""

_PATIENCE = 0.3
"""Seconds for counting the memory of one of them: pages wait for it, and so does the ledger."""

_FEW = 10
"""Of what came of each of them."""

_BYTES = 64 * 1024
"""Of what the kernel tells: how long a program's arguments are is the person's to say, too."""

_OURS = "jupyterhub-sing"
"""As much as the kernel keeps of the name of a server that its start script is waiting for."""

_RELAY = f"{RUN}/inside/relay.py".encode()
_LISTENING = "0A"


def programs_of(layout: DataDirectory, store: Store, launch: Launch) -> tuple[Program, ...]:
    """What runs beside the server of a launch; nothing if it has no sandbox we may look at."""
    init = _first(layout, launch)
    if init is None:
        return ()
    record = read_record(store.path(launch.image))
    proxied = record is not None and PROXY in record.provides
    return tuple(replace(program, proxied=proxied) for program in programs_beside(init))


def uses_of(layout: DataDirectory, launches: Iterable[Launch]) -> list[Use]:
    """What each launch's server uses, with all that runs beside it."""
    firsts = (_first(layout, launch) for launch in launches)
    return [use_of(init) if init else UNKNOWN for init in firsts]


def use_of(init: ProcessId) -> Use:
    """The same by the first process of a sandbox; nothing if we may not look, or it has ended."""
    processes = (init, *init.descendants(_PROCESSES))
    memory = sum(memories_of((each.pid for each in processes), _PATIENCE).values())
    # what has ended is counted by who waited for it, at last by the first process
    worked = sum(each.worked for each in processes)
    return Use(memory or None, worked or None)


def _first(layout: DataDirectory, launch: Launch) -> ProcessId | None:
    """The first process of the sandbox of a launch's server, if it has one."""
    try:
        holder = lock_holder(RunDirectory.of(layout, launch.user, launch.server).lock)
    except OSError:
        return None
    init = ProcessId.of(init_of(holder)) if holder else None
    # without a sandbox it would be the machine's own
    return init if init and pid_namespace(init.pid) != pid_namespace(os.getpid()) else None


def programs_beside(init: ProcessId) -> tuple[Program, ...]:
    """What runs beside the program of a sandbox, by that's first process: each name once."""
    listening = _listening(init.pid)
    found: dict[str, set[int]] = {}
    for process in islice(_beside(init), _MOST):
        name = clean(_read(process.pid, "comm"))
        if name and name != _OURS:
            found.setdefault(name, set()).update(_ports(process, listening))
    return tuple(Program(name, tuple(sorted(ports))) for name, ports in sorted(found.items()))


def _beside(init: ProcessId) -> Iterator[ProcessId]:
    program = program_of(init)
    yield from (
        each
        for each in init.children(_MOST)
        if each != program and _RELAY not in _read(each.pid, "cmdline").split(b"\0")
    )
    if program:
        session = program.session
        yield from (each for each in program.children(_MOST) if each.session == session)


def _ports(process: ProcessId, listening: Mapping[str, int]) -> Iterator[int]:
    """Ports at which a process, or one that came of it, listens."""
    for each in (process, *process.descendants(_FEW)):
        with suppress(OSError):
            for entry in islice(os.scandir(f"/proc/{each.pid}/fd"), _MOST):
                with suppress(OSError, KeyError):
                    yield listening[os.readlink(entry.path)]  # noqa: PTH115  as scandir has it


def _listening(pid: int) -> dict[str, int]:
    """Ports at which something listens in a process's network, by the name of the socket."""
    sockets = {}
    for version in ("tcp", "tcp6"):
        # those that listen come first; the last line is empty, or cut off
        for line in _read(pid, f"net/{version}").decode().split("\n")[1:-1]:
            fields = line.split()
            if fields[3] == _LISTENING:
                sockets[f"socket:[{fields[9]}]"] = int(fields[1].rpartition(":")[2], 16)
    return sockets


def _read(pid: int, name: str) -> bytes:
    with suppress(OSError), Path(f"/proc/{pid}/{name}").open("rb") as file:
        return file.read(_BYTES)
    return b""
