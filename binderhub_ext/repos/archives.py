"""Archives: datasets behind a DOI or a page, whose files come over HTTP.

A kind of archive says three things (see :class:`Archive`): which version is meant, which files
it has, and which of them is to be taken apart. Downloading, limits, unpacking and keeping are
the same for all. The interfaces were read from repo2docker's content providers and from
`repoproviders`; both fetch from any address, without limits and with `extractall`, so their code
is not used.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import sys
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlencode

from traitlets import Float, Unicode

from ..core.errors import (
    BadLink,
    BinderError,
    NoSpace,
    NotAllowed,
    RefNotFound,
    RepoNotFound,
    RepoUnavailable,
    TooLarge,
)
from ..core.progress import Event, Phase, Tell
from ..core.repo import Commit, Repo
from ..core.sentences import Sentence
from ..core.url import Url, read_url
from ..programs import ProcessFailed, TimedOut, capture
from . import unpack
from .answers import SharedAnswers
from .http import Answer, Http
from .keeping import KeepingProvider, Readable, kept, too_large
from .packing import Packed, common_directory, pack, without
from .store import Lock

T = TypeVar("T")

_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")
_UNPACK_SECONDS = 900
_LISTED = 2**30
"""Bytes of the list of what was unpacked."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of an archive.

    Attributes:
        url: where its bytes are.
        path: where the archive says it belongs; not yet judged.
        md5, sha256: of its bytes, empty if not told.
        optional: whether it is left out, with words, if its host does not give it.
        check: raises what it has against the host's answer.
    """

    url: Url
    path: str
    md5: str = ""
    sha256: str = ""
    optional: bool = False
    check: Callable[[Answer], None] | None = None


@dataclass(frozen=True)
class Contents:
    """What a version of an archive consists of.

    Attributes:
        files: to be downloaded.
        title: for the commit's message.
        inside: if the only file is a zip, the directory in it that is wanted; `None` for all of
            it, without a single top-level directory.
        packed: whether the only file has to be a zip or a tar; else only a zip is taken apart.
        notes: told to the person.
    """

    files: tuple[RemoteFile, ...]
    title: str = ""
    inside: str | None = None
    packed: bool = False
    notes: tuple[Sentence, ...] = ()


class Archive(KeepingProvider):
    """A kind of archive. A new kind is a new file with these two methods."""

    doi_resolver = Unicode(
        "https://doi.org",
        help="""Who knows where a DOI leads. Change it for a mirror; its interface must be that
        of https://doi.org/api/handles/.""",
    ).tag(config=True)

    timeout = Float(30, help="Seconds a host may be silent before it counts as down.").tag(
        config=True
    )

    fetch_timeout = Float(
        3600,
        help="""Seconds that finding out which version a link stands for, and downloading its files,
        may each take. Longer serves larger archives on slow networks; without an end, a host that
        sends a letter now and then would be waited for for ever.""",
    ).tag(config=True)

    remembered_for = Float(
        60,
        min=0,
        help="""Seconds for which it is remembered which version a link stands for. Archives
        refuse whoever asks too often, and a class opens one link in the same minute.""",
    ).tag(config=True)

    def __init__(self, **traits: object) -> None:
        super().__init__(**traits)
        self._questions: SharedAnswers[str] = SharedAnswers(self.remembered_for)

    @abstractmethod
    async def version(self, http: Http, repo: Repo) -> str:
        """The immutable version a repository stands for now."""

    @abstractmethod
    async def contents(self, http: Http, commit: Commit) -> Contents:
        """What a version consists of."""

    async def resolve(self, repo: Repo, ref: str, *, reader: str = "") -> Commit:
        """Which version does the repository stand for now, or did a moment ago?

        Archives have no refs.

        Raises:
            RepoNotFound, RepoUnavailable, AddressNotAllowed, BadLink.
        """
        commit = Commit(repo, ref, await self._questions.ask(repo, lambda: self._asked(repo)))
        self._check(commit)
        return commit

    async def _asked(self, repo: Repo) -> str:
        async def ask(http: Http) -> str:
            with answers(repo):
                return await self.version(http, repo)

        return await self._in_time(repo, ask)

    async def _in_time(self, repo: Repo, work: Callable[[Http], Awaitable[T]]) -> T:
        """What is done with an archive's host, unless that takes too long."""
        try:
            async with asyncio.timeout(self.fetch_timeout):
                async with Http(self.policy, timeout=self.timeout) as http:
                    return await work(http)
        except TimeoutError as error:
            raise RepoUnavailable(
                "{host} cannot be reached, answers too slowly or broke off in the middle. Try "
                "again in a minute.",
                host=read_url(repo.url).host,
            ) from error

    async def page_of(self, http: Http, doi: str) -> Url:
        """The page a DOI leads to.

        Raises:
            RepoNotFound: no such DOI, or it leads nowhere.
        """
        base = read_url(self.doi_resolver)
        asked = join(base, "api/handles", *doi.split("/"))
        try:
            answer = await http.json(asked)
        except RepoNotFound as error:
            raise RepoNotFound(
                "The DOI {doi} is not registered. Check its spelling.", doi=doi
            ) from error
        for value in answer["values"]:
            if value["type"] == "URL":
                return read_url(value["data"]["value"])
        raise RepoNotFound("The DOI {doi} leads to no page.", doi=doi)

    def _check(self, commit: Commit) -> None:
        if not _VERSION.fullmatch(commit.id):
            raise BadLink("“{id!a}” is not a version of an archive.", id=commit.id[:60])

    async def _bundle(self, commit: Commit, new: Path, lock: Lock, tell: Tell) -> Readable:
        with lock.scratch() as scratch:
            contents, files = await self._in_time(
                commit.repo, lambda http: self._fetched(http, commit, scratch, tell)
            )
            if len(contents.files) == 1 and files and (contents.packed or _is_zip(files[0])):
                files = await self._unpack(files[0], contents.inside, scratch, tell)
            tell(_event(Sentence("Keeping the files")))
            return kept(await _pack(files, contents, commit, new, scratch))

    async def _fetched(
        self, http: Http, commit: Commit, scratch: Path, tell: Tell
    ) -> tuple[Contents, list[Packed]]:
        with answers(commit.repo):
            contents = await self.contents(http, commit)
        return contents, await self._download(http, contents, scratch, tell)

    async def _download(
        self, http: Http, contents: Contents, scratch: Path, tell: Tell
    ) -> list[Packed]:
        if len(contents.files) > self.max_files:
            raise too_large(f"{self.max_files} files")
        for note in contents.notes:
            tell(_event(note))
        left, got = self.max_size, []
        for number, file in enumerate(contents.files):
            path = unpack.safe_path(file.path)
            if path is None:
                raise _hostile()
            if not unpack.is_content(path):
                continue
            name, host = ascii(path)[1:-1], file.url.host
            tell(_event(Sentence("Fetching {file} from {host}", file=name, host=host)))
            place = scratch / f"download-{number}"
            try:
                left -= await http.download(file.url, place, left, file.check)
            except RepoNotFound as error:
                if not file.optional:
                    raise
                why = error.message
                tell(_event(Sentence("{file} is left out. {why}", file=name, why=why)))
                continue
            await _verify(place, file)
            got.append(Packed(place, path))
        return got

    async def _unpack(
        self, archive: Packed, inside: str | None, scratch: Path, tell: Tell
    ) -> list[Packed]:
        tell(_event(Sentence("Unpacking {file}", file=ascii(archive.path)[1:-1])))
        into = scratch / "unpacked"
        into.mkdir()
        listed = await _unpacked(archive.content, into, self.max_files, self.max_files_size)
        files = [Packed(into / str(number), path, mode) for number, path, mode in listed]
        if inside is None:
            return without(common_directory(file.path for file in files), files)
        return without(inside, (file for file in files if file.path.startswith(inside)))


@contextlib.contextmanager
def answers(repo: Repo) -> Iterator[None]:
    """Turns answers that are not as an interface promises into words."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise RepoUnavailable(
            "The archive of {name} answered in a way that is not understood. Try again "
            "later; if it stays so, please report it.",
            name=repo.name,
        ) from error


def join(base: Url, *parts: str) -> Url:
    """A URL below another; each part is escaped, except that fixed ones may have slashes.

    A colon stays, as interfaces have `:persistentId` in their paths.
    """
    path = "/".join(
        quote(part, safe="/:" if number == 0 else ":") for number, part in enumerate(parts)
    )
    url = f"{base.scheme}://{base.netloc}{base.path.rstrip('/')}/{path}"
    return read_url(url)


def ask(url: Url, **query: str) -> Url:
    """A URL with a query, escaped."""
    words = urlencode(query, quote_via=quote, safe="")
    return Url(url.scheme, url.host, url.port, url.path, words)


def last_part(url: Url) -> str:
    """The last part of a URL's path, unescaped."""
    return unquote(url.path.rstrip("/").rpartition("/")[2])


def epoch(date: str) -> int:
    """Seconds of a date as interfaces write it; without a zone it is UTC."""
    moment = datetime.fromisoformat(date)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def changed(commit: Commit) -> RefNotFound:
    """The words for an archive that has another version by now."""
    return RefNotFound(
        "{name} has been changed since the link was opened. Launch again to get the present "
        "version.",
        name=commit.repo.name,
    )


def _event(message: Sentence) -> Event:
    return Event(Phase.FETCHING, message)


def _hostile() -> NotAllowed:
    return NotAllowed(
        "The archive has files or links that would lead out of its folder, so nothing of it was "
        "used. Please tell whoever made it."
    )


def _is_zip(file: Packed) -> bool:
    with file.content.open("rb") as content:
        return content.read(4) in {b"PK\x03\x04", b"PK\x05\x06"}


async def _verify(place: Path, file: RemoteFile) -> None:
    if file.md5 and await _digest(place, "md5") != file.md5.lower():
        raise RepoUnavailable(
            "A file from {host} arrived damaged. Try again in a minute.", host=file.url.host
        )
    if file.sha256 and await _digest(place, "sha256") != file.sha256:
        raise RefNotFound(
            "What {host} gave has another SHA-256 than was expected, so nothing of it was used. "
            "Check the link; if it is right, the file was changed: ask whoever made the link.",
            host=file.url.host,
        )


async def _digest(place: Path, algorithm: str) -> str:
    with place.open("rb") as content:
        digest = await asyncio.to_thread(hashlib.file_digest, content, algorithm)
    return digest.hexdigest()


async def _pack(
    files: Sequence[Packed], contents: Contents, commit: Commit, new: Path, scratch: Path
) -> str:
    title = contents.title or commit.repo.name
    message = f"{title}\n\n{commit.repo.name}, version {commit.id}\n"
    try:
        return await pack(files, message, new, scratch)
    except ProcessFailed as error:
        if NoSpace.in_text(error.tail):
            raise NoSpace.here() from error
        raise _hostile() from error


async def _unpacked(archive: Path, into: Path, files: int, size: int) -> list[list[Any]]:
    argv = [sys.executable, "-I", "-m", unpack.__name__]
    try:
        listed = await capture(
            [*argv, str(archive), str(into), str(files), str(size)],
            env=os.environ,
            patience=_UNPACK_SECONDS,
            limit=_LISTED,
        )
        return [json.loads(line) for line in listed.splitlines()]
    except TimedOut as error:
        raise too_large(f"{_UNPACK_SECONDS} seconds to unpack") from error
    except ProcessFailed as error:
        raise _not_unpacked(error, files, size) from error


def _not_unpacked(error: ProcessFailed, files: int, size: int) -> BinderError:
    if NoSpace.in_text(error.tail):
        return NoSpace.here()
    return {
        unpack.HOSTILE: _hostile(),
        unpack.TOO_LARGE: TooLarge(
            "The archive has more than {files} files or {size} MiB, which is more than "
            "allowed here. Use a smaller dataset, or ask the administrator to raise the limit.",
            files=files,
            size=size // 2**20,
        ),
    }.get(
        error.status,
        RepoUnavailable("The archive is damaged or in a form that cannot be unpacked here."),
    )
