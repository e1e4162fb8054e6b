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

_OF_THE_MACHINE = (
    *("etc/ca-certificates", "etc/localtime", "etc/pip.conf", "etc/pki", "etc/ssl", "etc/timezone"),
    *("etc/uv", "usr/local/share/ca-certificates", "usr/share/ca-certificates"),
)
"""The machine's: whom it trusts, where it is, and where packages come from."""

_OF_JAVA = PurePosixPath("etc/ssl/certs/java")
"""Whom Java trusts: a package makes it, so a tree may have it where the machine has not."""


def tree_binds(tree: Path, own: Iterable[str], machine: Path = Path("/")) -> list[str]:
    """Arguments of bubblewrap for the programs and settings of a tree.

    Args:
        tree: a sealed tree, which nobody can change.
        own: what else is mounted in the sandbox, by absolute path.
        machine: the root of the machine's own.
    """
    theirs = [name for name in _OF_THE_MACHINE if _readable(machine / name)]
    theirs = [name for name in theirs if name.startswith("etc/") or _has(tree, name)]
    places = [*map(PurePosixPath, own), *(PurePosixPath("/", name) for name in theirs)]
    words: list[str] = []
    for name in _TOP:
        if PurePosixPath("/", name) not in places:
            words += _shown(tree / name, PurePosixPath("/", name), places)
    for name in theirs:
        words += _of_machine(machine, tree, name)
    return words


def _of_machine(machine: Path, tree: Path, name: str) -> list[str]:
    source, target = machine / name, PurePosixPath("/", name)
    java = PurePosixPath("/", _OF_JAVA)
    if target not in java.parents or _has(machine, _OF_JAVA) or not _has(tree, _OF_JAVA):
        return ["--ro-bind", str(source), str(target)]
    words = ["--perms", "0755", "--tmpfs", str(target), *_shown(source, target, [java])]
    return [*words, "--ro-bind", str(tree / _OF_JAVA), str(java), "--remount-ro", str(target)]


def _readable(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & 0o004)


def _shown(source: Path, target: PurePosixPath, places: Collection[PurePosixPath]) -> list[str]:
    try:
        mode = source.lstat().st_mode
    except FileNotFoundError:
        return []
    within = [place for place in places if target in place.parents]
    if stat.S_ISLNK(mode) and not within:
        return ["--symlink", str(source.readlink()), str(target)]
    if all(_has(source, place.relative_to(target)) for place in within):
        return ["--ro-bind", str(source), str(target)]
    words = ["--perms", "0755", "--dir", str(target)]
    # No link or file keeps its place where a folder is needed: bubblewrap would follow the link
    # while this machine's own root is still in its reach, and make files there.
    for child in sorted(source.iterdir()) if stat.S_ISDIR(mode) else ():
        if target / child.name not in places:
            words += _shown(child, target / child.name, within)
    return words


def _has(folder: Path, path: PurePosixPath | str) -> bool:
    """Whether something can be mounted at a place in a tree, that is not reached by a link."""
    for name in PurePosixPath(path).parts:
        folder /= name
        try:
            mode = folder.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
        if stat.S_ISLNK(mode):
            return False
    return True
