"""Bytecode for what a server imports, without letting the code that runs write it in place.

The run that tries an environment sees it read-only and compiles into a folder of its own
(`pycache_prefix`). Afterwards it is moved to where Python looks. What an environment with
nothing but the server's packages has compiled already is lent to others for the files they
share with it: bytecode is valid for a source of the same time and size, and is never taken
from an environment in which a repository had a say.
"""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path, PurePosixPath

from ...beneath import beneath
from ...storage.trees import DEEPEST, folders_beneath

_CACHE = "__pycache__"


def lend_bytecode(model: Path, environment: Path, bytecode: Path, *, link: bool) -> None:
    """Give a run the bytecode of a model environment for the files both share.

    Args:
        bytecode: the run's `pycache_prefix`; nobody else wrote there yet.
        link: hardlink rather than copy; only where the run's uid cannot write the file.
    """
    root = bytecode / str(environment).lstrip("/")
    for path, folders, _ in os.walk(model / "lib"):
        if _CACHE not in folders:
            continue
        folders.remove(_CACHE)
        relative = Path(path).relative_to(model)
        with (
            suppress(FileNotFoundError, NotADirectoryError),
            beneath(environment, str(relative)) as own,
        ):
            for compiled in Path(path, _CACHE).iterdir():
                source = f"{compiled.name.partition('.')[0]}.py"
                if _same_file(Path(path, source), own):
                    target = root / relative
                    target.mkdir(parents=True, exist_ok=True)
                    _give(compiled, target / compiled.name, link)


def place_bytecode(bytecode: Path, environment: Path, within: str = ".") -> None:
    """Move bytecode from a run's own folder to where Python looks for it.

    Both folders may hold anything by now: only plain files are taken, and only to folders
    that really lie in the environment.

    Args:
        bytecode: the run's `pycache_prefix`.
        within: the folder of the environment that it is for.

    Raises:
        TooDeep: folders are nested too deep.
    """
    try:
        top = str(PurePosixPath(str(environment).lstrip("/"), within))
        for folder in folders_beneath(bytecode, top, deepest=DEEPEST):
            names = [entry.name for entry in folder.entries if _is_bytecode(entry)]
            if names:
                place = PurePosixPath(within, folder.path)
                _place(folder.descriptor, names, environment, str(place))
    except (FileNotFoundError, NotADirectoryError):
        return


def _same_file(one: Path, folder: int) -> bool:
    try:
        first, second = one.lstat(), os.stat(one.name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return os.path.samestat(first, second) and stat.S_ISREG(first.st_mode)


def _give(file: Path, target: Path, link: bool) -> None:
    if link:
        target.hardlink_to(file)
    else:
        shutil.copyfile(file, target)


def _is_bytecode(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".pyc") and entry.is_file(follow_symlinks=False)


def _place(source: int, names: list[str], environment: Path, folder: str) -> None:
    with (
        suppress(OSError),  # it only saves time, and whatever is in the way may stay there
        beneath(environment, folder) as place,
        beneath(place, _CACHE, create=True) as target,
    ):
        for name in names:
            os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
