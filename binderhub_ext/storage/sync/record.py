"""The record of what we put into a project, kept in its `.git/binder-at-home/`.

One line of JSON, then per file `<mode> <blob> <content> <path>` ended by NUL. The person (and
whatever runs as them) can write anything into it, so reading believes nothing but its grammar;
the worst it can do is a wrong decision about their own files.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from ...beneath import beneath, open_file, write_beneath
from ...core.jsontext import parse_json
from .words import Entry

_VERSION = 1
_HEADER_MAX = 16_384
_RECORD_MAX = 1 << 28
_RECORDS_MAX = 16
"""Runs that were killed one after the other and are looked at; more can only be a trick."""
_ENTRY = re.compile(
    rb"(100644|100755|120000|160000) ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (.+)", re.DOTALL
)
# A part that is empty, `.`, `..` or `.git`. One pattern, since it sees each of 10,000 paths.
_UNSAFE = re.compile(rb"(?:^|/)(?:\.{0,2}|\.git)(?:/|\Z)|\0|[^/]{256}", re.IGNORECASE)
_BRANCH = re.compile(r"(?!-)[^\x00-\x20\x7f~^:?*\[\\]+")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class BadRecord(ValueError):
    """Not a record of ours."""


@dataclass(frozen=True)
class Header:
    """What is known without reading the list of files.

    Attributes:
        commit: what was put there last.
        url: of which repository.
        branch: the branch we made or moved, empty if none.
        tip: where we left that branch (or the detached `HEAD`) last.
    """

    commit: str
    url: str
    branch: str
    tip: str

    @property
    def algorithm(self) -> str:
        return algorithm_of(self.commit)


def algorithm_of(commit: str) -> str:
    """The hash a repository uses, told by the length of an id."""
    return "sha256" if len(commit) == 64 else "sha1"


@dataclass(frozen=True)
class Record:
    """What was put into a project.

    Attributes:
        entries: every file by path; a submodule as itself and by the files put for it.
    """

    header: Header
    entries: dict[bytes, Entry]

    def write(self, directory: int, name: str) -> None:
        """Write it at once or not at all."""
        head = json.dumps({"version": _VERSION, **asdict(self.header)}).encode() + b"\n"
        lines = (
            b"%s %s %s %s\0" % (e.mode.encode(), e.blob.encode(), e.content.encode(), path)
            for path, e in self.entries.items()
        )
        write_beneath(directory, name, head + b"".join(lines))


def read_header(directory: int, name: str) -> Header:
    """The first line of a record.

    Raises:
        FileNotFoundError: there is none.
        BadRecord: it is not one of ours.
    """
    return _header(_read(directory, name, _HEADER_MAX).partition(b"\n")[0])


def read_record(directory: int, name: str) -> Record:
    """A whole record; errors as of :func:`read_header`."""
    content = _read(directory, name, _RECORD_MAX + 1)
    if len(content) > _RECORD_MAX:
        raise BadRecord("too large")
    first, _, rest = content.partition(b"\n")
    return Record(_header(first), dict(_entries(rest)))


def read_records(directory: int, folder: str) -> Iterator[Record]:
    """Every readable record in a folder, as far as they are not too many to be ours."""
    try:
        with beneath(directory, folder) as opened, os.scandir(opened) as names:
            for entry in islice(names, _RECORDS_MAX):
                try:
                    yield read_record(opened, entry.name)
                except (BadRecord, FileNotFoundError):
                    continue
    except (FileNotFoundError, NotADirectoryError):
        return


def _read(directory: int, name: str, limit: int) -> bytes:
    try:
        with os.fdopen(open_file(directory, os.fsencode(name)), "rb") as file:
            return file.read(limit)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BadRecord(str(error)) from error


def _header(line: bytes) -> Header:
    try:
        fields: dict[str, Any] = parse_json(line)
        if fields.pop("version") != _VERSION:
            raise BadRecord("written by another version")
        header = Header(**fields)
        if not all(isinstance(value, str) for value in asdict(header).values()):
            raise BadRecord("not all strings")
        (header.url + header.branch).encode()  # A lone surrogate could be written into no answer.
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise BadRecord(str(error)) from error
    if not (is_commit(header.commit) and is_commit(header.tip)):
        raise BadRecord("not a commit")
    if header.branch and not is_branch(header.branch):
        raise BadRecord("not a branch")
    return header


def _entries(lines: bytes) -> Iterator[tuple[bytes, Entry]]:
    for line in lines.split(b"\0")[:-1]:
        match = _ENTRY.fullmatch(line)
        if not match or not is_safe(match[4]):
            raise BadRecord("not a file")
        mode, blob, content = (match[group].decode() for group in (1, 2, 3))
        yield match[4], Entry(mode, blob, content)


def is_commit(text: str) -> bool:
    """Whether it is a full commit id."""
    return bool(_COMMIT.fullmatch(text))


def is_branch(text: str) -> bool:
    """Whether it may be the name of a branch, by the rules of Git."""
    parts = text.split("/")
    bad = ".." in text or "@{" in text or not all(parts)
    bad = bad or any(part.startswith(".") or part.endswith((".lock", ".")) for part in parts)
    return not bad and bool(_BRANCH.fullmatch(text))


def is_safe(path: bytes) -> bool:
    """Whether a path stays in the project and out of its `.git`, and can be there at all."""
    return not _UNSAFE.search(path)
