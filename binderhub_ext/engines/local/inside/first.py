"""The first program in every sandbox, already as the person whose sandbox it is.

Run by path with `python -I -S`, and only the standard library's cheapest modules: it is part
of every start. It closes what it was not told to keep, sets limits, prepares the home, starts
the relay where there is one, and becomes the program that was asked for.
"""

from __future__ import annotations

# ruff: noqa: PTH103,PTH105,PTH108,PTH114,PTH115,PTH118,PTH120,PTH123,PTH211
# pathlib costs a third of this program's time.
import json
import os
import resource
import sys
from contextlib import suppress


def main() -> None:
    plan = json.loads(sys.argv[1])
    argv = sys.argv[2:]
    close_all_but(plan["keep"])
    prefer_to_kill()
    for name, limit in plan["limits"].items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    if plan["cpus"]:
        os.sched_setaffinity(0, plan["cpus"])
    for path, content in plan["links"].items():
        with suppress(OSError):  # a full home or an odd file of theirs is no reason not to start
            put(path, content)
    if plan["relay"]:
        start_relay(plan["relay"])
    close_all_but([])
    if plan["variables"]:
        add_variables(plan["variables"])
    os.chdir(plan["cwd"])
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


def close_all_but(keep: list[int]) -> None:
    """Descriptors of directories outside must not reach anything of the person's."""
    start = 3
    for kept in sorted(keep):
        os.closerange(start, kept)
        start = kept + 1
    os.closerange(start, max(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 65536))


def prefer_to_kill() -> None:
    """If the whole machine runs out of memory, let it be a sandbox rather than the Hub.

    Kernels give themselves more (`site/sitecustomize.py`), so that the server outlives them.
    """
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("300")


def put(path: str, content: str) -> None:
    """Make a small file, or (`-> target`) a link, replacing what is there if it differs."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if content.startswith("-> "):
        if not os.path.islink(path) or os.readlink(path) != content[3:]:
            with suppress(FileNotFoundError):
                os.unlink(path)
            os.symlink(content[3:], path)
        return
    with suppress(OSError), open(path, opener=patient) as file:
        if file.read(len(content) + 1) == content:
            return
    with suppress(FileNotFoundError):
        os.unlink(path + ".new")
    with open(path + ".new", "x") as file:
        file.write(content)
    os.replace(path + ".new", path)


def patient(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe that somebody put there."""
    return os.open(path, flags | os.O_NONBLOCK)


def add_variables(path: str) -> None:
    """Add to the environment what is not in it yet."""
    with open(path, encoding="utf-8") as file:
        for name, value in json.load(file).items():
            os.environ.setdefault(name, value)


def start_relay(arguments: list[str]) -> None:
    """Start the relay as a child of the sandbox's own init, not of the server."""
    if os.fork() == 0:
        if os.fork() == 0:
            relay = os.path.join(os.path.dirname(__file__), "relay.py")
            os.execv(sys.executable, [sys.executable, "-I", "-S", relay, *arguments])
        os._exit(0)
    os.wait()


if __name__ == "__main__":
    main()
