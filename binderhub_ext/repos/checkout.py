"""The files of a fetched commit in a directory, for detection and builds.

Git itself writes the files, since it knows which names must not be written (`.git` in every
spelling, paths through symbolic links). Nothing of the repository runs: there is no
configuration that could name a hook or a filter, so LFS pointers stay pointers. Symbolic links
are made as they are, also those that lead elsewhere: whoever reads the files must not follow them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..core.errors import BinderError, NoSpace, RepoUnavailable
from ..programs import ProcessFailed
from .base import Source
from .command import Call, run
from .history import add_history

SUBMODULE_MODE = "160000"
SHALLOW = "refs/shallow/"
_DEPTH = 10


async def checkout(source: Source, into: Path, *, history: bool = False) -> None:
    """Write the files of a commit, submodules included.

    Args:
        source: a fetched commit.
        into: an empty directory, or one that is to be made.
        history: with a `.git`, if the commit is one of Git.

    Raises:
        FileExistsError: `into` has something in it.
        RepoUnavailable: the kept files are damaged or gone.
        NoSpace: the disk is full; `into` may hold a part.
    """
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise FileExistsError(f"{into} is not empty")
    with tempfile.TemporaryDirectory(prefix=".git-", dir=into.parent) as scratch:
        # A bundle is indexed anew whenever it is read, history and all, which takes far longer
        # than to read the objects kept for the next fetch. Those may be gone at any time, or not
        # for this account to read.
        kept = source.bundle.with_name("objects.git").absolute()
        files, index = into.absolute(), Path(scratch, "index")
        try:
            await _write(source, kept, index, files, history)
        except (ProcessFailed, OSError):
            try:
                own = Path(scratch, "own")
                own.mkdir()
                await unbundle(source.bundle, own)
                shutil.rmtree(files / ".git", ignore_errors=True)
                await _write(source, own, index, files, history)
            except ProcessFailed as error:
                raise _words(error) from error


async def _write(source: Source, objects: Path, index: Path, into: Path, history: bool) -> None:
    await _Index(objects, index, into).write(source)
    if history and source.is_of_git:
        await add_history(objects, source.commit.id, source.described_by, into)


async def unbundle(bundle: Path, repository: Path) -> None:
    """Make a bare repository with the objects of a bundle; it has no refs."""
    listed = (await run(Call(["bundle", "list-heads", str(bundle)], repository))).decode()
    heads = [line.partition(" ") for line in listed.splitlines()]
    ids = [id for id, _, name in heads if name == "HEAD"]
    if not ids:
        raise ProcessFailed(1, "The bundle has no HEAD.")
    await initialise(repository, len(ids[0]))
    if cut := [f"{id}\n" for id, _, name in heads if name.startswith(SHALLOW)]:
        (repository / "shallow").write_text("".join(cut))
    await run(Call(["bundle", "unbundle", str(bundle)], repository, timeout=600))


async def initialise(repository: Path, id_length: int) -> None:
    """Make an empty bare repository whose ids have so many hex digits."""
    kind = "sha256" if id_length == 64 else "sha1"
    arguments = ["init", "--quiet", "--bare", "--template=", f"--object-format={kind}", "."]
    await run(Call(arguments, repository))


def stored(repository: Path) -> int:
    """Bytes in packs, finished or not; what grows during a fetch into a bare repository."""
    total = 0
    for file in (repository / "objects" / "pack").glob("*"):
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            continue
    return total


def _words(error: ProcessFailed) -> BinderError:
    if NoSpace.in_text(error.tail):
        return NoSpace.here()
    return RepoUnavailable(
        "The fetched files of this commit cannot be read. Launch again to fetch them anew.",
        detail=error.tail[-2000:],
    )


class _Index:
    """One index that holds a tree with its submodules in place, written out once."""

    def __init__(self, repository: Path, index: Path, into: Path) -> None:
        self._environment = {
            "GIT_DIR": str(repository),
            "GIT_WORK_TREE": str(into),
            "GIT_INDEX_FILE": str(index),
        }
        self._into = into

    async def write(self, source: Source) -> None:
        await self._git("read-tree", source.tree)
        for _ in range(_DEPTH):
            if not await self._place_submodules(source.submodules):
                break
        await self._git("checkout-index", "--all", "--force", "--quiet")

    async def _place_submodules(self, had: Sequence[str]) -> bool:
        placed = False
        for path, commit in await self._links():
            if commit in had:
                await self._git("update-index", "--force-remove", "-z", "--stdin", stdin=path)
                prefix = path.decode(errors="surrogateescape") + "/"
                await self._git("read-tree", f"--prefix={prefix}", commit)
                placed = True
        return placed

    async def _links(self) -> list[tuple[bytes, str]]:
        lines = (await self._git("ls-files", "--stage", "-z")).split(b"\0")
        parts = [
            line.partition(b"\t") for line in lines if line.startswith(SUBMODULE_MODE.encode())
        ]
        return [(path, about.split()[1].decode()) for about, _, path in parts]

    async def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        call = Call(
            arguments,
            self._into,
            timeout=600,
            environment=self._environment,
            stdin=stdin,
            output_limit=2**28,
        )
        return await run(call)
