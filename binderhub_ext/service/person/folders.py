"""What is in a person's folders, file by file: seen, downloaded and uploaded without any server.

All of it is done as the owner of the files, by the program `storage/asowner`. What a person may
see here is what a server of theirs would: their home, and the volumes that are theirs at this
moment, read only where it is so.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from ...beneath import lstat_beneath, open_beneath
from ...core.errors import NoSpace, NotAllowed, NotFound, TooLarge, TooMany
from ...core.filenames import check_file_name
from ...core.launch import Access
from ...core.layout import DataDirectory
from ...core.space import Taken, size_words
from ...programs import started
from ...storage.asowner.words import Owner, Question, answered, command, piece
from ...storage.volumes import FILES
from ..hub import Person
from ..turns import Turns
from .space import DiskUsage
from .volumes import PersonVolumes

HOME = "home"
"""Where the id of a volume could stand."""

_EACH, _ALL = 4, 32
"""Files that one person, and everybody, may have under way."""

_BLOCK = 1 << 18
_PATIENCE = 10.0


@dataclass(frozen=True)
class Place:
    """A home or a volume, as one person has it.

    Attributes:
        id: `HOME`, or a volume's.
        name: a volume's.
        writable: whether files may be brought there.
        root, path: where it is: a folder of ours, and below that.
        taken: what it takes of what it may.
        owner: as whom its files are reached; `None` for the service's own user.
    """

    id: str
    name: str
    writable: bool
    root: Path
    path: PurePosixPath
    taken: Taken
    owner: Owner | None = None


@dataclass(frozen=True)
class Entry:
    """Something in a folder.

    Attributes:
        kind: `file`, `folder`, `link` or `other`.
        size: bytes of a file.
        changed: seconds since the epoch.
    """

    name: str
    kind: str
    size: int | None
    changed: float


@dataclass(frozen=True)
class Listing:
    """A folder: where it is, what is in it, and whether that is not all."""

    place: Place
    path: str
    entries: tuple[Entry, ...]
    more: bool


@dataclass(eq=False)
class _Claim:
    """The room that is kept for a file on its way in.

    Attributes:
        key: of the home or volume, whose limit counts all of it until it is measured again.
        size: bytes it has, or may have.
        left: bytes that are not on the disk yet; of the others the disk itself knows.
    """

    key: str
    size: int
    left: int


class Upload:
    """A file on its way in. Nothing of it is left unless it is finished."""

    def __init__(
        self, stack: AsyncExitStack, process: asyncio.subprocess.Process, claim: _Claim
    ) -> None:
        assert process.stdin and process.stdout
        self._stack, self._process, self._claim = stack, process, claim
        self._stdin, self._stdout = process.stdin, process.stdout

    async def write(self, content: bytes) -> None:
        """Take a piece; never fails, since what went wrong is told at the end."""
        if content:
            await self._send(content)
            self._claim.left = max(self._claim.left - len(content), 0)

    async def finish(self) -> str:
        """What the file is called now that it is whole.

        Raises:
            NoSpace, Conflict, BinderError: it could not be kept.
        """
        try:
            await self._send(b"")
            return str(answered(await self._stdout.readline())["name"])
        finally:
            await self.close()

    async def close(self) -> None:
        """Give it up, unless it was finished. Safe to repeat."""
        self._stdin.close()
        async with self._stack:
            try:
                # The program takes away what it began when there is no more to read.
                async with asyncio.timeout(_PATIENCE):
                    await self._process.wait()
            except TimeoutError:
                pass

    async def _send(self, content: bytes) -> None:
        if not self._stdin.is_closing():
            self._stdin.write(piece(content))
            try:
                await self._stdin.drain()
            except ConnectionError:
                self._stdin.close()


class PersonFolders:
    """Everything a person may do with single files.

    Args:
        layout: of the data directory.
        volumes: theirs.
        space: figures of use, measured anew when something came.
        limit: bytes of one file that is uploaded; 0 if none may be.
    """

    def __init__(
        self, layout: DataDirectory, *, volumes: PersonVolumes, space: DiskUsage, limit: int
    ) -> None:
        self._layout, self._volumes, self._space = layout, volumes, space
        self.limit = limit
        self._turns = Turns(_EACH, _ALL)
        self._claims: set[_Claim] = set()
        self._ending: set[asyncio.Task[None]] = set()

    async def find(self, person: Person, id: str) -> Place:
        """A home or a volume.

        Raises:
            NotFound: it is not there, or not theirs.
            NotAllowed: its files belong to somebody as whom nothing may be done.
        """
        if id == HOME:
            owner = await asyncio.to_thread(self._owner, person.name)
            path = PurePosixPath(self._layout.home(person.name).name)
            taken = await self._space.home(person.name)
            return Place(HOME, "", True, self._layout.homes, path, taken, owner)
        access = await self._volumes.get(person, id)
        owner = await asyncio.to_thread(self._owner, person.name)
        volume = access.volume
        return Place(
            volume.id,
            volume.name,
            access.access is Access.RW,
            self._layout.volumes,
            PurePosixPath(volume.id, FILES),
            self._space.limits.of_volume(access.usage),
            owner and replace(owner, groups=(volume.gid,) if volume.gid else ()),
        )

    async def look(self, person: Person, id: str, path: str) -> Listing:
        """What is in a folder: folders first, hidden ones last.

        Raises:
            NotFound, NotAllowed: it cannot be seen.
        """
        place = await self.find(person, id)
        async with self._asked(person, place, Question("look", path)) as process:
            assert process.stdout
            answer = answered(await process.stdout.read())
        entries = (Entry(**about) for about in answer["entries"])
        return Listing(place, path, tuple(sorted(entries, key=_order)), answer["more"])

    @asynccontextmanager
    async def read(
        self, person: Person, id: str, path: str
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """The size of a file, and then its pieces.

        Raises:
            NotFound, NotAllowed: it cannot be read.
        """
        place = await self.find(person, id)
        folder, _, name = path.rpartition("/")
        async with self._asked(person, place, Question("read", folder, name)) as process:
            assert process.stdout
            answer = answered(await process.stdout.readline())
            yield answer["size"], _pieces(process.stdout)

    async def upload(self, person: Person, id: str, path: str, name: str, size: int) -> Upload:
        """Begin to bring a new file into a folder; refused before any of it has come.

        Args:
            name: of the file; where one is called so, it gets the next that is free.
            size: bytes it has, or may have where that is not known.

        Raises:
            BadLink: nothing should be called that.
            TooLarge, NoSpace: it has no room.
            NotFound, NotAllowed: the folder cannot be changed.
        """
        check_file_name(name)
        self._check_size(size)
        place = await self.find(person, id)
        if not place.writable:
            raise NotAllowed("You may read the files of this volume, and not change them.")
        key = f"{person.name}/{HOME}" if id == HOME else id
        async with AsyncExitStack() as stack:
            claim = self._claim(place, key, size)
            stack.callback(self._claims.discard, claim)
            if not await self._space.has_room(sum(claim.left for claim in self._claims)):
                raise _no_room(size)
            stack.callback(self._measure, place)
            question = Question("write", path, name, size)
            process = await stack.enter_async_context(self._asked(person, place, question))
            assert process.stdout
            answered(await process.stdout.readline())
            return Upload(stack.pop_all(), process, claim)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what nobody waits for any more."""
        task = asyncio.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    # ---- parts

    def _owner(self, user: str) -> Owner | None:
        """As whom a person's files are reached: the owner of their home."""
        status = lstat_beneath(self._layout.homes, self._layout.home(user).name)
        us = os.geteuid()
        if status is None:
            raise NotFound("You have no files here yet. Your first launch makes a place for them.")
        if us == 0 and status.st_uid:
            return Owner(status.st_uid, status.st_gid or status.st_uid)
        if us == 0 or us != status.st_uid:
            raise NotAllowed(
                "Your files belong to an account of the machine as which this page may not work."
                " Open a server to reach them, and tell the administrator."
            )
        return None

    def _check_size(self, size: int) -> None:
        if not self.limit:
            raise NotAllowed("Nothing is uploaded here. Use the file browser of a server.")
        if size > self.limit:
            raise TooLarge(
                "The file has {size}, and at most {most} can be uploaded here.",
                size=size_words(size),
                most=size_words(self.limit),
            )

    def _claim(self, place: Place, key: str, size: int) -> _Claim:
        """Take room for a file before anybody is waited for, so that no other takes it too."""
        coming = sum(claim.size for claim in self._claims if claim.key == key) + size
        if replace(place.taken, bytes=(place.taken.bytes or 0) + coming).over:
            raise _no_room(size)
        self._claims.add(claim := _Claim(key, size, size))
        return claim

    def _measure(self, place: Place) -> None:
        path = PurePosixPath(place.path.parts[0])
        self._space.measure((place.root, path), max_age=0)

    @asynccontextmanager
    async def _asked(
        self, person: Person, place: Place, question: Question
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """The program, as the owner of the files, with its question."""
        full = TooMany("Too many files are under way at once. Try again in a moment.")
        with (
            self._turns.taken(person.name, full),
            _opened(await asyncio.to_thread(_open, place)) as root,
        ):
            argv = command(root, place.owner)
            options: dict[str, Any] = {"env": {}, "cwd": "/", "umask": 0o022}
            async with started(argv, pass_fds=(root,), **options) as process:
                assert process.stdin
                process.stdin.write(question.line())
                yield process


def _no_room(size: int) -> NoSpace:
    return NoSpace(
        "There is no room for {size} more. Delete what you do not need, then try again.",
        size=size_words(size),
    )


def _open(place: Place) -> int:
    try:
        return open_beneath(place.root, place.path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound("There is no such file or folder (any more).") from error


@contextmanager
def _opened(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def _pieces(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while piece := await stream.read(_BLOCK):
        yield piece


def _order(entry: Entry) -> tuple[bool, bool, str, str]:
    hidden = entry.name.startswith(".")
    return hidden, entry.kind != "folder", entry.name.casefold(), entry.name
