"""Single entries of a fetched commit's tree, without writing any file out."""

from __future__ import annotations

from collections.abc import Sequence

from ..programs import ProcessFailed
from .base import Source
from .command import Call, run
from .submodules import Entry, entries


async def listed(source: Source, paths: Sequence[str]) -> list[Entry] | None:
    """The entries at these paths; of a folder whose path ends with `/` also what is in it.

    Links are not followed: a path through one has no entry.

    Returns:
        `None` where only the files themselves tell: of archives, or if the objects kept for the
        next fetch are gone.
    """
    objects = source.bundle.with_name("objects.git")
    call = Call(["ls-tree", "-t", "-z", "--long", source.tree, "--", *paths], objects)
    try:
        return entries(await run(call))
    except (ProcessFailed, OSError):
        return None
