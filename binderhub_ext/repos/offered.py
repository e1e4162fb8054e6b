"""What somebody who types may choose from: a repository's branches and tags, and its files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ..core import refs
from ..core.errors import BadLink
from ..core.plain import ref_name, relative_path
from ..core.repo import Commit
from ..programs import ProcessFailed
from .base import Refs
from .checkout import initialise
from .command import Call, run
from .remote import NAME, Remote

_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"
_MOST = 500
"""Of each kind: nobody looks through more, and a page has to hold them."""

_ANSWER = 4 * 2**20
_FETCHED = 2**25
"""Bytes: of a list, and of what is fetched for one. Folders alone take little."""

_SECONDS = 20
_NOTEBOOKS = (".ipynb", ".md", ".myst", ".rmd", ".qmd", ".py", ".r", ".jl")
"""What is opened most often, the first before the others."""


async def refs_of(remote: Remote) -> Refs:
    """The branches and tags of a repository; those that links can name.

    Raises:
        RepoNotFound, RepoUnavailable, AddressNotAllowed, TooLarge.
    """
    there = await remote.list([refs.HEAD, f"{_BRANCHES}*", f"{_TAGS}*"], limit=_ANSWER)
    default = there.default.removeprefix(_BRANCHES) if there.default.startswith(_BRANCHES) else ""
    names = [name for name in there.ids if not name.endswith("^{}")]
    branches = sorted(_short(names, _BRANCHES), key=lambda name: (name != default, name))
    tags = sorted(_short(names, _TAGS), key=_version, reverse=True)
    return Refs(default, tuple(branches[:_MOST]), tuple(tags[:_MOST]))


async def paths_of(remote: Remote, commit: Commit, objects: Path) -> tuple[str, ...]:
    """The files of a commit that links can name, notebooks first.

    Of what was fetched before, or of its folders alone, which are got and not kept.

    Args:
        objects: where the repository's objects are, if it was fetched before.

    Raises:
        RepoNotFound, RepoUnavailable, AddressNotAllowed.
    """
    try:
        return _chosen(await _names(objects, commit.id))
    except (ProcessFailed, OSError):
        pass
    with tempfile.TemporaryDirectory(prefix="binder-paths-") as scratch:
        place = Path(scratch)
        await initialise(place, len(commit.id))
        try:
            await _get(remote, commit, place)
            return _chosen(await _names(place, commit.id))
        except ProcessFailed:  # too large to be listed for somebody who only types
            return ()


async def _get(remote: Remote, commit: Commit, place: Path) -> None:
    flags = ["--no-tags", "--no-write-fetch-head", "--quiet", "--depth=1", "--filter=blob:none"]
    call = Call(
        ["fetch", *flags, NAME, commit.id],
        place,
        timeout=_SECONDS,
        watch=lambda: _size(place) > _FETCHED,
    )
    await remote.run(call)


async def _names(objects: Path, id: str) -> list[str]:
    """All paths of a commit.

    Raises:
        ProcessFailed, OSError: it is not here, or has too many.
    """
    tree = f"{id}^{{commit}}"
    listing = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", tree]
    listed = await run(Call(listing, objects, timeout=_SECONDS, output_limit=_ANSWER))
    return listed.decode(errors="surrogateescape").split("\0")


def _chosen(names: Iterable[str]) -> tuple[str, ...]:
    there = (name for name in names if not any(p.startswith(".") for p in name.split("/")))
    return tuple([name for name in sorted(there, key=_rank) if _is_path(name)][:_MOST])


def _rank(name: str) -> tuple[int, int, str]:
    path = PurePosixPath(name)
    ending = path.suffix.lower()
    kind = _NOTEBOOKS.index(ending) if ending in _NOTEBOOKS else len(_NOTEBOOKS)
    return kind, len(path.parts), name


def _short(names: Iterable[str], kind: str) -> list[str]:
    short = (name.removeprefix(kind) for name in names if name.startswith(kind))
    return [name for name in short if _is_ref(name)]


def _is_ref(name: str) -> bool:
    try:
        return ref_name(name) == name
    except BadLink:
        return False


def _is_path(name: str) -> bool:
    try:
        return bool(name) and relative_path(name, "filepath") == name
    except BadLink:
        return False


def _version(name: str) -> list[tuple[int, str]]:
    """A key by which `v1.10` comes after `v1.9`."""
    parts = "".join(c if c.isdecimal() else f" {c} " for c in name).split()
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _size(place: Path) -> int:
    return sum(file.stat().st_size for file in place.rglob("*.pack"))
