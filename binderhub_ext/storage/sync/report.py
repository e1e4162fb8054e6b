"""What a sync did, for programs, for people and as a note in the project."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

from .words import Change, Report, State, SyncError, What

CONFLICTS = (What.BESIDE, What.ASIDE, What.RESCUED, What.KEPT)

_WORDS = {
    What.ADDED: "new",
    What.UPDATED: "updated",
    What.REMOVED: "removed, as in the repository",
    What.MODE: "executable bit changed",
    What.KEPT: "changed by you: yours stays",
    What.KEPT_DELETED: "deleted by you: stays deleted",
    What.BESIDE: "changed by you: yours stays, the repository's is {other}",
    What.ASIDE: "taken from the repository, yours is {other}",
    What.RESCUED: "was written to during the last update, that version is {other}",
}


def to_json(outcome: Report | SyncError) -> str:
    """The outcome as one line of JSON. Bytes of names that are no UTF-8 are surrogates."""
    return json.dumps(_fields(outcome))


def _fields(outcome: Report | SyncError) -> dict[str, Any]:
    if isinstance(outcome, SyncError):
        return {"error": outcome.code, "message": outcome.message, "detail": outcome.detail}
    return {
        "state": str(outcome.state),
        "commit": outcome.commit,
        "previous": outcome.previous,
        "message": outcome.message,
        "counts": dict(Counter(str(change.what) for change in outcome.changes)),
        "changes": [_change(change) for change in _sorted(outcome)],
        "notes": outcome.notes,
    }


def _change(change: Change) -> dict[str, str]:
    fields = {"path": os.fsdecode(change.path), "what": str(change.what)}
    return fields | ({"other": os.fsdecode(change.other)} if change.other else {})


def to_text(report: Report) -> str:
    """The outcome for a terminal."""
    heads = {
        State.CREATED: f"The project is at {report.commit[:7]}, {len(report.changes)} files.",
        State.UNCHANGED: f"The project is at {report.commit[:7]} already.",
        State.UPDATED: f"The project went from {report.previous[:7]} to {report.commit[:7]}.",
        State.UNTOUCHED: "The folder was left as it is.",
    }
    lines = [heads[report.state]]
    lines += [report.message] if report.message else []
    if report.state is State.UPDATED:
        lines += [f"  {_name(change.path)}: {_words(change)}" for change in _sorted(report)]
    return "\n".join([*lines, *report.notes])


def note(report: Report) -> str:
    """The note left in the folder when something needs a person's eye; empty if nothing does."""
    changes = [change for change in _sorted(report) if change.what in CONFLICTS]
    if not changes:
        return ""
    lines = [
        f"# Update to {report.commit[:7]}",
        "",
        "You and the repository changed the same files. Nothing of yours was lost.",
        "Compare, keep what you want and delete this note.",
        "",
        *(f"- `{_name(change.path)}`: {_words(change)}" for change in changes),
    ]
    return "\n".join([*lines, ""])


def _words(change: Change) -> str:
    return _WORDS[change.what].format(other=_name(change.other))


def _name(path: bytes) -> str:
    """A file's name without anything that could play tricks on a terminal."""
    text = path.decode(errors="backslashreplace")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _sorted(report: Report) -> list[Change]:
    return sorted(report.changes, key=lambda change: change.path)
