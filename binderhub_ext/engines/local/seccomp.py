"""The system calls no program of a person's needs, refused by the kernel.

Each is a door that has been a way out of containers, or reaches something that is not
separated by namespaces (keyrings, the terminal's input queue). The list is that of the
common container runtimes' default profiles, as far as it matters for processes without
capabilities. `clone3` answers "not implemented", so that the C library falls back to
`clone`, whose flags a filter can read.
"""

from __future__ import annotations

import errno
import tempfile
from functools import lru_cache

DENIED = (
    "acct",
    "add_key",
    "bpf",
    "delete_module",
    "fanotify_init",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "lookup_dcookie",
    "mount",
    "mount_setattr",
    "move_mount",
    "name_to_handle_at",
    "nfsservctl",
    "open_by_handle_at",
    "open_tree",
    "perf_event_open",
    "pivot_root",
    "quotactl",
    "reboot",
    "request_key",
    "setns",
    "swapoff",
    "swapon",
    "syslog",
    "umount2",
    "unshare",
    "userfaultfd",
    "vhangup",
)

UNCOUNTED = ("memfd_create", "memfd_secret", "shmget")
"""Memory that belongs to no process, so that without a control group nobody counts it."""

_NEW_NAMESPACES = tuple(1 << bit for bit in (17, 25, 26, 27, 28, 29, 30))
_TERMINAL = (0x5412, 0x541C)
"""`TIOCSTI` and `TIOCLINUX`: type into a terminal."""

_FILE_FLAGS = (0x40086602, 0x401C5820)
"""`FS_IOC_SETFLAGS` and `FS_IOC_FSSETXATTR`: take a file of one's own out of a project quota."""


class NoSeccomp(Exception):
    """The library that makes filters is not on this machine."""


@lru_cache
def program(count_memory: bool = False) -> bytes:
    """The filter as the kernel takes it (classic BPF).

    Args:
        count_memory: also refuse `UNCOUNTED`, where a watcher has to count.

    Raises:
        NoSeccomp: libseccomp is missing.
    """
    try:
        import pyseccomp
    except (ImportError, OSError, RuntimeError) as error:
        raise NoSeccomp(str(error)) from error
    denied = pyseccomp.ERRNO(errno.EPERM)
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in DENIED:
        _refuse(rules, denied, name)
    missing = pyseccomp.ERRNO(errno.ENOSYS)
    for name in ("clone3", *(UNCOUNTED if count_memory else ())):
        _refuse(rules, missing, name)
    for flag in _NEW_NAMESPACES:
        rules.add_rule(denied, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag))
    for request in (*_TERMINAL, *_FILE_FLAGS):
        masked = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xFFFFFFFF, request)
        rules.add_rule(denied, "ioctl", masked)
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _refuse(rules: object, action: int, name: str) -> None:
    import pyseccomp

    try:
        number = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
    except (ValueError, RuntimeError):
        return
    if number >= 0:
        rules.add_rule(action, name)  # type: ignore[attr-defined]
