"""What an update of a project did, or would do: for people, programs and pages. Pure.

Little is imported, since the program that updates projects imports this at each start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

from .sentences import NOTHING, Sentence, fixed, listing
from .versions import short_id

COUNTED = 50
"""New commits that are counted; of more it is said that there are more."""

LISTED = 200
"""Files of an update that people are shown by name; of more, how many there are."""


def new_commits(count: int | None) -> Sentence:
    """How many commits are new where a branch stands for another commit than before.

    Args:
        count: their number, any above `COUNTED` for more; none if it is not known.
    """
    if count is None:
        return Sentence("new commits")
    if count > COUNTED:
        return Sentence("more than {count} new commits", count=COUNTED)
    if not count:
        return Sentence("an earlier commit")
    return Sentence.counted("{count} new commit", "{count} new commits", count=count)


class Keep(StrEnum):
    """Whose version has the file's name where both sides changed it. Nobody's is lost."""

    MINE = "mine"
    THEIRS = "theirs"
    BOTH = "both"


class What(StrEnum):
    """What is done about a path."""

    NOTHING = "nothing"
    ADDED = "added"
    UPDATED = "updated"
    REMOVED = "removed"
    MODE = "mode"
    KEPT = "kept"
    KEPT_DELETED = "kept-deleted"
    BESIDE = "beside"
    ASIDE = "aside"
    RESCUED = "rescued"


class State(StrEnum):
    """How a sync ended."""

    CREATED = "created"
    UNCHANGED = "unchanged"
    UPDATED = "updated"
    UNTOUCHED = "untouched"


_TELLING = (State.UPDATED, State.UNTOUCHED, State.CREATED, State.UNCHANGED)
"""Which of several is told of first."""

CHOICES: Mapping[Keep, tuple[Sentence, Sentence]] = MappingProxyType(
    {
        Keep.BOTH: (
            Sentence("Side by side"),
            Sentence("Your version keeps its name; the incoming one is put beside it."),
        ),
        Keep.MINE: (
            Sentence("Keep mine"),
            Sentence("Your version stays, and the incoming one is left out."),
        ),
        Keep.THEIRS: (
            Sentence("Take theirs"),
            Sentence(
                "The incoming version gets the name; yours is put beside it, and what you deleted "
                "comes back."
            ),
        ),
    }
)
"""What a person may choose, with a title and a sentence; the first is the default."""

CONFLICTS = (What.BESIDE, What.ASIDE, What.RESCUED, What.KEPT, What.KEPT_DELETED)
"""What somebody should know of. All but `RESCUED` would be different with another choice."""

_DONE = {
    What.ADDED: fixed("new"),
    What.UPDATED: fixed("updated"),
    What.REMOVED: fixed("removed, as in the repository"),
    What.MODE: fixed("executable bit changed"),
    What.KEPT: fixed("changed by you: yours stays"),
    What.KEPT_DELETED: fixed("deleted by you: stays deleted"),
    What.BESIDE: fixed("changed by you: yours stays, the repository's is {other}"),
    What.ASIDE: fixed("taken from the repository, yours is {other}"),
    What.RESCUED: fixed("was written to during the last update, that version is {other}"),
}

_PLANNED = {
    What.ADDED: fixed("new"),
    What.UPDATED: fixed("changed in the repository"),
    What.REMOVED: fixed("removed from the repository"),
    What.MODE: fixed("executable bit changed in the repository"),
    What.KEPT: fixed("changed by you, removed or only its mode changed in the repository"),
    What.KEPT_DELETED: fixed("deleted by you, changed in the repository"),
    What.BESIDE: fixed("changed by you and in the repository"),
}

_COUNTED = {
    What.ADDED: fixed("{files} new"),
    What.UPDATED: fixed("{files} updated"),
    What.REMOVED: fixed("{files} removed"),
    What.MODE: fixed("{files} with another mode"),
    What.KEPT: fixed("{files} kept as you have it"),
    What.KEPT_DELETED: fixed("{files} you deleted left out"),
    What.BESIDE: fixed("{files} with the incoming version beside yours"),
    What.ASIDE: fixed("{files} with your version beside the incoming one"),
    What.RESCUED: fixed("{files} brought back"),
}


_COUNTED_BEFORE = {
    What.KEPT: fixed("{files} you changed removed there"),
    What.KEPT_DELETED: fixed("{files} you deleted changed there"),
    What.BESIDE: fixed("{files} changed on both sides"),
}


@dataclass(frozen=True)
class FileChange:
    """What was, or would be, done about one file.

    Attributes:
        path: relative to the project; bytes that are no UTF-8 are surrogates, as `os.fsdecode`
            makes them.
        other: where the other version is, for `BESIDE` (the incoming one), `ASIDE` and
            `RESCUED` (the person's).
    """

    path: str
    what: What
    other: str = ""

    @property
    def words(self) -> Sentence:
        """What was done, after the file's name and a colon."""
        return _about(_DONE.get(self.what, ""), self.other)

    @property
    def planned(self) -> Sentence:
        """What the two sides have done to the file, for a person who has to choose."""
        text = _PLANNED.get(self.what)
        return Sentence(text) if text else self.words


@dataclass(frozen=True)
class Update:
    """What a whole update did or would do.

    Attributes:
        commit: the project has now, or would have.
        previous: the commit it had before, empty for a new project.
        message: for `UNTOUCHED`, the reason as a sentence.
        changes: per file; only what is worth telling, and perhaps not all (see `counts`).
        notes: further sentences.
        edited: for an update that was only planned, the repository's files the person changed.
        counts: how many files had each thing done to them.
    """

    state: State
    commit: str
    previous: str = ""
    message: Sentence = NOTHING
    changes: tuple[FileChange, ...] = ()
    notes: tuple[Sentence, ...] = ()
    edited: tuple[str, ...] = ()
    counts: Mapping[What, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def conflicts(self) -> int:
        """How many files a person should look at or choose for."""
        return sum(count for what, count in self.counts.items() if what in CONFLICTS)

    @property
    def unlisted(self) -> int:
        """How many changes are only counted."""
        return max(sum(self.counts.values()) - len(self.changes), 0)

    @property
    def sentence(self) -> Sentence:
        """The update in one sentence."""
        commit = short_id(self.commit)
        match self.state:
            case State.CREATED:
                files = _files(sum(self.counts.values()))
                return Sentence("Your project is at {commit}, {files}.", commit=commit, files=files)
            case State.UNCHANGED:
                return Sentence("Your project is at {commit} already.", commit=commit)
            case State.UNTOUCHED:
                return Sentence("Your project was left as it is. {why}", why=self.message)
        return Sentence(
            "Your project went from {previous} to {commit}: {summary}.",
            previous=short_id(self.previous),
            commit=commit,
            summary=self.summary,
        )

    @property
    def summary(self) -> Sentence:
        """How many files, by what was done to them."""
        return self._counted(_COUNTED) or Sentence("no file had to change")

    @property
    def planned_summary(self) -> Sentence:
        """How many files, by what the two sides have done to them."""
        return self._counted({**_COUNTED, **_COUNTED_BEFORE}) or Sentence("no file has to change")

    def _counted(self, texts: Mapping[What, str]) -> Sentence:
        return listing(
            Sentence(text, files=_files(count))
            for what, text in texts.items()
            if (count := self.counts.get(what))
        )

    def text(self, *, planned: bool = False) -> str:
        """All of it for a terminal.

        Args:
            planned: whether it was only found out and not done.
        """
        lines = [f"Nothing was done yet: {self.planned_summary}." if planned else self.sentence]
        if self.state is State.UPDATED:
            lines += [
                f"  {printable(change.path)}: {change.planned if planned else change.words}"
                for change in self.changes
            ]
        return "\n".join([*lines, *self.notes])

    def clipped(self, most: int = LISTED) -> Update:
        """The same with at most so many files listed: first those a person should look at."""
        ordered = sorted(self.changes, key=lambda change: change.what not in CONFLICTS)
        return replace(self, changes=tuple(ordered[:most]), edited=self.edited[:most])

    def to_fields(self) -> dict[str, Any]:
        """Plain values for JSON and pages: every name printable, with words for people."""
        return {
            "state": str(self.state),
            "commit": self.commit,
            "previous": self.previous,
            "message": self.message,
            **self.message.data,
            "sentence": self.sentence,
            "summary": self.summary,
            "planned_summary": self.planned_summary,
            "counts": {str(what): count for what, count in self.counts.items()},
            "unlisted": self.unlisted,
            "changes": [_change_fields(change) for change in self.changes],
            **notes_fields(self.notes),
            "edited": [printable(path) for path in self.edited],
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Update:
        """From what the program prints, or :meth:`to_fields`; words in it are not read.

        Raises:
            ValueError: it is something else.
        """
        try:
            return cls(
                state=State(fields["state"]),
                commit=str(fields["commit"]),
                previous=str(fields["previous"]),
                message=Sentence.received(str(fields["message"]), fields),
                changes=tuple(map(_read_change, fields["changes"])),
                notes=_read_notes(fields),
                edited=_texts(fields.get("edited", ())),
                counts={What(what): int(n) for what, n in dict(fields["counts"]).items()},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not the report of an update: {error}") from error


def printable(name: str) -> str:
    """A file's name without anything that could play tricks on a terminal or a page."""
    return "".join(char if char.isprintable() else _escaped(char) for char in name)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else ascii(char)[1:-1]


def together(updates: Sequence[tuple[str, Update]]) -> Update | None:
    """What happened to all projects of a launch, as if it were one; `None` for nothing.

    Args:
        updates: each with the folder of the first one in which its files appear; empty for that
            one itself.
    """
    moved = [_moved(update, place) for place, update in updates]
    if not moved:
        return None
    told = min(moved, key=lambda update: _TELLING.index(update.state))
    left = [u.sentence for u in moved if u is not told and u.state is State.UNTOUCHED]
    return replace(
        told,
        changes=tuple(change for update in moved for change in update.changes),
        notes=(*(note for update in moved for note in update.notes), *left),
        edited=tuple(path for update in moved for path in update.edited),
        counts=dict(sum((Counter(update.counts) for update in moved), Counter[What]())),
    )


def _moved(update: Update, place: str) -> Update:
    """The same with paths as they are in the working directory."""
    if not place:
        return update

    def inside(path: str) -> str:
        return f"{place}/{path}" if path else ""

    changes = tuple(
        replace(change, path=inside(change.path), other=inside(change.other))
        for change in update.changes
    )
    return replace(update, changes=changes, edited=tuple(map(inside, update.edited)))


def needs_choice(update: Update) -> bool:
    """Whether another choice of :class:`Keep` would give another outcome."""
    return update.state is State.UPDATED and update.conflicts > 0


def _change_fields(change: FileChange) -> dict[str, str | bool]:
    return {
        "path": printable(change.path),
        "what": str(change.what),
        "other": printable(change.other),
        "words": change.words,
        "planned": change.planned,
        "conflict": change.what in CONFLICTS,
    }


def _read_change(fields: Mapping[str, Any]) -> FileChange:
    return FileChange(str(fields["path"]), What(fields["what"]), str(fields.get("other", "")))


def notes_fields(notes: Iterable[Sentence]) -> dict[str, Any]:
    """Notes as plain values: their words, and what these were made of."""
    return {"notes": list(notes), "notes_data": [note.data for note in notes]}


def _read_notes(fields: Mapping[str, Any]) -> tuple[Sentence, ...]:
    """What :func:`notes_fields` gives, also of a version that told words alone."""
    words, data = _texts(fields["notes"]), fields.get("notes_data") or ()
    return tuple(
        Sentence.received(note, made_of or {})
        for note, made_of in zip_longest(words, data[: len(words)])
    )


def _texts(values: Collection[Any] | Iterable[Any]) -> tuple[str, ...]:
    if isinstance(values, str | bytes | Mapping):
        raise TypeError("not a list")
    return tuple(map(str, values))


def _about(text: str, other: str) -> Sentence:
    return Sentence(text, other=printable(other)) if "{other}" in text else Sentence(text)


def _files(count: int) -> Sentence:
    return Sentence.counted("{count} file", "{count} files", count=count)
