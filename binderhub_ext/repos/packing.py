"""Files of an archive as a Git bundle of one commit, so that everything after is as with Git.

The same files, title and version give the same commit, byte for byte: author and date are
constants. No file gets a name before Git has judged it, and contents are taken as they are
(no filters, no line ending conversion).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .checkout import initialise
from .command import Call, run

_WHO = "Binder@home"
_MAIL = "binder@localhost"
_WHEN = "946684800 +0000"
_TIMEOUT = 1800
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", _WHO), ("EMAIL", _MAIL), ("DATE", _WHEN))
}


@dataclass(frozen=True)
class Packed:
    """A file on its way into a bundle.

    Attributes:
        content: where its bytes are; a link's target for a link. The name has no newline.
        path: its path in the project.
        mode: Git's.
    """

    content: Path
    path: str
    mode: str = "100644"


async def pack(files: Sequence[Packed], message: str, bundle: Path, scratch: Path) -> str:
    """Make a bundle whose `HEAD` is one commit of these files; gives the hash of its tree.

    Args:
        files: of two with one path the last one stays.
        message: of the commit.
        bundle: the new file.
        scratch: a directory on the same disk, in which nothing is called `objects`.

    Raises:
        ProcessFailed: a path is refused by Git, or the disk is full.
    """
    objects = scratch / "objects"
    objects.mkdir()
    await initialise(objects, 40)
    hash_all = ["hash-object", "-w", "--no-filters", "--stdin-paths"]
    names = _lines(str(file.content.absolute()) for file in files)
    ids = (await _git(objects, *hash_all, stdin=names)).decode().split()
    entries = b"".join(
        f"{file.mode} {id}\t{file.path}".encode("utf-8", "surrogateescape") + b"\0"
        for file, id in zip(files, ids, strict=True)
    )
    await _git(objects, "update-index", "--add", "--replace", "-z", "--index-info", stdin=entries)
    tree = (await _git(objects, "write-tree")).decode().strip()
    commit = (await _git(objects, "commit-tree", tree, stdin=message.encode())).decode().strip()
    await _git(objects, "update-ref", "--no-deref", "HEAD", commit)
    await _git(objects, "bundle", "create", "--quiet", str(bundle.absolute()), "HEAD")
    return tree


def common_directory(paths: Iterable[str]) -> str:
    """The one top-level directory everything is in, with a slash; empty if there is none."""
    tops = {path.partition("/")[0] if "/" in path else "" for path in paths}
    return f"{tops.pop()}/" if len(tops) == 1 and "" not in tops else ""


def without(directory: str, files: Iterable[Packed]) -> list[Packed]:
    """The files with their paths relative to a directory that all are in."""
    return [replace(file, path=file.path.removeprefix(directory)) for file in files]


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")


async def _git(directory: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    call = Call(
        arguments,
        directory,
        timeout=_TIMEOUT,
        stdin=stdin,
        environment={"GIT_DIR": str(directory), **_IDENTITY},
    )
    return await run(call)
