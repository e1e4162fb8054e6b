"""How a container ends by its first process, which is real, in a pid namespace of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from shlex import quote

import pytest
from patience import SOON

from binderhub_ext.engines.containers.quickstart import FIRST

ALONE, OTHERS, DEAF = "1", "30", "5"
"""Seconds that a server has for its end, and all others then; where one never ends, too."""

DATABASE = """
import os, signal, sys, time
def end(*_):
    time.sleep(0.1)  # as one that has something to write
    servers = [pid for pid in os.listdir("/proc") if pid.isdecimal() and pid != "1"
               and b"the-server" in open(f"/proc/{pid}/cmdline", "rb").read().split(b"\\0")]
    print("database ended", *(["beside the server"] if servers else []), flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
open("/dev/shm/up", "w").close()
while True:
    signal.pause()
"""
BESIDE = f"setsid python3 -c {quote(DATABASE)} &\nuntil test -e /dev/shm/up; do sleep 0.01; done\n"
SERVER = f"exec python3 -c {quote('import os, sys, time; exec(sys.argv[2])')} the-server "
ASK = "'os.kill(1, 15); time.sleep(99)'"
ENDED = "database ended\n"

pytestmark = pytest.mark.skipif(
    not shutil.which("bwrap"), reason="bubblewrap is missing: apt-get install bubblewrap"
)


def run(*command: str, first: bool = True, others: str = OTHERS) -> tuple[int, str]:
    """What becomes of a command: its status, and what was said."""
    places = ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
    sandbox = [
        "bwrap",
        *places,
        "--die-with-parent",
        "--unshare-pid",
        *(["--as-pid-1"] if first else []),
    ]
    argv = [*sandbox, sys.executable, "-I", "-S", str(FIRST), ALONE, others, *command]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=SOON)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("script", "status", "said"),
    [
        pytest.param(f"{BESIDE}{SERVER} 0", 0, ENDED, id="a server that ends by itself"),
        pytest.param(f"{BESIDE}exit 7", 7, ENDED, id="one that fails"),
        pytest.param(f"{BESIDE}{SERVER} {ASK}", 143, ENDED, id="one that is asked"),
        pytest.param(
            "trap 'echo told; exit 3' USR1\nkill -USR1 1\nwait\nsleep 9 & wait", 3, "told\n"
        ),
    ],
)
def test_what_runs_beside_a_server_ends_in_peace_and_after_it(
    script: str, status: int, said: str
) -> None:
    assert run("/bin/sh", "-c", script) == (status, said)


def test_a_server_that_does_not_do_as_it_is_asked() -> None:
    script = f"{BESIDE}trap '' TERM\n{SERVER} {ASK}"
    said = "database ended beside the server\n"
    assert run("/bin/sh", "-c", script, others=DEAF) == (137, said)


def test_what_cannot_be_run_is_said() -> None:
    assert run("/nowhere/server") == (126, "/nowhere/server: No such file or directory\n")


def test_whoever_loses_a_parent_is_reaped() -> None:
    script = (
        "for i in 1 2 3; do (true &); done; sleep 0.2\n"
        "while cat /proc/[0-9]*/stat | grep ' Z '; do sleep 0.1; done"
    )
    assert run("/bin/sh", "-c", script)[0] == 0


def test_it_ends_nobody_where_another_is_the_first() -> None:
    assert run("/bin/sh", "-c", "sleep 9 & exec echo served", first=False)[1] == "served\n"
