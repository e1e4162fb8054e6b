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
_LISTED = (100, 30, 10, 3, 0)
"""Files an answer lists, as many as there is room for."""


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
    MESSAGE.write_text("\n".join(fitting(answer, _ROOM // len(answers) - 1) for answer in answers))
    return status


def _make_places(home: Path, spec: Mapping[str, Sequence[str]]) -> None:
    for place in map(PurePosixPath, spec["places"]):
        if str(place) in spec["empty"]:
            check_free(home, place, place)
        ensure_place(home, place, place, None, None)
    projects = map(PurePosixPath, spec["projects"])
    check_sources([Mount(home, folder, folder, Access.RW) for folder in projects])


def fitting(answer: str, room: int = _ROOM) -> str:
    """The same answer, with as many files listed as there is room for."""
    fields: dict[str, Any] = json.loads(answer)
    if "error" in fields:
        fields["detail"] = str(fields.get("detail", ""))[-room // 4 :]
        return json.dumps(fields)
    update = Update.from_fields(fields)
    each = (json.dumps(update.clipped(most).to_fields()) for most in _LISTED)
    return next((text for text in each if len(text.encode()) <= room), "{}")


if __name__ == "__main__":
    sys.exit(main())
