"""How a Debian tree takes the place of the machine's own system in a sandbox.

A sandbox's root is a folder in memory, in which everything is mounted. A tree is mounted as it is,
folder by folder, read-only. Where something else shall be mounted in one of its folders and has no
place there, that folder is made anew, and what is in it is mounted.
"""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

_TOP = ("bin", "etc", "lib", "lib32", "lib64", "libx32", "opt", "sbin", "usr", "var")
"""What of a tree is shown; the rest is each sandbox's own."""

_OF_THE_MACHINE = ("ca-certificates", "localtime", "pip.conf", "pki", "ssl", "timezone", "uv")
"""In `/etc` the machine's: whom it trusts, where it is, and where packages come from."""


def tree_binds(tree: Path, own: Iterable[str], machine: Path = Path("/etc")) -> list[str]:
    """Arguments of bubblewrap for the programs and settings of a tree.

    Args:
        tree: a sealed tree, which nobody can change.
        own: what else is mounted in the sandbox, by absolute path.
        machine: the machine's own settings.
    """
    theirs = [name for name in _OF_THE_MACHINE if _readable(machine / name)]
    places = [*map(PurePosixPath, own), *(PurePosixPath("/etc", name) for name in theirs)]
    words: list[str] = []
    for name in _TOP:
        words += _shown(tree / name, PurePosixPath("/", name), places)
    for name in theirs:
        words += ["--ro-bind", str(machine / name), f"/etc/{name}"]
    return words


def _readable(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & 0o004)


def _shown(source: Path, target: PurePosixPath, places: Collection[PurePosixPath]) -> list[str]:
    try:
        mode = source.lstat().st_mode
    except FileNotFoundError:
        return []
    if stat.S_ISLNK(mode):
        return ["--symlink", str(source.readlink()), str(target)]
    within = [place for place in places if target in place.parents]
    if all(_is_there(source, place.relative_to(target)) for place in within):
        return ["--ro-bind", str(source), str(target)]
    words = ["--perms", "0755", "--dir", str(target)]
    for child in sorted(source.iterdir()):
        if target / child.name not in places:
            words += _shown(child, target / child.name, within)
    return words


def _is_there(folder: Path, path: PurePosixPath) -> bool:
    """Whether something can be mounted at a place in a tree, that is not reached by a link."""
    for name in path.parts:
        folder /= name
        try:
            mode = folder.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        if stat.S_ISLNK(mode):
            return False
    return True
