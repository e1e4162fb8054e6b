"""Programs that are ended by the ids they were started with, and what a process has used."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE = 20


@contextmanager
def program(
    argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program for as long as the block runs; what it writes goes into a log."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else {**os.environ, **env},
            cwd=log.parent,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_of(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def child(parent: int, words: str) -> int:
    """The id of a process' child whose command line has these words.

    Raises:
        LookupError: there is none.
    """
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                facts = (folder / "stat").read_text().rpartition(")")[2].split()
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # it has ended meanwhile
                continue
            if int(facts[1]) == parent and words in command:
                return int(folder.name)
    raise LookupError(f"{parent} has started no {words}")


@dataclass(frozen=True)
class Used:
    """What a process has used so far.

    Attributes:
        seconds: of processors, without those of other processes it started.
        memory, peak: bytes it has in memory now, and had at most.
    """

    seconds: float
    memory: int
    peak: int

    @classmethod
    def by(cls, pid: int) -> Used:
        facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        memory, peak = (int(status[name].split()[0]) << 10 for name in ("VmRSS", "VmHWM"))
        return cls((int(facts[11]) + int(facts[12])) / _TICKS, memory, peak)


def load() -> float:
    """How many processes wanted a processor in the last minute."""
    return os.getloadavg()[0]


def wait_until(said: str, log: Path, process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until a program's log says something.

    Raises:
        RuntimeError: it ended or took too long; with the end of its log.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if said in log.read_text(errors="replace"):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{log.stem} did not start:\n{end_of(log)}")
