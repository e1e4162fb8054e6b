"""What somebody who types may choose from: a repository's branches and tags, and its files."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from heapq import nsmallest
from itertools import chain, islice
from pathlib import Path

from ..core import refs
from ..core.errors import BadLink
from ..core.plain import ref_name, relative_path
from ..core.repo import Commit
from ..programs import ProcessFailed
from .base import Refs
from .checkout import initialise, stored
from .command import Call, run
from .remote import MEMORY, NAME, Advertised, Remote

_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"
_MOST = 500
"""Of each kind: nobody looks through more, and a page has to hold them."""

_LOOKED_AT = 10 * _MOST
"""Names among which those are that links can carry; whoever made all of them may not mean well."""

_ANSWER = 4 * 2**20
_FETCHED = 2**25
"""Bytes: of a list, and of what is fetched for one. Folders alone take little."""

_SECONDS = 20
_NUMBERS = re.compile(r"([0-9]+)")
_NOTEBOOKS = {
    ending: rank
    for rank, ending in enumerate(("ipynb", "md", "myst", "rmd", "qmd", "py", "r", "jl"))
}
"""What is opened most often, the first before the others."""


async def refs_of(remote: Remote) -> Refs:
    """The branches and tags of a repository; those that links can name.

    Raises:
        RepoNotFound, RepoUnavailable, AddressNotAllowed, TooLarge.
    """
    there = await remote.list([refs.HEAD, f"{_BRANCHES}*", f"{_TAGS}*"], limit=_ANSWER)
    return await asyncio.to_thread(_sorted_out, there)


async def paths_of(remote: Remote, commit: Commit, objects: Path) -> tuple[str, ...]:
    """The files of a commit that links can name, notebooks first.

    Of what was fetched before, or of its folders alone, which are got and not kept.

    Args:
        objects: where the repository's objects are, if it was fetched before.

    Raises:
        RepoNotFound, RepoUnavailable, AddressNotAllowed.
    """
    try:
        return await _names(objects, commit.id)
    except (ProcessFailed, OSError):
        pass
    with tempfile.TemporaryDirectory(prefix="binder-paths-") as scratch:
        place = Path(scratch)
        await initialise(place, len(commit.id))
        try:
            await _get(remote, commit, place)
            return await _names(place, commit.id)
        except ProcessFailed:  # too large to be listed for somebody who only types
            return ()


async def _get(remote: Remote, commit: Commit, place: Path) -> None:
    flags = ["--no-tags", "--no-write-fetch-head", "--quiet", "--depth=1", "--filter=blob:none"]
    call = Call(
        ["fetch", *flags, NAME, commit.id],
        place,
        timeout=_SECONDS,
        memory=MEMORY,
        watch=lambda: stored(place) > _FETCHED,
    )
    await remote.run(call)


async def _names(objects: Path, id: str) -> tuple[str, ...]:
    """The paths of a commit that are offered.

    Raises:
        ProcessFailed, OSError: it is not here, or has too many.
    """
    tree = f"{id}^{{commit}}"
    listing = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", tree]
    listed = await run(
        Call(listing, objects, timeout=_SECONDS, output_limit=_ANSWER, memory=MEMORY)
    )
    names = listed.decode(errors="surrogateescape").split("\0")
    return await asyncio.to_thread(_chosen, names)


def _sorted_out(there: Advertised) -> Refs:
    default = _short(there.default, _BRANCHES)
    names = [name for name in there.ids if not name.endswith("^{}")]
    branches, tags = (
        [name.removeprefix(kind) for name in names if name.startswith(kind)]
        for kind in (_BRANCHES, _TAGS)
    )
    branches.sort(key=lambda name: (name != default, name))
    tags.sort(key=_version, reverse=True)
    return Refs(default, _first(branches, ref_name), _first(tags, ref_name))


def _chosen(names: Iterable[str]) -> tuple[str, ...]:
    there = (name for name in names if not name.startswith(".") and "/." not in name)
    return _first(nsmallest(_LOOKED_AT, there, _rank), partial(relative_path, what="filepath"))


def _first(names: Iterable[str], read: Callable[[str], str]) -> tuple[str, ...]:
    """The first of those that links can name, as they are read there."""

    def is_named(name: str) -> bool:
        try:
            return bool(name) and read(name) == name
        except BadLink:
            return False

    return tuple(islice(filter(is_named, islice(names, _LOOKED_AT)), _MOST))


def _rank(name: str) -> tuple[int, int, str]:
    stem, dot, ending = name.rpartition(".")
    kind = _NOTEBOOKS.get(ending.lower(), len(_NOTEBOOKS)) if stem and dot else len(_NOTEBOOKS)
    return kind, name.count("/"), name


def _short(name: str, kind: str) -> str:
    return name.removeprefix(kind) if name.startswith(kind) else ""


def _version(name: str) -> list[tuple[int, str]]:
    """A key by which `v1.10` comes after `v1.9`; of numbers of any length."""
    parts = _NUMBERS.split(name)
    numbers = (part.lstrip("0") for part in parts[1::2])
    keys = [[(-1, text), (len(n), n)] for text, n in zip(parts[::2], numbers, strict=False)]
    return [*chain.from_iterable(keys), (-1, parts[-1])]
