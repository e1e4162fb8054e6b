"""A folder of this machine that its owner offered: what a build of its environment has to see.

The folder itself is never copied. Its version is a hash of its configuration files alone, so that
work on notebooks builds nothing anew. Where the build may read more (the folder is a package, has a
`postBuild`, names places in it), its code counts too: small files, no notebooks, no hidden folders.
Everything is opened from the folder's descriptor on and through no link, since servers write in it.
"""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath

from ..beneath import beneath, lstat_beneath, open_file, parts_of
from ..core.environment import FOLDERS
from ..core.errors import BinderError, NoSpace, TooLarge, Unsupported
from ..core.foldercode import may_be_code, may_have_code, needed
from ..core.progress import Tell
from ..core.repo import Commit, Repo
from ..folders import offered
from ..programs import ProcessFailed
from .archives import changed
from .keeping import KeepingProvider, Readable, kept
from .packing import Packed, pack
from .store import Lock

_DIGITS = 32
_CONFIGURATION_BYTES = 2**22 + 1
"""One more than an engine takes of a configuration file, so that it sees that there is more."""

_FILE_BYTES = 2**20
_FILES, _BYTES = 2_000, 20 * 2**20
_LOOKED_AT, _DEEPEST = 50_000, 30


@dataclass(frozen=True)
class _File:
    content: bytes
    runs: bool

    @property
    def mode(self) -> str:
        return "100755" if self.runs else "100644"


@dataclass(frozen=True)
class Seen:
    """What a build would see now, by path."""

    files: dict[str, _File]

    @property
    def version(self) -> str:
        digest = sha256()
        for path, file in sorted(self.files.items()):
            head = f"{path}\0{file.mode}\0{len(file.content)}\0"
            digest.update(head.encode("utf-8", "surrogateescape"))
            digest.update(file.content)
        return digest.hexdigest()[:_DIGITS]


class FolderProvider(KeepingProvider):
    """Folders that whoever asks has offered to themselves."""

    async def resolve(self, repo: Repo, ref: str, *, reader: str = "") -> Commit:
        """The version that its configuration has now.

        Raises:
            RepoNotFound, NotAllowed: this person cannot open it; see :mod:`..folders`.
            Unsupported, TooLarge: nothing can be built of it.
        """
        own = replace(repo, reader=reader)
        return Commit(own, ref, (await self._seen(own)).version)

    def _check(self, commit: Commit) -> None:
        """Nothing: what is fetched is compared with the version itself."""

    async def _bundle(self, commit: Commit, new: Path, lock: Lock, tell: Tell) -> Readable:
        seen = await self._seen(commit.repo)
        if seen.version != commit.id:
            raise changed(commit)
        with lock.scratch() as scratch:
            files = [*_written(seen, scratch)]
            try:
                return kept(await pack(files, f"{commit.repo.title}\n", new, scratch))
            except ProcessFailed as error:
                raise _not_packed(error) from error

    async def _seen(self, repo: Repo) -> Seen:
        return await asyncio.to_thread(self._seen_now, repo)

    def _seen_now(self, repo: Repo) -> Seen:
        with offered(self.store.layout, repo, repo.reader).opened() as folder:
            return look(folder)


def look(folder: int) -> Seen:
    """What a build would see of an open folder.

    Raises:
        Unsupported: a configuration file is a link.
        TooLarge: there is too much.
    """
    read: dict[str, _File | None] = {}

    def take(path: str) -> bytes | None:
        if path not in read:
            read[path] = _configuration(folder, path)
        file = read[path]
        return file.content if file else None

    asked = needed(take, next(filter(partial(_is_folder, folder), FOLDERS[1:]), ""))
    code = dict(_code(folder)) if asked.code else {}
    configuration = {path: file for path in asked.files if (file := read[path])}
    return Seen(code | configuration)


def _is_folder(folder: int, name: str) -> bool:
    about = lstat_beneath(folder, name)
    if about and stat.S_ISLNK(about.st_mode):
        raise _is_a_link(name)
    return about is not None and stat.S_ISDIR(about.st_mode)


def _configuration(folder: int, path: str) -> _File | None:
    try:
        about = lstat_beneath(folder, path)
        if about and stat.S_ISLNK(about.st_mode):
            raise _is_a_link(path)
        return _read(folder, path, _CONFIGURATION_BYTES)
    except (OSError, ValueError):
        return None


def _code(folder: int) -> Iterator[tuple[str, _File]]:
    """The small files that a build may read.

    Raises:
        TooLarge: there are too many of them.
    """
    count = size = looked_at = 0
    for top, folders, files, here in os.fwalk(".", dir_fd=folder):
        within = PurePosixPath(top)
        deep = len(within.parts) >= _DEEPEST
        folders[:] = () if deep else sorted(name for name in folders if _has_code(here, name))
        looked_at += len(folders) + len(files)
        if looked_at > _LOOKED_AT:
            raise _too_large()
        for name in sorted(filter(may_be_code, files)):
            if count > _FILES or size > _BYTES:
                raise _too_large()
            if file := _read(here, name, _FILE_BYTES, whole=True):
                count, size = count + 1, size + len(file.content)
                yield str(within / name), file


def _has_code(here: int, name: str) -> bool:
    try:
        return may_have_code(name) and lstat_beneath(here, f"{name}/pyvenv.cfg") is None
    except PermissionError:
        return False


def _read(folder: int, path: str, limit: int, *, whole: bool = False) -> _File | None:
    """The beginning of a plain file; `None` for whatever else is there, or gone.

    Args:
        whole: nothing of one that is larger.
    """
    *above, name = parts_of(path)
    with suppress(OSError), beneath(folder, b"/".join(above)) as directory:
        descriptor = open_file(directory, name)
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if whole and about.st_size > limit:
                return None
            return _File(file.read(limit), bool(about.st_mode & stat.S_IXUSR))
    return None


def _written(seen: Seen, scratch: Path) -> Iterator[Packed]:
    for number, (path, file) in enumerate(sorted(seen.files.items())):
        content = scratch / str(number)
        content.write_bytes(file.content)
        yield Packed(content, path, file.mode)


def _too_large() -> TooLarge:
    return TooLarge(
        "The environment of this folder depends on more than configuration files (it is a package,"
        " or has a postBuild or install.R, or names places in it), and the folder has more than"
        " {files} files or {size} MiB of code to copy for the build. Put what is needed"
        " (requirements.txt, environment.yml, apt.txt) into a folder “binder” in it: then nothing"
        " else is copied.",
        files=_FILES,
        size=_BYTES >> 20,
    )


def _is_a_link(path: str) -> Unsupported:
    return Unsupported(
        "{path} is a link. In a folder of this machine, configuration has to be in files of the"
        " folder itself: put a copy in its place.",
        path=path,
    )


def _not_packed(error: ProcessFailed) -> BinderError:
    if NoSpace.in_text(error.tail):
        return NoSpace.here()
    return Unsupported(
        "The folder has files with names that cannot be copied for the build. Put what is needed"
        " (requirements.txt, environment.yml, apt.txt) into a folder “binder” in it.",
        detail=error.tail,
    )
