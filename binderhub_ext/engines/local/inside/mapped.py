"""Become root of a user namespace that has as many ids as a Debian system uses, and run a program.

Usage: python -I -S mapped.py FOLDER UIDS GIDS PROGRAM ARGUMENT...

There the program may give files to whom it likes, and outside of it these belong to ids that nobody
has: of a root Hub's that were set aside, of any other's the subordinate ids of its user. It finds
FOLDER at /mnt, since it can enter none of the folders that FOLDER is in. UIDS and GIDS are written
as in `/proc/*/uid_map`, with commas between the lines. The program ends when its parent does.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys

AT = "/mnt"

_NEW_MOUNTS, _NEW_USERS = 0x0002_0000, 0x1000_0000
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_SET_PARENT_DEATH_SIGNAL = 1

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    folder, uids, gids, *argv = sys.argv[1:]
    if os.geteuid() == 0:
        unshare(_NEW_MOUNTS)
        show(folder)
        map_ids(uids, gids, _NEW_USERS | _NEW_MOUNTS)
    else:
        map_ids(uids, gids, _NEW_USERS | _NEW_MOUNTS)
        show(folder)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    _libc.prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    os.execvp(argv[0], argv)


def map_ids(uids: str, gids: str, kinds: int) -> None:
    """Make the namespace; only who stays outside may say which ids it has."""
    mine, theirs = os.pipe()
    this = os.getpid()
    if os.fork() == 0:
        status = 1
        os.close(theirs)  # so that it reads the end of the pipe if there is no namespace
        try:
            if os.read(mine, 1):
                write_map(this, "uid", uids)
                write_map(this, "gid", gids)
                status = 0
        finally:
            os._exit(status)
    unshare(kinds)
    os.write(theirs, b".")
    _, status = os.wait()
    if status:
        sys.exit("The ids of a user namespace cannot be set here.")
    for descriptor in (mine, theirs):
        os.close(descriptor)


def write_map(pid: int, kind: str, text: str) -> None:
    lines = text.split(",")
    if os.geteuid() == 0:
        with open(f"/proc/{pid}/{kind}_map", "w") as file:  # noqa: PTH123  as quick as can be
            file.write("\n".join(lines) + "\n")
        return
    subprocess.run([f"new{kind}map", str(pid), *" ".join(lines).split()], check=True)


def show(folder: str) -> None:
    mount("none", "/", _RECURSIVE | _PRIVATE)
    mount(folder, AT, _BIND)


def unshare(kinds: int) -> None:
    check(_libc.unshare(kinds), "unshare")


def mount(source: str, target: str, flags: int) -> None:
    check(_libc.mount(os.fsencode(source), os.fsencode(target), None, flags, None), "mount")


def check(result: int, what: str) -> None:
    if result:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main()
