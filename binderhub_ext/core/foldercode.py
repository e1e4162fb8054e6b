"""What the build of an environment sees of a folder of the machine, and what it is never given.

Only what decides about the environment is copied. Notebooks are none of that, so that no
environment is made anew because somebody works.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath

from .environment import FOLDERS, NAMES, Read, determine
from .errors import BuildFailed

_NOTEBOOK = ".ipynb"

_SIGNS = {
    "RBuildPack": ("install.R", "DESCRIPTION"),
    "CondaBuildPack": ("environment.yml", "environment.yaml"),
    "PipfileBuildPack": ("Pipfile", "Pipfile.lock"),
}
"""Files by which repo2docker takes a buildpack, of those that the `local` engine serves."""

_NOT_CODE = frozenset({"__pycache__", "node_modules"})


@dataclass(frozen=True)
class Needed:
    """What a build has to see of a folder.

    Attributes:
        files: configuration files, relative to it.
        code: whether it may read anything else, too.
    """

    files: tuple[str, ...]
    code: bool


def needed(read: Read, binder_dir: str) -> Needed:
    """What the environment of a folder depends on; never less than what repo2docker decides by.

    Args:
        read: gives the content of a file of the folder.
        binder_dir: `binder`, `.binder` or empty.
    """
    paths = (str(PurePosixPath(folder, name)) for folder in FOLDERS for name in NAMES)
    files = {path for path in paths if read(path) is not None}
    code = False
    for buildpack in _may_be(files, binder_dir):
        # What cannot be read is refused, with better words, when the build is planned.
        with suppress(BuildFailed):
            determination = determine(buildpack, binder_dir, read)
            files |= set(determination.names)
            code = code or not determination.by_files
    return Needed(tuple(sorted(files)), code)


def _may_be(files: Iterable[str], binder_dir: str) -> Iterator[str]:
    found = {name for name in NAMES if str(PurePosixPath(binder_dir, name)) in files}
    signed = [buildpack for buildpack, names in _SIGNS.items() if found.intersection(names)]
    yield from signed
    if "CondaBuildPack" not in signed:
        yield "PythonBuildPack"


def may_have_code(folder: str) -> bool:
    """Whether a folder of this name, within an offered one, is looked into for code to build."""
    hidden = folder.startswith(".") and folder not in FOLDERS
    return not hidden and folder not in _NOT_CODE and not folder.endswith(".egg-info")


def may_be_code(file: str) -> bool:
    """The same for a file."""
    return not file.startswith(".") and not file.endswith(_NOTEBOOK)
