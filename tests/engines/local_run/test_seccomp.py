"""The filters for system calls, tried by a real kernel."""

from __future__ import annotations

import ast
import errno
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sandboxhub import sandbox_missing

from binderhub_ext.engines.local import seccomp

REFUSED = {errno.EPERM, errno.ENOSYS}
SET_FLAGS, SET_ATTRIBUTES, GET_ATTRIBUTES = 0x40086602, 0x401C5820, 0x801C581F
IOCTL, PERSONALITY, CLONE = 16, 135, 56
VSOCK, CIPHERS = 40, 38
UNFILTERED = {335, 336}
"""`uretprobe` and `uprobe` of x86, which the kernel itself plants; it shows them to no filter, and
ends whoever calls them by hand."""

CALLS = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    libc.syscall(ctypes.c_long(number), *(ctypes.c_long(one) for one in arguments))
    return ctypes.get_errno()
"""

PROGRAM = """
import ctypes, mmap, os, select, signal, socket, subprocess, tempfile, threading
from multiprocessing import shared_memory
started = threading.Event()
threading.Thread(target=started.set).start()
assert started.wait(5)
one, other = socket.socketpair()
with select.epoll() as poll:
    poll.register(one.fileno(), select.EPOLLIN)
    other.send(b"x")
    assert poll.poll(5)
assert subprocess.run(["true"]).returncode == 0
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
    socket.socket(family, socket.SOCK_STREAM if family != socket.AF_NETLINK else socket.SOCK_RAW)
os.close(os.memfd_create("x"))
os.close(os.pidfd_open(os.getpid()))
memory = shared_memory.SharedMemory(create=True, size=4096)
memory.close(), memory.unlink()
with tempfile.NamedTemporaryFile() as file:
    os.posix_fallocate(file.fileno(), 0, 4096)
    os.setxattr(file.name, "user.x", b"1") if os.listxattr(file.name) else None
    mmap.mmap(file.fileno(), 4096).close()
child = os.fork()
if child == 0:
    signal.pause()
libc = ctypes.CDLL(None, use_errno=True)
ATTACH, DETACH = 16, 17
assert libc.ptrace(ATTACH, child, None, None) == 0, os.strerror(ctypes.get_errno())
os.waitpid(child, 0)
assert libc.ptrace(DETACH, child, None, None) == 0
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
print("RESULT", True)
"""
"""What servers, kernels, debuggers and samplers of profiles live by."""


@pytest.fixture(autouse=True)
def _needs_sandbox() -> None:
    if missing := sandbox_missing():
        pytest.skip(missing)


def run(*argv: str, count_memory: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a program under the filters, as a person who is not root."""
    with ExitStack() as stack:
        numbers = []
        for content in seccomp.programs(count_memory):
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(content)
            file.seek(0)
            numbers.append(file.fileno())
        bwrap = ["bwrap", "--unshare-user", "--uid", "1000", "--dev-bind", "/", "/"]
        bwrap += ["--unshare-pid", "--proc", "/proc", "--cap-drop", "ALL"]
        bwrap += [word for number in numbers for word in ("--add-seccomp-fd", str(number))]
        return subprocess.run([*bwrap, *argv], pass_fds=numbers, capture_output=True, text=True)


def told(script: str, **options: bool) -> Any:
    done = run(sys.executable, "-I", "-S", "-c", script, **options)
    assert done.returncode == 0, done
    return ast.literal_eval(done.stdout.rpartition("RESULT ")[2])


def called(number: int, *arguments: int) -> int:
    """The error's number of a call."""
    return int(told(f"{CALLS}\nprint('RESULT', call({number}, *{arguments!r}))"))


def allowed(names: frozenset[str]) -> Iterator[int]:
    import pyseccomp

    numbers = (pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) for name in names)
    return (number for number in numbers if number >= 0)


@pytest.mark.parametrize("count_memory", [False, True])
def test_every_call_that_nobody_allowed_is_refused(count_memory: bool) -> None:
    """By number, those among them that no kernel has yet."""
    names = seccomp.ALLOWED - set(seccomp.UNCOUNTED if count_memory else ())
    known = {*allowed(names | {"personality"})}
    numbers = [number for number in range(1024) if number not in known | UNFILTERED]
    script = f"{CALLS}\nprint('RESULT', {{n: call(n, -1, -1, -1, -1, -1) for n in {numbers!r}}})"
    answers = told(script, count_memory=count_memory)
    assert {n: error for n, error in answers.items() if error not in REFUSED} == {}
    open_tree_attr, file_getattr, file_setattr = 467, 468, 469
    assert {open_tree_attr, file_getattr, file_setattr} <= set(answers)


def test_a_call_is_allowed_or_denied_not_both() -> None:
    assert not seccomp.ALLOWED & seccomp.DENIED


@pytest.mark.skipif(platform.machine() != "x86_64", reason="numbers of calls are of x86")
def test_uses_of_allowed_calls_that_are_refused() -> None:
    for request in (SET_FLAGS, SET_ATTRIBUTES, SET_ATTRIBUTES | 1 << 32, 0x5412, 0x541C):
        assert called(IOCTL, 0, request, 0) == errno.EPERM, request
    # others of this kind get as far as the file system, which may not know them
    assert called(IOCTL, 0, GET_ATTRIBUTES, 0) in (errno.ENOTTY, errno.EOPNOTSUPP, errno.EFAULT)
    for family in (VSOCK, CIPHERS, 46, -1, CIPHERS | 1 << 32):
        assert called(41, family, 1, 0) == errno.EPERM, family
    for flag in (17, 25, 26, 27, 28, 29, 30):
        assert called(CLONE, 1 << flag | 17, 0, 0, 0, 0) == errno.EPERM, flag
    assert called(PERSONALITY, 0x0040000) in REFUSED
    assert called(PERSONALITY, 0xFFFFFFFF) == 0


SHARED = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.shmget.argtypes = ctypes.c_int, ctypes.c_size_t, ctypes.c_int
def get(size):
    ctypes.set_errno(0)
    piece = libc.shmget(0, size, 0o1600)
    error = ctypes.get_errno()
    if piece >= 0:
        libc.shmctl(piece, 0, None)
    return error
print("RESULT", [get(size) for size in (56, 4096, 4097, 1 << 32 | 56)])
"""


def test_memory_that_nobody_counts_comes_in_small_pieces() -> None:
    """PostgreSQL keeps 56 bytes of its kind."""
    assert told(SHARED, count_memory=True) == [0, 0, errno.ENOSYS, errno.ENOSYS]
    assert told(SHARED, count_memory=False)[:3] == [0, 0, 0]


def test_programs_of_people_run() -> None:
    assert told(PROGRAM) is True


@pytest.mark.parametrize(
    "argv",
    [
        ["git", "-C", "/tmp", "init", "-q", "."],
        ["node", "-e", "fs.promises.readFile('/etc/passwd').then(x => process.exit(0))"],
        ["gdb", "-batch", "-ex", "run", "-ex", "quit", "--args", "/bin/true"],
        ["curl", "--version"],
    ],
    ids=lambda argv: argv[0],
)
def test_programs_of_others_run(argv: list[str]) -> None:
    if shutil.which(argv[0]) is None:
        pytest.skip(f"there is no {argv[0]} here")
    done = run(*argv)
    assert done.returncode == 0, done
