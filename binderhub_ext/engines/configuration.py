"""The files that decide what a repository asks for: which there are, and how they are read.

They are a stranger's: a link that leads out of the repository, or a file of gigabytes, is refused
before anybody reads it.
"""

from __future__ import annotations

import json
import stat
from hashlib import sha256
from pathlib import Path

from ..core.devcontainer import FILE as DEV_FILE
from ..core.devcontainer import FOLDER as DEV_FOLDER
from ..core.environment import DECIDING, FOLDERS, NAMES, Determination, Read
from ..core.errors import BuildFailed
from ..repos.base import Source
from ..repos.listing import listed

CONFIG_BYTES = 4 * 2**20
"""A configuration file over this size is a mistake or an attack."""

_LOOKED_AT = {
    *(str(Path(folder, name)) for folder in FOLDERS for name in ("", *NAMES)),
    *(DEV_FOLDER, DEV_FILE),
} - {"."}
_ATTRIBUTES = ".gitattributes"
"""Says how Git writes files out: the same entries may become other bytes."""
_LISTED = [
    *NAMES,
    _ATTRIBUTES,
    *(f"{folder}{end}" for folder in FOLDERS if folder for end in ("", "/")),
    *(DEV_FOLDER, DEV_FILE),
]
_COUNTED = _LOOKED_AT | {str(Path(folder, _ATTRIBUTES)) for folder in FOLDERS}
_IGNORES = (".containerignore", ".dockerignore")
_FOLDER, _PLAIN = "040000", ("040000", "100644", "100755")
"""Modes of Git's entries; besides these there are links and submodules."""


async def configuration(source: Source) -> str | None:
    """A digest of the configuration of a commit, from Git's listing of its tree.

    Of two commits with the same digest repo2docker says the same.

    Returns:
        `None` where the files themselves have to be looked at: one of them is a link or a
        submodule, or there is no listing.
    """
    entries = await listed(source, _LISTED)
    if entries is None:
        return None
    named = [entry for entry in entries if entry.path in _COUNTED]
    if any(entry.mode not in _PLAIN for entry in named):
        return None
    # Of `binder/` it counts that it is there; of `.devcontainer/` any file in it may.
    facts = [(each.path, each.mode, "" if each.path in FOLDERS else each.id) for each in named]
    return f"files {sha256(json.dumps(sorted(facts)).encode()).hexdigest()}"


def is_of_named_files(determination: Determination) -> bool:
    """Whether nothing but what :func:`configuration` names determined an answer."""
    return determination.by_files and _LOOKED_AT.issuperset(determination.names)


def question(checkout: Path) -> str:
    """A digest of all that repo2docker looks at to decide: which files there are, what is in them.

    Raises:
        BuildFailed: one of them is too large.
    """
    read = reader(checkout)
    seen: list[object] = []
    for folder in FOLDERS:
        seen.append((checkout / folder).is_dir())
        for name in DECIDING:
            content = read(str(Path(folder, name)))
            digest = None if content is None else sha256(content).hexdigest()
            seen.append((digest, (checkout / folder / name).exists()))
    return sha256(json.dumps(seen).encode()).hexdigest()


def reader(checkout: Path) -> Read:
    """Reads files of a checkout by path; follows links inside it only."""
    root = checkout.resolve()

    def read(path: str) -> bytes | None:
        try:
            real = (root / path).resolve(strict=True)
            if not real.is_relative_to(root) or not stat.S_ISREG(real.stat().st_mode):
                return None
            with real.open("rb") as file:
                content = file.read(CONFIG_BYTES + 1)
        except (OSError, RuntimeError, ValueError):
            return None
        if len(content) > CONFIG_BYTES:
            raise BuildFailed(
                "{path} is larger than {size} MiB.",
                path=path,
                size=CONFIG_BYTES >> 20,
            )
        return content

    return read


def check_links(checkout: Path) -> None:
    """Refuse configuration that lies outside of the repository or is not a file.

    repo2docker follows links, and would otherwise read, and quote in an error, a file of this
    machine.

    Raises:
        BuildFailed: names the file.
    """
    root = checkout.resolve()
    for folder in FOLDERS:
        if not _inside(checkout / folder, root):
            raise BuildFailed(
                "{folder}/ is a link to a place outside of the repository.", folder=folder
            )
        for name in (*NAMES, *_IGNORES):
            path = checkout / folder / name
            if not _inside(path, root):
                raise BuildFailed(
                    "{path} is a link to a place outside of the repository.",
                    path=Path(folder) / name,
                )
            if path.exists() and not path.is_file() and folder:
                raise BuildFailed("{path} is not a file.", path=Path(folder) / name)


def _inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return False
