"""What people call their programs, and how much these say, holds up nobody who looks at them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from binderhub_ext.engines.local import beside, limits, watcher
from binderhub_ext.engines.local.processes import ProcessId, end_sandbox, status_of

NAME = rb"\xff)\rPPid:\t1"
"""No UTF-8, the end of a name, and, where that ends a line, a parent."""

HOSTILE = f"""
import sys
with open("/proc/self/comm", "wb", buffering=0) as name:
    name.write(b"{NAME.decode("ascii")}")
print(flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hostile() -> Iterator[ProcessId]:
    argv = [sys.executable, "-I", "-S", "-c", HOSTILE, "x" * 100_000]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(argv, **pipes) as process:  # type: ignore[call-overload]
        process.stdout.readline()
        found = ProcessId.of(process.pid)
        assert found
        yield found
        process.kill()


def test_a_name_that_is_no_text_hides_no_process(hostile: ProcessId) -> None:
    assert hostile.alive
    assert hostile in ProcessId.of(os.getpid()).descendants()  # type: ignore[union-attr]
    assert status_of(hostile.pid)["PPid"] == str(os.getpid())
    assert watcher._memory(hostile.pid, "status", watcher._RESIDENT) > 0
    assert limits._is_ours(hostile.pid)


def test_no_more_is_read_than_was_meant(hostile: ProcessId) -> None:
    assert len(beside._read(hostile.pid, "cmdline")) == beside._BYTES


async def test_a_sandbox_ends_whatever_is_found_in_it(
    hostile: ProcessId, monkeypatch: pytest.MonkeyPatch
) -> None:
    def children(process: ProcessId, most: int = 0) -> list[ProcessId]:
        raise FileNotFoundError("It has ended meanwhile")

    monkeypatch.setattr(ProcessId, "children", children)
    with pytest.raises(FileNotFoundError):
        await end_sandbox(hostile, 1, 1)
    assert await hostile.ended(2)
