"""Files that a build made in the repository's folder, put into a new project beside its own."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from ..beneath import beneath, open_file
from ..trees import folders_in
from .files import join
from .record import is_safe

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def bring_made(made: Path, project: int) -> int:
    """Copy files where nothing is; follows no link on either side.

    Args:
        made: a folder that nobody changes now.

    Returns:
        How many files were copied.
    """
    count = 0
    for folder in folders_in(made):
        above = os.fsencode(folder.path)
        for entry in folder.entries:
            name = os.fsencode(entry.name)
            if not entry.is_dir(follow_symlinks=False) and is_safe(join(above, name)):
                with suppress(FileExistsError, NotADirectoryError):
                    _copy(folder.descriptor, name, project, above)
                    count += 1
    return count


def _copy(source: int, name: bytes, project: int, above: bytes) -> None:
    with os.fdopen(open_file(source, name), "rb") as made:
        mode = 0o777 if os.fstat(made.fileno()).st_mode & 0o100 else 0o666
        with (
            beneath(project, above, create=True, mode=0o777) as folder,
            os.fdopen(open_file(folder, name, _NEW, mode), "wb") as file,
        ):
            shutil.copyfileobj(made, file)
