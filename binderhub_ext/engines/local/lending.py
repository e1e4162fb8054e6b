"""Give an environment of conda's packages the server's own, of one that has nothing else.

Installing them takes most of the time of a build. They are plain files, the same for every
interpreter of one minor version, and are linked, so they take no disk either. No code of a
package ran yet, but its links are there: every folder is entered by descriptor.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from ...beneath import beneath, exists_beneath, open_file
from .choices import installed
from .environment import site_packages

_PLACES = ("bin", "etc", "share")
"""Besides its packages; files there may name the environment that they are in."""

_OF_EVERY_ENVIRONMENT = ("activate", "deactivate", "pydoc.bat", "python", "_virtualenv.")


def lend_packages(model: Path, environment: Path) -> bool:
    """Give an environment what a model has, unless it has something of that itself.

    Args:
        model: an environment of the server's packages alone.
        environment: one that only its own Python's packages are in yet.

    Returns:
        Whether it was given.
    """
    version, site = next(iter(site_packages(model).items()))
    if not exists_beneath(environment, f"bin/python{version}"):
        return False
    if installed(model).keys() & installed(environment).keys():
        return False
    for place in (site, *_PLACES):
        for path, _, names in os.walk(model / place):
            wanted = [name for name in names if not name.startswith(_OF_EVERY_ENVIRONMENT)]
            _lend(Path(path), wanted, model, environment)
    return True


def _lend(folder: Path, names: list[str], model: Path, environment: Path) -> None:
    relative = str(folder.relative_to(model))
    # Where conda's packages have a link or a file in place of the folder, that stays.
    with suppress(NotADirectoryError), beneath(environment, relative, create=True) as target:
        for name in names:
            with suppress(FileExistsError):
                _give(folder / name, target, bytes(model), bytes(environment), relative)


def _give(file: Path, target: int, old: bytes, new: bytes, place: str) -> None:
    status = file.lstat()
    names_it = place.startswith(_PLACES) and stat.S_ISREG(status.st_mode)
    if names_it and old in (content := file.read_bytes()):
        mode = stat.S_IMODE(status.st_mode)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        descriptor = open_file(target, os.fsencode(file.name), flags)
        with os.fdopen(descriptor, "wb") as made:
            made.write(content.replace(old, new))
            os.fchmod(descriptor, mode)
        return
    os.link(file, file.name, dst_dir_fd=target, follow_symlinks=False)
