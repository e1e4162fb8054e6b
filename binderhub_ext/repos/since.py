"""How many commits are new in a commit, for who has one that was fetched before.

Only commits are got for it, and none of their files; nothing of it is kept. Git itself counts, so
merges and histories that were rewritten count as `git log <theirs>..<new>` has them.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from ..core.errors import BinderError
from ..core.repo import Commit
from ..core.updates import COUNTED
from ..programs import ProcessFailed
from .checkout import initialise, stored
from .command import Call, run
from .remote import MEMORY, NAME, Remote

_BEFORE = 20
"""Commits that people have of one repository for which it is counted: the youngest."""

_FETCHED = 2**22
"""Bytes: thousands of commits. A host that gives their files too may give more than that."""

_SECONDS = 20
_UNKNOWN: Mapping[str, int] = MappingProxyType({})


async def counted(remote: Remote, objects: Path, commit: Commit) -> Mapping[str, int]:
    """How many commits are new in a commit, by the ids of those that were fetched before.

    Args:
        remote: asked only if the commit itself was not fetched.
        objects: where the repository's objects are, if it was fetched before.
        commit: the new one.

    Returns:
        `COUNTED` + 1 for all that are more; nothing where it cannot be told: the history is not
        whole, the host does not answer or gives too much.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            return await _counted(remote, objects, commit)
    except (BinderError, ProcessFailed, OSError, TimeoutError):
        return _UNKNOWN


async def _counted(remote: Remote, objects: Path, commit: Commit) -> Mapping[str, int]:
    before = [id for id in await _fetched(objects) if id != commit.id]
    if not before or (objects / "shallow").exists():
        return _UNKNOWN
    if await _has(objects, commit.id):
        return await _each(objects, commit.id, before)
    with tempfile.TemporaryDirectory(prefix="binder-since-") as scratch:
        place = Path(scratch)
        await initialise(place, len(commit.id))
        # Git tells the host what is there, and gets what is new alone.
        (place / "objects/info").mkdir(exist_ok=True)
        (place / "objects/info/alternates").write_text(f"{objects.absolute() / 'objects'}\n")
        flags = ["--no-tags", "--no-write-fetch-head", "--quiet", "--filter=tree:0"]
        await remote.run(
            Call(
                ["fetch", *flags, NAME, commit.id],
                place,
                timeout=_SECONDS,
                memory=MEMORY,
                watch=lambda: stored(place) > _FETCHED,
            )
        )
        return await _each(place, commit.id, before)


async def _fetched(objects: Path) -> list[str]:
    """The commits that somebody launched, the youngest first."""
    flags = ["--sort=-committerdate", f"--count={_BEFORE}", "--format=%(objectname)"]
    return (await run(Call(["for-each-ref", *flags, "refs/kept"], objects))).decode().split()


async def _has(objects: Path, id: str) -> bool:
    try:
        await run(Call(["cat-file", "-e", f"{id}^{{commit}}"], objects))
    except ProcessFailed:
        return False
    return True


async def _each(objects: Path, id: str, before: list[str]) -> Mapping[str, int]:
    counting = ["rev-list", "--count", f"--max-count={COUNTED + 1}", id]
    calls = {one: Call([*counting, f"^{one}"], objects, memory=MEMORY) for one in before}
    return {one: int(await run(call)) for one, call in calls.items()}
