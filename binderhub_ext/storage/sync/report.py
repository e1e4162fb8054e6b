"""What a sync did, for programs, for people and as a note in the project."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

from ...core.updates import FileChange, Update, notes_fields, printable
from ...core.versions import short_id
from .words import Change, Report, SyncError, What

_TOLD_BY_NOTE = (What.BESIDE, What.ASIDE, What.RESCUED, What.KEPT)


def to_json(outcome: Report | SyncError) -> str:
    """The outcome as one line of JSON. Bytes of names that are no UTF-8 are surrogates."""
    return json.dumps(_fields(outcome))


def _fields(outcome: Report | SyncError) -> dict[str, Any]:
    if isinstance(outcome, SyncError):
        said = {"error": outcome.code, "message": outcome.message, "detail": outcome.detail}
        return {**said, **outcome.message.data}
    return {
        "state": str(outcome.state),
        "commit": outcome.commit,
        "previous": outcome.previous,
        "message": outcome.message,
        **outcome.message.data,
        "counts": dict(Counter(str(change.what) for change in outcome.changes)),
        "changes": [_change(change) for change in _sorted(outcome)],
        **notes_fields(outcome.notes),
        "edited": [os.fsdecode(path) for path in sorted(outcome.edited)],
    }


def _change(change: Change) -> dict[str, str]:
    fields = {"path": os.fsdecode(change.path), "what": str(change.what)}
    return fields | ({"other": os.fsdecode(change.other)} if change.other else {})


def to_text(report: Report) -> str:
    """The outcome for a terminal."""
    return Update.from_fields(_fields(report)).text()


def note(report: Report) -> str:
    """The note left in the folder when something needs a person's eye; empty if nothing does."""
    changes = [change for change in _sorted(report) if change.what in _TOLD_BY_NOTE]
    if not changes:
        return ""
    lines = [
        f"# Update to {short_id(report.commit)}",
        "",
        "You and the repository changed the same files. Nothing of yours was lost.",
        "Compare, keep what you want and delete this note.",
        "",
        *(f"- `{_name(change.path)}`: {_words(change)}" for change in changes),
    ]
    return "\n".join([*lines, ""])


def _words(change: Change) -> str:
    return FileChange(os.fsdecode(change.path), change.what, os.fsdecode(change.other)).words


def _name(path: bytes) -> str:
    return printable(os.fsdecode(path))


def _sorted(report: Report) -> list[Change]:
    return sorted(report.changes, key=lambda change: change.path)
