"""The three-way decision for one file. Pure.

The three are the base (what we put there last), what is there now, and what is incoming. After
a sync that was killed there are several bases: every version we may have put there, and first of
all that of the last sync that ended.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .words import EXECUTABLE, LINK, REGULAR, Entry, Found, Keep, Kind, What


def matches(current: Found, entry: Entry | None) -> bool:
    """Whether what is there is exactly this, the executable bit aside."""
    if entry is None:
        return current.kind in (Kind.ABSENT, Kind.BLOCKED)
    if entry.mode == LINK:
        return current.kind is Kind.LINK and current.content == entry.content
    return current.kind is Kind.FILE and current.content == entry.content


def decide(
    bases: Sequence[Entry | None], current: Found, incoming: Entry | None, keep: Keep
) -> What:
    """What to do about a path.

    Returns:
        `ADDED`: put the incoming file where nothing is. `UPDATED`, `REMOVED`: what is there is
        ours. `MODE`: only its executable bit changes. `BESIDE`: leave what is there and put the
        incoming file beside it. `ASIDE`: move what is there beside and let the incoming have
        its name. `KEPT`, `KEPT_DELETED`: leave the person's. `NOTHING`: it is as it should be.
    """
    if incoming is None:
        return _incoming_is_gone(bases, current, keep)
    if matches(current, incoming):
        return What.MODE if _wanted_mode(bases, current, incoming) else What.NOTHING
    untouched = any(matches(current, base) for base in bases)
    if current.kind is Kind.ABSENT:
        return What.ADDED if untouched or keep is Keep.THEIRS else What.KEPT_DELETED
    if untouched and current.kind is not Kind.BLOCKED:
        return What.UPDATED
    return _conflict(bases[0], incoming, keep)


def executable(bases: Collection[Entry | None], current: Found, incoming: Entry) -> bool:
    """The executable bit of an updated file: the incoming one unless the person changed it."""
    wanted = incoming.mode == EXECUTABLE
    if current.kind is not Kind.FILE:
        return wanted
    ours = [base.mode == EXECUTABLE for base in bases if base and base.mode in REGULAR]
    return wanted if current.executable in ours else current.executable


def _incoming_is_gone(bases: Collection[Entry | None], current: Found, keep: Keep) -> What:
    if current.kind in (Kind.ABSENT, Kind.BLOCKED, Kind.DIRECTORY):
        return What.NOTHING
    if any(matches(current, base) for base in bases):
        return What.REMOVED
    return What.ASIDE if keep is Keep.THEIRS else What.KEPT


def _conflict(settled: Entry | None, incoming: Entry, keep: Keep) -> What:
    # What a sync that was killed was bringing is still news: it may not have told the person.
    if not _news(settled, incoming) and keep is not Keep.THEIRS:
        return What.KEPT
    match keep:
        case Keep.MINE:
            return What.KEPT
        case Keep.BOTH:
            return What.BESIDE
        case Keep.THEIRS:
            return What.ASIDE


def _news(settled: Entry | None, incoming: Entry) -> bool:
    """Whether the other side changed more than the executable bit."""
    return settled is None or settled.content != incoming.content


def _wanted_mode(bases: Collection[Entry | None], current: Found, incoming: Entry) -> bool:
    return current.kind is Kind.FILE and executable(bases, current, incoming) != current.executable
