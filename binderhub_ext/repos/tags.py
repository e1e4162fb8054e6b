"""The tags by which a commit is described, as `git describe` would find them.

Builds that may run code of a repository get them: versions of packages are made of tags. Of all
tags those of the nearest release are kept, and what has been tagged since.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..core import refs
from ..programs import ProcessFailed
from .checkout import initialise
from .command import Call, run

PREFIX = "refs/tags/"
_PEELED = "^{}"
_OF_A_VERSION = "*[0-9]*"


async def describing(
    objects: Path, scratch: Path, id: str, advertised: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """The tags that matter for a commit: names without `refs/tags/`, to object and commit.

    Args:
        objects: a bare repository that has the commit.
        scratch: an empty folder.
        advertised: full names to ids, as `git ls-remote --tags` lists them.

    Raises:
        ProcessFailed
    """
    tags = {
        name.removeprefix(PREFIX): (object, advertised.get(f"{name}{_PEELED}", object))
        for name, object in advertised.items()
        if name.startswith(PREFIX) and not name.endswith(_PEELED) and refs.is_valid(name)
    }
    here = await _commits(objects, {commit for _, commit in tags.values()})
    tags = {name: ids for name, ids in tags.items() if ids[1] in here}
    if not tags:
        return {}
    await initialise(scratch, len(id))
    if (objects / "shallow").exists():
        shutil.copy(objects / "shallow", scratch / "shallow")
    lines = sorted(f"{PREFIX}{name}\n" for name in tags)
    named = ((tags[line[len(PREFIX) : -1]][1], line) for line in lines)
    (scratch / "packed-refs").write_text("".join(f"{commit} {line}" for commit, line in named))
    nearest = await _nearest(objects, scratch, id)
    if not nearest:
        return {}
    bottom = tags[nearest][1]
    since = (await _git(objects, "rev-list", id, f"^{bottom}")).decode().split()
    described = {bottom, *since}
    return {name: ids for name, ids in sorted(tags.items()) if ids[1] in described}


async def _nearest(objects: Path, scratch: Path, id: str) -> str:
    """The tag `git describe` names: one with a number if there is any, else any."""
    borrowed = {"GIT_DIR": str(scratch), "GIT_OBJECT_DIRECTORY": str(objects / "objects")}
    for only in (["--match", _OF_A_VERSION], []):
        call = Call(["describe", "--tags", "--abbrev=0", *only, id], scratch, environment=borrowed)
        try:
            return (await run(call)).decode().strip()
        except ProcessFailed:
            continue
    return ""


async def _commits(objects: Path, ids: Iterable[str]) -> set[str]:
    """Those of some objects that are commits and are here."""
    asked = "".join(f"{id}\n" for id in sorted(ids)).encode()
    call = Call(["cat-file", "--batch-check"], objects, stdin=asked, output_limit=2**26)
    answers = (line.split(" ") for line in (await run(call)).decode().splitlines())
    return {answer[0] for answer in answers if answer[1:2] == ["commit"]}


async def _git(directory: Path, *arguments: str) -> bytes:
    return await run(Call(arguments, directory, output_limit=2**28))
