"""Begin an environment from the one that holds nothing but the server's packages.

Linking a folder's files again takes a third of the time of installing them, and brings their
bytecode along. Where all of the model's files are still the same afterwards, a server starts
with the new environment as it does with the model, and need not be tried again.

The model's packages are the administrator's choice and trusted as the Hub's own are; nothing
a repository had a say in is ever taken as a model.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from filecmp import cmp
from pathlib import Path

from packaging.specifiers import SpecifierSet

from ...storage.trees import remove_tree
from .choices import installed
from .store import RECORD, SERVER_LOCK

_NAMING_PLACES = ("bin", "share/jupyter/kernels")
"""Where files name the environment they belong to."""

_UNUSED = (
    # What the Hub's icons are drawn from, and scripts and styles made: pages load what is made.
    "share/jupyterhub/static/components/@fortawesome/fontawesome-free/svgs*",
    "share/jupyterhub/static/components/*/src",
    "share/jupyterhub/static/components/bootstrap/scss",
    "share/jupyterhub/static/components/bootstrap/js",
)
"""Files of the server's packages that nothing reads."""

_STUBS = "lib/python3.*/site-packages/jedi/third_party/typeshed/stubs"
"""Types of other makers' packages: a third of all folders. Jedi 0.20 looks for them one folder
higher than they are, and finds none."""


def slim(model: Path) -> None:
    """Remove files that nothing uses and that each clone would take time and room for."""
    unused = [*_UNUSED]
    if [*model.glob("lib/python3.*/site-packages/jedi-0.20.*.dist-info")]:
        unused.append(_STUBS)
    for pattern in unused:
        for folder in model.glob(pattern):
            remove_tree(folder)


def clone(model: Path, environment: Path) -> None:
    """Fill an empty folder with the model's files, hardlinked, and its own scripts.

    Raises:
        OSError: the disk cannot do that; the folder may hold a part.
    """
    copy = subprocess.run(
        ["cp", "-al", f"{model}/.", str(environment)], capture_output=True, text=True, check=False
    )
    if copy.returncode:
        raise OSError(copy.stderr[-500:])
    for path, _, _ in os.walk(environment):
        Path(path).chmod(0o755)
    for name in (RECORD.parent.name, SERVER_LOCK):
        remove_tree(environment / name)
    for place in _NAMING_PLACES:
        for file in (environment / place).rglob("*"):
            if file.is_file() and not file.is_symlink():
                _rename(file, bytes(model), bytes(environment))


def empty_folder(folder: Path) -> None:
    """Remove everything in a folder."""
    for path in folder.iterdir():
        remove_tree(path)


def is_as_pinned(model: Path, environment: Path, pins: Mapping[str, SpecifierSet]) -> bool:
    """Whether an environment has all packages of its model, each of the model's or of its pin's
    version, and what else it has is pinned.
    """
    ours, theirs = installed(model), installed(environment)
    return ours.keys() <= theirs.keys() and all(
        ours.get(name) == version
        or (name in pins and pins[name].contains(version, prereleases=True))
        for name, version in theirs.items()
    )


def is_same(model: Path, environment: Path) -> bool:
    """Whether an environment still has every file of its model, and no new start-up file."""
    site = next(model.glob("lib/python3.*/site-packages")).relative_to(model)
    if any((environment / site).glob("*customize.py")):
        return False
    if _start_up(environment / site) != _start_up(model / site):
        return False
    return all(_same_folder(model, environment, folder) for folder in _with_sources(model))


def _start_up(site: Path) -> set[str]:
    return {path.name for path in site.glob("*.pth")}


def _with_sources(model: Path) -> Iterator[str]:
    """Folders of a model with files that count, relative to it."""
    for path, folders, _ in os.walk(model / "lib"):
        if "__pycache__" in folders:
            folders.remove("__pycache__")
        # An installer may note again how a package came here, which changes nothing of it.
        if not path.endswith(".dist-info"):
            yield os.path.relpath(path, model)


def _same_folder(model: Path, environment: Path, folder: str) -> bool:
    """Whether all files are there, most of them the same ones, which the listing says."""
    try:
        with os.scandir(environment / folder) as entries:
            found = {entry.name: entry.inode() for entry in entries}
    except OSError:
        return False
    with os.scandir(model / folder) as entries:
        others = [
            entry.name
            for entry in entries
            if found.get(entry.name) != entry.inode() and not entry.is_dir(follow_symlinks=False)
        ]
    return all(
        _same_file(f"{model / folder}/{name}", f"{environment / folder}/{name}") for name in others
    )


def _same_file(one: str, other: str) -> bool:
    """Whether two are one file, or plain ones with the same content.

    What is fetched anew, because its hash has to be checked, is another file.
    """
    try:
        first, second = os.lstat(one), os.lstat(other)
    except OSError:
        return False
    if stat.S_ISLNK(first.st_mode) or os.path.samestat(first, second):
        return True
    return stat.S_ISREG(second.st_mode) and cmp(one, other, shallow=False)


def _rename(file: Path, old: bytes, new: bytes) -> None:
    """Write a file anew that names the model; never into the shared one."""
    content = file.read_bytes()
    if old in content:
        partial = file.with_name(f".{file.name}.new")
        partial.write_bytes(content.replace(old, new))
        partial.chmod(stat.S_IMODE(file.stat().st_mode))
        partial.replace(file)
