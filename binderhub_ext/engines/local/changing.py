"""The sandbox in which packages are installed into a system's tree.

The program is root of the tree, in the ids of `mapping`, and the tree is all that it sees. It
reaches no network: what it installs was fetched before. Its capabilities are those with which files
get their owners, nothing else.
"""

from __future__ import annotations

from ...programs import host_program
from . import mapping
from .sandbox import (
    FIRST,
    RUN,
    Descriptors,
    Sandbox,
    bound,
    files,
    first,
    handed,
    parents,
    temporary,
)

CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETGID", "SETUID")
"""To give files owners and special modes, and to work as another user."""

PYTHON = "/usr/bin/python3"
"""Interpreter of our first program: the tree's."""

TREE = "tree"
"""Name of the tree in the folder in which it is changed."""

_FIRST_PROGRAM = f"{RUN}/inside/first.py"


def own_files() -> dict[str, bytes]:
    """Our first program, by content: the root of the ids may not enter where it lies."""
    return {_FIRST_PROGRAM: (FIRST / "first.py").read_bytes()}


def arguments(sandbox: Sandbox, fds: Descriptors) -> list[str]:
    """The whole command line of bubblewrap, and of what maps the ids before."""
    assert sandbox.changed
    words = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "binder"]
    words += ["--new-session", "--unshare-cgroup-try", "--unshare-net", "--die-with-parent"]
    kept = (word for name in CAPABILITIES for word in ("--cap-add", f"CAP_{name}"))
    bubblewrap = [
        *[host_program("bwrap"), *words, "--cap-drop", "ALL", *kept],
        *["--bind", str(mapping.FOLDER / TREE), "/", "--proc", "/proc", "--dev", "/dev"],
        *temporary(sandbox.limits),
        *["--perms", "0755", "--tmpfs", "/run"],
        *files(fds),
        *parents(bind.target for bind in sandbox.binds),
        *(word for bind in sandbox.binds for word in bound(bind)),
        *["--remount-ro", "/dev"],
        *handed(fds),
        "--",
        *first(sandbox),
        *sandbox.argv,
    ]
    return mapping.command(sandbox.changed, bubblewrap)
