"""Servers of any image start faster: what they import and never use is left out.

Files of ours (`inside/site`, and `engines/inside` for every engine) are mounted into each
container, and `PYTHONPATH` lets its Python find them; the image itself stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ... import certificates
from ...core.layout import DataDirectory
from ...ownfiles import put
from ..given import PROGRAM

FIRST = Path(__file__).parents[1] / "inside" / "binder_first.py"
"""The first process of containers."""

# In this order: what the second imports is there before it.
_FILES = (
    Path(__file__).parents[1] / "inside" / "binder_quickstart.py",
    PROGRAM,
    FIRST,
    Path(__file__).parent / "inside" / "site" / "sitecustomize.py",
)
TARGET = "/usr/local/share/binder-at-home"
"""Where a container has them; a folder that exists in no image."""

_VARIABLE = "PYTHONPATH="
_CERTIFICATES = "certificates.pem"


def provide(layout: DataDirectory) -> None:
    """Put the files where the engine sees them too: a Hub may itself run in a container.

    Servers start without them where that fails, as on a full disk.
    """
    folder = source(layout)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        for file in _FILES:
            put(folder / file.name, file.read_bytes())
        if bundle := certificates.established():
            put(folder / _CERTIFICATES, bundle.read_bytes())


def trusted() -> dict[str, str]:
    """What tells programs in a container whom the Hub trusts."""
    place = f"{TARGET}/{_CERTIFICATES}"
    return certificates.variables(place) if certificates.established() else {}


def place_of(file: Path) -> str:
    """Where a container sees one of the files."""
    return f"{TARGET}/{file.name}"


def python_path(theirs: str) -> str:
    """The server's `PYTHONPATH`: ours, and what was there."""
    return os.pathsep.join(filter(None, (TARGET, theirs)))


def python_path_of(image: Mapping[str, Any]) -> str:
    """The `PYTHONPATH` that an image sets; empty if it sets none.

    Args:
        image: as the engine describes it.
    """
    variables = (image.get("Config") or {}).get("Env") or []
    said = [
        variable.removeprefix(_VARIABLE) for variable in variables if variable.startswith(_VARIABLE)
    ]
    return said[-1] if said else ""


def is_provided(layout: DataDirectory) -> bool:
    """Whether containers see the programs that they are begun with."""
    return all((source(layout) / file.name).exists() for file in (PROGRAM, FIRST))


def source(layout: DataDirectory) -> Path:
    """The folder with the files; it is not there where they could not be put there."""
    return layout.run / "quickstart"
