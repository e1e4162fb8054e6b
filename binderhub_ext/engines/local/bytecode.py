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
from pathlib import Path

_CACHE = "__pycache__"


def lend_bytecode(model: Path, environment: Path, bytecode: Path, *, link: bool) -> None:
    """Give a run the bytecode of a model environment for the files both share.

    Args:
        bytecode: the run's `pycache_prefix`.
        link: hardlink rather than copy; only where the run's uid cannot write the file.
    """
    root = bytecode / str(environment).lstrip("/")
    for path, folders, _ in os.walk(model / "lib"):
        if _CACHE not in folders:
            continue
        folders.remove(_CACHE)
        relative = Path(path).relative_to(model)
        for compiled in Path(path, _CACHE).iterdir():
            source = f"{compiled.name.partition('.')[0]}.py"
            if _same_file(Path(path, source), environment / relative / source):
                target = root / relative
                target.mkdir(parents=True, exist_ok=True)
                _give(compiled, target / compiled.name, link)


def place_bytecode(bytecode: Path, environment: Path) -> None:
    """Move bytecode from a run's own folder to where Python looks for it.

    Both folders may hold anything by now: only plain files are taken, and only to folders
    that really lie in the environment.
    """
    root = bytecode / str(environment).lstrip("/")
    if not root.is_dir() or root.resolve() != root.absolute():
        return
    for path, _, names in os.walk(root):
        folder = environment / Path(path).relative_to(root)
        if folder.resolve() == folder and folder.is_dir():
            _place(Path(path), [name for name in names if name.endswith(".pyc")], folder)


def _same_file(one: Path, other: Path) -> bool:
    try:
        first, second = one.lstat(), other.lstat()
    except OSError:
        return False
    same_inode = (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)
    return same_inode and stat.S_ISREG(first.st_mode)


def _give(file: Path, target: Path, link: bool) -> None:
    if link:
        target.hardlink_to(file)
    else:
        shutil.copyfile(file, target)


def _place(source: Path, names: list[str], folder: Path) -> None:
    target = folder / _CACHE
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        return
    target.mkdir(exist_ok=True)
    for name in names:
        if stat.S_ISREG((source / name).lstat().st_mode):
            (source / name).replace(target / name)
