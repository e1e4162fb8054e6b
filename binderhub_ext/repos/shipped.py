"""The repositories that come with the service: folders of this package, served without network."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path

from ..core.errors import BadLink
from ..core.progress import Tell
from ..core.repo import Commit, Repo
from ..core.shipped import NAMES
from .archives import changed
from .keeping import KeepingProvider, Readable, kept
from .packing import Packed, pack
from .store import Lock

_EXAMPLES = Path(__file__).parents[1] / "examples"
_DIGITS = 16


class ShippedProvider(KeepingProvider):
    """Their version is a hash of their files: another release may bring another one."""

    async def resolve(self, repo: Repo, ref: str, *, reader: str = "") -> Commit:
        """The version that this release has."""
        return Commit(repo, ref, await asyncio.to_thread(_version, repo))

    def _check(self, commit: Commit) -> None:
        if commit.repo.name not in NAMES:
            raise BadLink("No such repository comes with this hub.")
        if commit.id != _version(commit.repo):
            raise changed(commit)

    async def _bundle(self, commit: Commit, new: Path, lock: Lock, tell: Tell) -> Readable:
        files = [Packed(path, name) for name, path in _files(commit.repo)]
        with lock.scratch() as scratch:
            return kept(await pack(files, f"{commit.repo.title}\n", new, scratch))


def _files(repo: Repo) -> list[tuple[str, Path]]:
    folder = _EXAMPLES / repo.name
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted((path.relative_to(folder).as_posix(), path) for path in files)


def _version(repo: Repo) -> str:
    digest = sha256()
    for name, path in _files(repo):
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:_DIGITS]
