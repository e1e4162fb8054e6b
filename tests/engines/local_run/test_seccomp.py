"""The filter for system calls, tried by a real kernel."""

from __future__ import annotations

import errno
import subprocess
import sys
import tempfile

import pytest
from sandboxhub import sandbox_missing

from binderhub_ext.engines.local import seccomp

TRY = """
import fcntl, os, sys
try:
    fcntl.ioctl(os.open("/tmp", os.O_RDONLY), int(sys.argv[1]), bytes(28))
    print(0)
except OSError as error:
    print(error.errno)
"""
SET_FLAGS, SET_ATTRIBUTES, GET_ATTRIBUTES = 0x40086602, 0x401C5820, 0x801C581F


def tried(request: int) -> int:
    """The error's number of such a call under the filter."""
    with tempfile.TemporaryFile() as file:
        file.write(seccomp.program())
        file.seek(0)
        inside = ["bwrap", "--unshare-user", "--ro-bind", "/", "/", "--seccomp", str(file.fileno())]
        argv = [*inside, sys.executable, "-I", "-S", "-c", TRY, str(request)]
        done = subprocess.run(argv, pass_fds=[file.fileno()], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_file_cannot_be_taken_out_of_a_quota() -> None:
    if missing := sandbox_missing():
        pytest.skip(missing)
    assert tried(SET_FLAGS) == tried(SET_ATTRIBUTES) == errno.EPERM
    # others of this kind get as far as the file system, which may not know them
    assert tried(GET_ATTRIBUTES) in (0, errno.ENOTTY, errno.EOPNOTSUPP)
