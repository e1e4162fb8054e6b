"""What runs in a server's pod before the server, as the owner of the person's files.

It brings the project to the launched commit and makes the places of mounts inside of it, in this
order, as every start does (docs/explanation/design.md). What it has to say is left where the API
server shows it: as the container's last message, which has room for 4096 bytes.

Usage: python -m binderhub_ext.engines.kubernetes.first SPEC
SPEC is JSON: `sync`, the arguments of :mod:`...storage.sync`; `root`, the home; `project` and
`places`, folders in it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path, PurePosixPath
from typing import Any

from ...core.errors import BinderError
from ...core.launch import Access
from ...core.updates import Update
from ...storage.homes import ensure_place
from ...storage.mounts import Mount
from ...storage.sync.__main__ import main as sync
from ..containers.sources import check_sources

MESSAGE = Path("/dev/termination-log")
_ROOM = 4096
_LISTED = (100, 30, 10, 3, 0)
"""Files an answer lists, as many as there is room for."""


def main() -> int:
    spec = json.loads(sys.argv[1])
    said = StringIO()
    with redirect_stdout(said):
        status = sync(spec["sync"])
    answer = said.getvalue()
    if status == 0:
        try:
            _make_places(Path(spec["root"]), spec["project"], spec["places"])
        except BinderError as error:
            status, answer = 1, json.dumps({"error": "in-the-way", "message": error.message})
    print(answer, flush=True)
    MESSAGE.write_text(fitting(answer))
    return status


def _make_places(home: Path, project: str, places: Sequence[str]) -> None:
    for place in map(PurePosixPath, places):
        ensure_place(home, place, place, None, None)
    check_sources([Mount(home, PurePosixPath(project), PurePosixPath(project), Access.RW)])


def fitting(answer: str) -> str:
    """The same answer, with as many files listed as there is room for."""
    fields: dict[str, Any] = json.loads(answer)
    if "error" in fields:
        fields["detail"] = str(fields.get("detail", ""))[-_ROOM // 4 :]
        return json.dumps(fields)
    update = Update.from_fields(fields)
    each = (json.dumps(update.clipped(most).to_fields()) for most in _LISTED)
    return next((text for text in each if len(text.encode()) <= _ROOM), "{}")


if __name__ == "__main__":
    sys.exit(main())
