"""Bring a project to another commit, file by file, with the person's version always kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from ..beneath import beneath, mkdir_beneath, write_beneath
from ..trees import remove_beneath
from .apply import Hands
from .create import has_attributes
from .dotgit import advance
from .files import remove_empty
from .folder import PENDING, RECORD, STORE, Place
from .git import FILES, Scratch
from .journal import Journal
from .plan import edited, plan
from .record import BadRecord, Header, Record, algorithm_of, read_record, read_records
from .report import note
from .words import SUBMODULE, Change, Entry, Report, Request, State, SyncError

_FLAT = "flat"
_NOTE = "note"


def update(where: Place, scratch: Scratch, request: Request) -> Report:
    """Bring a project that we made to a commit.

    Raises:
        SyncError: it could not be done; run it again.
    """
    try:
        with beneath(where.parent, where.name) as project, beneath(project, STORE) as store:
            return _Update(scratch, request, project, store).run()
    except BadRecord:
        words = (
            "The record of what was put into this project is damaged, so it was left as it is. "
            "To get the repository's files, rename the folder and launch again."
        )
        return Report(State.UNTOUCHED, request.commit, words)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SyncError(
            "changed-meanwhile",
            "The project was changed while it was brought up to date. Launch it again.",
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
            report.changes += plan(
                self._project, self._files_of, self._wanted(), self._request.keep, self._algorithm
            )
            report.edited += edited(self._project, self._bases, self._algorithm)
            return report
        self._begin()
        self._bring(report)
        self._end(report)
        return report

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
            header = self._header
            self._record(header.branch, header.tip).write(pending, self._request.commit)

    def _bring(self, report: Report) -> None:
        label = f"mine-{self._request.short}".encode()
        journal = Journal(self._store, self._project, self._algorithm, label)
        report.changes += journal.begin()
        with beneath(self._scratch.directory, FILES) as files:
            hands = Hands(self._project, files, journal, self._request, self._algorithm)
            report.changes += self._changes(hands)
            self._leave_note(hands, report)
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

    def _changes(self, hands: Hands) -> Iterator[Change]:
        for path, incoming in self._wanted():
            if any(e and e.mode == SUBMODULE for e in self._bases_of(path)):
                remove_empty(self._project, path)
            if incoming and incoming.mode == SUBMODULE:
                self._make_submodule(path)
            elif change := hands.bring(path, self._files_of(path), incoming):
                yield change

    def _bases_of(self, path: bytes) -> list[Entry | None]:
        return [base.entries.get(path) for base in self._bases]

    def _files_of(self, path: bytes) -> list[Entry | None]:
        """A submodule is no file: its place may be taken if it is empty."""
        return [e if e and e.mode != SUBMODULE else None for e in self._bases_of(path)]

    def _make_submodule(self, path: bytes) -> None:
        if None in self._bases_of(path):
            with suppress(NotADirectoryError):
                mkdir_beneath(self._project, path)

    def _leave_note(self, hands: Hands, report: Report) -> None:
        if text := note(report):
            name = f"incoming-{self._request.short}.md"
            scratch = self._scratch.directory
            write_beneath(scratch, _NOTE, text.encode())
            os.rename(_NOTE, f"{FILES}/{name}", src_dir_fd=scratch, dst_dir_fd=scratch)
            hands.leave_note(name.encode())


def _same(one: Entry | None, two: Entry) -> bool:
    return one is not None and (one.mode, one.blob) == (two.mode, two.blob)
