"""What runs in a server's pod before the server, as the owner of the person's files.

It brings projects to the launched commits and makes the places of mounts inside of them, in this
order, as every start does (docs/explanation/design.md). What it has to say is left where the API
server shows it: as the container's last message, which has room for 4096 bytes.

Usage: python -m binderhub_ext.engines.kubernetes.first SPEC
SPEC is JSON: `syncs`, the arguments of :mod:`...storage.sync` for each project; `root`, the home;
`projects` and `places`, folders in it; `empty`, those places that have to be.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import Any

from ...core.errors import BinderError
from ...core.launch import Access
from ...core.updates import Update
from ...storage.homes import check_free, ensure_place
from ...storage.mounts import Mount
from ...storage.sync.__main__ import main as sync
from ..containers.sources import check_sources

MESSAGE = Path("/dev/termination-log")
_ROOM = 4096
_LISTED = (100, 30, 10, 3, 1, 0)
"""Files an answer lists, as many as there is room for."""

_UNREAD = ("sentence", "summary", "planned_summary", "unlisted")
"""Words that whoever reads an answer makes again."""


def main() -> int:
    spec = json.loads(sys.argv[1])
    status, answers = 0, []
    for arguments in spec["syncs"]:
        said = StringIO()
        with redirect_stdout(said):
            status = sync(arguments)
        answers.append(said.getvalue())
        if status:
            break
    if status == 0:
        try:
            _make_places(Path(spec["root"]), spec)
        except BinderError as error:
            # for the first, so that nothing is told before it
            status, answers = 1, [json.dumps({"error": "in-the-way", "message": error.message})]
    print("\n".join(answers), flush=True)
    MESSAGE.write_text(fitting(answers))
    return status


def _make_places(home: Path, spec: Mapping[str, Sequence[str]]) -> None:
    for place in map(PurePosixPath, spec["places"]):
        if str(place) in spec["empty"]:
            check_free(home, place, place)
        ensure_place(home, place, place, None, None)
    projects = map(PurePosixPath, spec["projects"])
    check_sources([Mount(home, folder, folder, Access.RW) for folder in projects])


def fitting(answers: Sequence[str], room: int = _ROOM) -> str:
    """The same answers, a line each, with as many files listed as there is room for."""
    read = [json.loads(answer) for answer in answers]
    texts = ("\n".join(_clipped(fields, most) for fields in read) for most in _LISTED)
    return next(
        (text for text in texts if len(text.encode()) <= room),
        "\n".join(map(_barest, read)),
    )


def _clipped(fields: Mapping[str, Any], most: int) -> str:
    if "error" in fields:
        return json.dumps({**fields, "detail": str(fields.get("detail", ""))[-_ROOM // 4 :]})
    told = Update.from_fields(fields).clipped(most).to_fields()
    return json.dumps({name: value for name, value in told.items() if name not in _UNREAD})


def _barest(fields: Mapping[str, Any]) -> str:
    """How it ended, and no more."""
    if "error" in fields:
        return _clipped({**fields, "detail": ""}, 0)
    return _clipped({**fields, "message": "", "notes": ()}, 0)


if __name__ == "__main__":
    sys.exit(main())
