"""Build packs that take their packages from a lock file.

Imported only by the program that runs repo2docker.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from .lockfiles import ASKED, LIMITS
from .order import LockedPackages

_Scripts = list[tuple[str, str]]

_IN_THE_REPOSITORY = ("./", "-e ", "--find-links ./")


class LockedPack:
    """Goes before a build pack of Python's; what that takes from `requirements.txt` is the lock's.

    Attributes:
        locked: what the lock says.
    """

    locked: LockedPackages
    uv_install = "uv pip install --python ${KERNEL_PYTHON_PREFIX}/bin/python --no-cache"

    @property
    def _should_preassemble_pip(self) -> bool:
        lines = Path(self.locked.folder, ASKED).read_text().splitlines()
        return not any(line.startswith(_IN_THE_REPOSITORY) for line in lines)

    @lru_cache  # noqa: B019 - as every method of a build pack; one lives for one build
    def get_build_script_files(self) -> dict[str, str]:
        files: dict[str, str] = super().get_build_script_files()  # type: ignore[misc]
        return {**files, find_uv_bin(): "/usr/local/bin/uv"}

    @lru_cache  # noqa: B019
    def get_preassemble_script_files(self) -> dict[str, str]:
        files: dict[str, str] = super().get_preassemble_script_files()  # type: ignore[misc]
        ours = (f"{self.locked.folder}/{name}" for name in (ASKED, LIMITS))
        return {**files, **{path: path for path in ours}}

    def _get_pip_scripts(self) -> _Scripts:
        finished = getattr(self, "finished", str)
        return [("${NB_USER}", finished(self._locked_install()))]

    def _locked_install(self) -> str:
        """uv, since it checks hashes where there are any, and pip would want one of everything."""
        folder = self.locked.folder
        return (
            f"{self.uv_install} --index-strategy unsafe-best-match"
            f" -r {folder}/{ASKED} -c {folder}/{LIMITS}"
        )


def locked_pack(pack: Any, locked: LockedPackages) -> Any:
    """A build pack like another, with the packages of a lock."""
    facts: dict[str, object] = {"locked": locked, "_python_version": locked.python}
    return type(pack.__name__, (LockedPack, pack), facts)
