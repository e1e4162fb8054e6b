"""Bring a project to another commit, file by file, with the person's version always kept.

Steps, each of which can be done a second time:

| killed                                      | the next update                               |
|---------------------------------------------|-----------------------------------------------|
| before there is a record in `pending/`      | begins: nothing was changed                   |
| while files are moved (see :mod:`.journal`) | knows from `pending/` what may have been put  |
| after the note                              | finds the same note there and leaves it       |
| while Git is told (see :mod:`.dotgit`)      | knows from `pending/` where `HEAD` may be     |
| after `record` was replaced                 | finds nothing to do, and removes `pending/`   |
| before the scratch folder is gone           | has nothing to do but to remove it            |
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from hashlib import sha256

from ...beneath import beneath, lstat_beneath, mkdir_beneath, write_beneath
from ...core.sentences import Sentence
from ..trees import remove_beneath
from .apply import FileChanger
from .create import has_attributes
from .dotgit import advance
from .folder import PENDING, RECORD, STORE, Place
from .git import FILES, Scratch
from .journal import MOVING, REPLACED, Journal
from .lines import LIST
from .plan import Plan, edited
from .record import BadRecord, Header, Record, algorithm_of, read_record, read_records
from .report import note
from .words import SUBMODULE, Change, Entry, Report, Request, State, SyncError, placed

_FLAT = "flat"
_NOTE = "note"


def update(where: Place, scratch: Scratch, request: Request) -> Report:
    """Bring a project that we made to a commit.

    Raises:
        SyncError: it could not be done; run it again.
    """
    try:
        with beneath(where.parent, where.name) as project, beneath(project, STORE) as store:
            _check(store)
            return _Update(scratch, request, project, store).run()
    except (BadRecord, IsADirectoryError):
        why = Sentence(
            "The record of what was put into this project is damaged, so it was left as it is. "
            "To get the repository's files, rename the folder and launch again."
        )
        return Report(State.UNTOUCHED, request.commit, why)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SyncError(
            "changed-meanwhile",
            "The project was changed while it was brought up to date. Launch again.",
            str(error),
        ) from error


class _Update:
    """One run over one project."""

    def __init__(self, scratch: Scratch, request: Request, project: int, store: int) -> None:
        self._scratch, self._request = scratch, request
        self._project, self._store = project, store
        base = read_record(store, RECORD)
        self._header = base.header
        self._bases = [base, *read_records(store, PENDING)]
        """The records of everything we may have put there."""
        self._incoming = self._prepare()

    def run(self) -> Report:
        report = Report(State.UPDATED, self._request.commit, previous=self._header.commit)
        if self._request.plan:
            foreseen = Plan(self._project, self._algorithm, self._request.keep)
            report.changes += foreseen.begin(self._store, self._label)
            report.changes += self._changes(foreseen)
            report.edited += edited(self._project, self._bases, self._algorithm)
            return report
        self._begin()
        self._bring(report)
        self._end(report)
        return report

    @property
    def _label(self) -> bytes:
        return f"mine-{self._request.short}".encode()

    @property
    def _algorithm(self) -> str:
        return algorithm_of(self._request.commit)

    def _prepare(self) -> dict[bytes, Entry]:
        """Have the incoming files that matter at hand; gives the list of all of them."""
        self._scratch.unpack()
        entries = self._scratch.list_all(_FLAT)
        changed = {path: entry for path, entry in entries.items() if self._differs(path, entry)}
        self._scratch.check_out(_FLAT, (p for p, e in changed.items() if e.mode != SUBMODULE))
        if has_attributes(entries):
            changed = self._scratch.with_contents(changed)
        known = self._bases[0].entries
        return {path: changed.get(path) or known[path] for path in entries}

    def _differs(self, path: bytes, incoming: Entry) -> bool:
        return any(not _same(base.entries.get(path), incoming) for base in self._bases)

    def _begin(self) -> None:
        """From here on a killed run is recognised by the next one."""
        mkdir_beneath(self._store, PENDING, 0o700)
        with beneath(self._store, PENDING) as pending:
            # Where `HEAD` will be if nobody else moves it; `dotgit` tells the two apart.
            record = self._record(self._request.branch, self._request.commit)
            record.write(pending, _pending_name(self._request))

    def _bring(self, report: Report) -> None:
        journal = Journal(self._store, self._project, self._algorithm, self._label)
        report.changes += journal.begin()
        with beneath(self._scratch.directory, FILES) as files:
            changer = FileChanger(self._project, files, journal, self._request, self._algorithm)
            report.changes += self._changes(changer)
            report.changes = placed([*report.changes, *journal.rescued])
            self._leave_note(changer, report)
        journal.end()

    def _end(self, report: Report) -> None:
        branch, tip, notes = advance(
            self._project, self._scratch, self._request, self._bases, self._incoming
        )
        report.notes += notes
        self._record(branch, tip).write(self._store, RECORD)
        remove_beneath(self._store, PENDING)

    def _record(self, branch: str, tip: str) -> Record:
        header = Header(self._request.commit, self._header.url, branch, tip)
        return Record(header, self._incoming)

    def _wanted(self) -> Iterator[tuple[bytes, Entry | None]]:
        """Files that are gone, new or changed in the commit.

        What is gone makes room first: a file may become a folder, a name change its case.
        """
        known = {path for base in self._bases for path in base.entries}
        for path in sorted(known - set(self._incoming)):
            yield path, None
        for path, entry in self._incoming.items():
            if self._differs(path, entry):
                yield path, entry

    def _changes(self, changer: FileChanger | Plan) -> Iterator[Change]:
        for path, incoming in self._wanted():
            if any(e and e.mode == SUBMODULE for e in self._bases_of(path)):
                changer.leave_submodule(path)
            if incoming and incoming.mode == SUBMODULE:
                if None in self._bases_of(path):
                    changer.make_submodule(path)
            else:
                yield from changer.bring(path, self._files_of(path), incoming)

    def _bases_of(self, path: bytes) -> list[Entry | None]:
        return [base.entries.get(path) for base in self._bases]

    def _files_of(self, path: bytes) -> list[Entry | None]:
        """A submodule is no file: its place may be taken if it is empty."""
        return [e if e and e.mode != SUBMODULE else None for e in self._bases_of(path)]

    def _leave_note(self, changer: FileChanger, report: Report) -> None:
        if text := note(report):
            name = f"incoming-{self._request.short}.md"
            scratch = self._scratch.directory
            write_beneath(scratch, _NOTE, text.encode())
            os.rename(_NOTE, f"{FILES}/{name}", src_dir_fd=scratch, dst_dir_fd=scratch)
            changer.leave_note(name.encode())


def _check(store: int) -> None:
    """Raises `BadRecord` unless everything of ours is of the kind that we made."""
    for name in (PENDING, MOVING, REPLACED):
        if (status := lstat_beneath(store, name)) and not stat.S_ISDIR(status.st_mode):
            raise BadRecord(name)
        if (status := lstat_beneath(store, f"{name}/{LIST}")) and not stat.S_ISREG(status.st_mode):
            raise BadRecord(f"{name}/{LIST}")
    if (status := lstat_beneath(store, f"{RECORD}.new")) and stat.S_ISDIR(status.st_mode):
        raise BadRecord(f"{RECORD}.new")


def _pending_name(request: Request) -> str:
    """One per commit and branch: a commit may be launched again by another one."""
    return sha256(f"{request.commit} {request.branch}".encode()).hexdigest()


def _same(one: Entry | None, two: Entry) -> bool:
    return one is not None and (one.mode, one.blob) == (two.mode, two.blob)
