"""Names that volumes had: nobody else gets them.

Links, servers and launches that people remember name volumes as people do. Whoever could call a
volume of theirs what another person's was called would be in the servers of all who used that one.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..beneath import read_beneath, write_beneath
from ..core.errors import BinderError, Conflict
from ..core.plain import shown
from ..core.volumes import Kind, Volume

_FILE = ".names"
_EACH = 20
"""Names that are kept for one person, the latest: to keep all would be a way to fill a disk."""


def check_never_anothers(volumes: Path, name: str, owner: str) -> None:
    """Refuse a name that somebody else's volume had.

    Args:
        volumes: their folder.
        owner: who wants it.

    Raises:
        Conflict: it had.
        BinderError: nobody knows.
    """
    if _read(volumes).get(name, owner) != owner:
        raise Conflict(
            "There was a volume called {name} of somebody else, and launches may still name it."
            " Choose another name.",
            name=shown(name),
        )


def give_up(volumes: Path, volume: Volume) -> None:
    """Keep the name of a volume that has it no longer for its owner alone."""
    if volume.kind is not Kind.SHARED:
        return
    names = {name: owner for name, owner in _read(volumes).items() if name != volume.name}
    theirs = [name for name, owner in names.items() if owner == volume.owner]
    for name in theirs[: max(len(theirs) + 1 - _EACH, 0)]:
        del names[name]
    names[volume.name] = volume.owner
    write_beneath(volumes, _FILE, json.dumps(names, ensure_ascii=False).encode(), 0o600)


def _read(volumes: Path) -> dict[str, str]:
    try:
        names = json.loads(read_beneath(volumes, _FILE))
        return {str(name): str(owner) for name, owner in names.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise BinderError(
            "Volumes cannot be made, renamed or deleted now: the list of names that they had is"
            " damaged. Tell the administrator, who finds it in the file {file}, and can bring it"
            " back from a backup.",
            file=f"{volumes.name}/{_FILE}",
        ) from error
