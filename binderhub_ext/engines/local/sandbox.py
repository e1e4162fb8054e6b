"""What a sandbox is, and how bubblewrap is asked for it. Pure: opens and starts nothing.

The shape is the one that passed the attack list, in two forms. A Hub that is root gives every
person a uid of the host; bubblewrap mounts as root with three capabilities left, and
`setpriv` gives up the rest before anything of the person's runs. A Hub that is an ordinary
user has only its own uid, so a user namespace separates, in which no further one can be made.

In both, one program of ours (`inside/first.py`) runs first, already as the person: it closes
the descriptors the mounts were made from. An inherited descriptor of a directory would be a
way out, and bubblewrap hands on all it was given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from ...programs import host_program
from .limits import Limits
from .network import Network
from .systemtree import tree_binds

HOME = "/home/jovyan"
"""The home inside every sandbox."""

INSIDE_UID = 1000
"""The person inside the user namespace of an ordinary user's Hub."""

RUN = "/run/binder"
"""Where our own files appear inside."""

SECRETS = f"{RUN}/secrets"
"""Where the person's secrets are that are files, in memory."""

VARIABLES = f"{RUN}/variables.json"

VAR_TMP = "/var/tmp"

FIRST = Path(__file__).parent / "inside"
SHARED = Path(__file__).parents[1] / "inside"

SHELL = "/bin/bash"

HOST_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""What of the host's root is there, read-only; links stay links."""

HOST_ETC = (
    "alternatives",
    "bash.bashrc",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "fonts",
    "gai.conf",
    "host.conf",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "magic",
    "mime.types",
    "os-release",
    "pip.conf",
    "pki",
    "profile.d",
    "protocols",
    "services",
    "ssl",
    "terminfo",
    "timezone",
    "uv",
)
"""Files of /etc that programs need; only those that every user of the host may read."""

_LOGIN_PROFILE = b"""\
# The host's file sets PATH anew and would hide the environment from a terminal.
for part in /etc/profile.d/*.sh; do
    if [ -r "$part" ]; then . "$part"; fi
done
unset part
"""


@dataclass(frozen=True)
class Bind:
    """One directory or file that is seen inside.

    Attributes:
        source: a path nobody else can change the meaning of, or the descriptor of an opened
            directory (`beneath`), which stays open until the sandbox has started.
        target: absolute path inside.
        read_only: enforced by the kernel.
    """

    source: Path | int
    target: PurePosixPath
    read_only: bool = True


@dataclass(frozen=True)
class Person:
    """Who runs inside.

    Attributes:
        uid: uid of the host; `None` for the Hub's own, seen inside as `INSIDE_UID`.
        groups: further groups of the host; only with a `uid`.
    """

    uid: int | None = None
    groups: tuple[int, ...] = ()

    @property
    def inside_uid(self) -> int:
        return INSIDE_UID if self.uid is None else self.uid


@dataclass(frozen=True)
class Sandbox:
    """One program in a sandbox of its own.

    Attributes:
        argv: the program; looked up in the `PATH` of `env`.
        env: its whole environment. Secrets go here and never into `argv`, which everybody on
            the host can read.
        cwd: its directory; absolute, inside.
        binds: what it sees besides the system, in order; a later one may lie in an earlier.
        files: small read-only files by absolute path.
        variables: what the program gets in its environment besides, and nothing outside of the
            sandbox: no program that makes it (as root, it may be) has a person's variables.
        person: as whom.
        network: what it reaches.
        limits: what it may use.
        locks: files inside on which a read lock is held while it runs.
        links: programs and settings the first program prepares in the home (`inside/first.py`).
        relay: arguments of the relay inside an isolated network (`inside/relay.py`).
        keep: descriptors handed on to the relay; all others end before the program begins.
        python: interpreter that runs our first program; must be visible inside.
        ends_with_hub: whether the sandbox ends when the process that started it does.
        system: a tree that takes the place of the host's system, or `None`.
        changed: a folder in which the program changes the tree of a system (`changing.py`), as
            the root of that and in nothing else; `binds` are then named as `mapping` shows them.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str = HOME
    binds: tuple[Bind, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    person: Person = field(default_factory=Person)
    network: Network = Network.NONE
    limits: Limits = field(default_factory=Limits)
    locks: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    relay: tuple[str, ...] = ()
    keep: tuple[int, ...] = ()
    python: str = ""
    ends_with_hub: bool = False
    system: Path | None = None
    changed: Path | None = None


@dataclass(frozen=True)
class Descriptors:
    """Numbers of what is handed to bubblewrap open.

    Attributes:
        files: content of `Sandbox.files`, by path.
        seccomp: the filters for system calls.
        info: where bubblewrap writes the pid of the sandbox.
        block: what it waits for before anything runs.
        life: what it keeps open as long as the sandbox lives.
    """

    files: Mapping[str, int]
    seccomp: tuple[int, ...]
    info: int
    block: int
    life: int


def system_binds(root: Path = Path("/")) -> list[str]:
    """Arguments for the host's programs and the picked files of /etc."""
    arguments: list[str] = []
    for name in HOST_SYSTEM:
        path = root / name[1:]
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            arguments += ["--ro-bind", str(path), name]
    arguments += ["--perms", "0755", "--dir", "/etc"]
    for name in HOST_ETC:
        path = root / "etc" / name
        if path.exists() and path.stat().st_mode & 0o004:
            arguments += ["--ro-bind", str(path), f"/etc/{name}"]
    return arguments


def own_files(person: Person) -> dict[str, bytes]:
    """The files of /etc that say who is inside, and nothing of who else is on the host."""
    uid = person.inside_uid
    groups = "".join(f"group{gid}:x:{gid}:\n" for gid in person.groups if gid != uid)
    return {
        "/etc/passwd": (
            "root:x:0:0:root:/:/usr/sbin/nologin\n"
            f"jovyan:x:{uid}:{uid}:jovyan:{HOME}:{SHELL}\n"
            "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"
        ).encode(),
        "/etc/group": f"root:x:0:\njovyan:x:{uid}:\n{groups}nogroup:x:65534:\n".encode(),
        "/etc/hosts": b"127.0.0.1 localhost binder\n::1 localhost\n",
        "/etc/hostname": b"binder\n",
        "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files dns\n",
        "/etc/profile": _LOGIN_PROFILE,
    }


def arguments(sandbox: Sandbox, fds: Descriptors) -> list[str]:
    """The whole command line of bubblewrap."""
    return [
        host_program("bwrap"),
        *_namespaces(sandbox),
        *_system(sandbox, fds),
        *["--proc", "/proc", "--dev", "/dev"],
        *_temporary(sandbox),
        *files(fds),
        *_ours(sandbox),
        *parents(bind.target for bind in sandbox.binds),
        *(word for bind in sandbox.binds for word in bound(bind)),
        # Else whoever owns these two could fill them, and with them the machine's memory.
        *["--remount-ro", "/dev", "--remount-ro", "/"],
        *(word for lock in sandbox.locks for word in ("--lock-file", lock)),
        *handed(fds),
        "--",
        *_become(sandbox.person),
        *first(sandbox),
        *sandbox.argv,
    ]


def _system(sandbox: Sandbox, fds: Descriptors) -> list[str]:
    """The host's programs and settings, or those of another tree."""
    if sandbox.system is None:
        return system_binds()
    own = [*fds.files, *(str(bind.target) for bind in sandbox.binds), VAR_TMP]
    return tree_binds(sandbox.system, own)


def _namespaces(sandbox: Sandbox) -> list[str]:
    words = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "binder"]
    words += ["--new-session", "--unshare-cgroup-try"]
    if sandbox.network in (Network.NONE, Network.ISOLATED):
        words.append("--unshare-net")
    if sandbox.ends_with_hub:
        words.append("--die-with-parent")
    if sandbox.person.uid is None:
        uid = str(INSIDE_UID)
        words += ["--unshare-user", "--uid", uid, "--gid", uid, "--disable-userns"]
        return [*words, "--cap-drop", "ALL"]
    kept = (word for cap in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{cap}"))
    return [*words, "--cap-drop", "ALL", *kept]


def _temporary(sandbox: Sandbox) -> list[str]:
    if sandbox.system:
        return temporary(sandbox.limits, VAR_TMP)
    var = ["--perms", "0755", "--dir", "/var", "--symlink", "/tmp", VAR_TMP]
    return [*temporary(sandbox.limits), *var]


def temporary(limits: Limits, *more: str) -> list[str]:
    words = ["--perms", "1777", "--size", str(limits.temp), "--tmpfs"]
    return [word for place in ("/tmp", "/dev/shm", *more) for word in (*words, place)]


def handed(fds: Descriptors) -> list[str]:
    """What bubblewrap and the sandbox have open."""
    filters = (word for number in fds.seccomp for word in ("--add-seccomp-fd", str(number)))
    pipes = {"--info-fd": fds.info, "--block-fd": fds.block, "--sync-fd": fds.life}
    return [*filters, *(word for name, number in pipes.items() for word in (name, str(number)))]


def files(fds: Descriptors) -> list[str]:
    words: list[str] = parents(PurePosixPath(path) for path in fds.files)
    for path, number in fds.files.items():
        words += ["--perms", "0644", "--ro-bind-data", str(number), path]
    return words


def _ours(sandbox: Sandbox) -> list[str]:
    words = ["--perms", "0755", "--dir", RUN]
    words += ["--ro-bind", str(FIRST), f"{RUN}/inside", "--ro-bind", str(SHARED), f"{RUN}/shared"]
    return [*words, *parents([PurePosixPath(HOME)])]


def parents(targets: Iterable[PurePosixPath]) -> list[str]:
    """Directories bubblewrap would otherwise make for itself alone (mode 0700)."""
    words: list[str] = []
    seen = {PurePosixPath("/"), PurePosixPath("/etc"), PurePosixPath("/dev")}
    for target in targets:
        for parent in reversed(target.parents):
            inside_home = parent.is_relative_to(HOME)
            if parent not in seen and not inside_home and not str(parent).startswith("/usr"):
                words += ["--perms", "0755", "--dir", str(parent)]
                seen.add(parent)
    return words


def bound(bind: Bind) -> tuple[str, str, str]:
    source = f"/proc/self/fd/{bind.source}" if isinstance(bind.source, int) else str(bind.source)
    return ("--ro-bind" if bind.read_only else "--bind", source, str(bind.target))


def _become(person: Person) -> list[str]:
    if person.uid is None:
        return []
    uid = str(person.uid)
    groups = ",".join(map(str, person.groups))
    return [
        *[host_program("setpriv"), "--reuid", uid, "--regid", uid],
        *(["--groups", groups] if groups else ["--clear-groups"]),
        *["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"],
    ]


def first(sandbox: Sandbox) -> list[str]:
    plan = {
        "cwd": sandbox.cwd,
        "keep": list(sandbox.keep),
        "limits": sandbox.limits.resources(),
        "cpus": sandbox.limits.cpus(),
        "links": dict(sandbox.links),
        "variables": VARIABLES if sandbox.variables else "",
        "relay": list(sandbox.relay),
    }
    return [sandbox.python, "-I", "-S", f"{RUN}/inside/first.py", json.dumps(plan)]
