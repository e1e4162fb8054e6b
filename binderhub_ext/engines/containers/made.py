"""What postBuild made in an image: kept in it where no mount hides it, and given by its servers.

A server sees its person's home over the image's, and a project in place of the repository's folder.
So one layer is added, with what is new in both; it goes wherever the image goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ...core.jsontext import parse_json
from ...core.launch import Launch
from ...core.progress import Event, Phase, Tell
from ...core.sentences import Sentence
from ...programs import ProcessFailed
from ...storage.trees import folders_in
from .. import given
from ..serving import HOME
from . import quickstart
from .finish import build_on_top
from .tool import ImageTool

LABEL = "binder-at-home.made"
_MADE = "/opt/binder-at-home/made"
_MAKER, _KNOWN = "keep_made.py", "known.json"
_DOCKERFILE = """\
FROM {image}
USER root
RUN --mount=type=bind,source={maker},target=/run/{maker} \\
    --mount=type=bind,source={known},target=/run/{known} \\
    python3 -I /run/{maker} /run/{known} {repo} {home} {made} {not_kept} {not_of_a_home} {named}
USER {user}
"""
_NOT_KEPT = "What postBuild made beside the environment could not be kept: it needs Python 3"


def facts_of(context: Path) -> dict[str, tuple[int, int]]:
    """Sizes and times of the files of a build's folder, by name."""
    facts = {}
    for folder in folders_in(context):
        for entry in folder.entries:
            if not entry.is_dir(follow_symlinks=False):
                status = entry.stat(follow_symlinks=False)
                name = str(PurePosixPath(folder.path, entry.name))
                facts[name] = (status.st_size, int(status.st_mtime))
    return facts


async def keep_made(
    tool: ImageTool,
    image: str,
    before: Mapping[str, tuple[int, int]],
    repo: str,
    scratch: Path,
    tell: Tell,
) -> None:
    """Add to an image, under its name, a layer with what its postBuild made.

    Args:
        before: what was in the repository's folder, see :func:`facts_of`.
        repo: where that folder is in the image.
        scratch: folder for contexts.
    """
    facts = await tool.inspect(image) or {}
    user = str((facts.get("Config") or {}).get("User") or "0")
    dockerfile = _DOCKERFILE.format(
        image=image,
        maker=_MAKER,
        known=_KNOWN,
        repo=repo,
        home=HOME,
        made=_MADE,
        not_kept=",".join(sorted(given.NOT_KEPT)),
        not_of_a_home=",".join(sorted(given.NOT_OF_A_HOME)),
        named=given.NAMED,
        user=user,
    )
    maker = Path(__file__).parent / "inside" / _MAKER
    files: dict[str, str | Path] = {_MAKER: maker, _KNOWN: json.dumps(before)}
    try:
        await build_on_top(tool, image, dockerfile, scratch, {LABEL: "1"}, files)
        said = await tool.try_inside(image, "cat", f"{_MADE}/told.json")
        told = parse_json(said or "{}")
        left = [str(name) for name in told.get("left", ())][: given.NAMED]
        lines = given.told(int(told.get("count", 0)), left, int(told.get("more", 0)))
    except (ProcessFailed, ValueError, TypeError, AttributeError):
        lines = [Sentence(_NOT_KEPT)]
    for line in lines:
        tell(Event.log(Phase.BUILDING, line))


def giving(image: Mapping[str, Any], launch: Launch) -> list[str]:
    """What gives a home and a project what the image's build made, before its command; or nothing.

    Args:
        image: as the engine describes it.
    """
    if LABEL not in ((image.get("Config") or {}).get("Labels") or {}):
        return []
    program = quickstart.place_of(given.PROGRAM)
    return ["python3", program, *given.arguments(_MADE, launch, HOME)]
