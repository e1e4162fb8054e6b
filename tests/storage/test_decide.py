"""The three-way decision for one file, as a table."""

import pytest

from binderhub_ext.storage.sync.decide import decide, executable
from binderhub_ext.storage.sync.words import Entry, Found, Keep, Kind, What

MINE, THEIRS, BOTH = Keep.MINE, Keep.THEIRS, Keep.BOTH
A, B, C = (Entry("100644", name * 40, name * 40) for name in "abc")
AX = Entry("100755", A.blob, A.content)
LINK = Entry("120000", A.blob, A.content)
CRLF = Entry("100644", A.blob, C.content)

NOTHING_THERE = Found(Kind.ABSENT)
HAS_A, HAS_B, HAS_C = (Found(Kind.FILE, entry.content) for entry in (A, B, C))
HAS_AX = Found(Kind.FILE, A.content, executable=True)
HAS_LINK = Found(Kind.LINK, A.content)
FOLDER, PIPE = Found(Kind.DIRECTORY), Found(Kind.OTHER)
BLOCKED = Found(Kind.BLOCKED, blocker=b"a")


@pytest.mark.parametrize(
    ("bases", "found", "incoming", "both", "mine", "theirs"),
    [
        # Only the other side changed.
        ([A], HAS_A, B, "updated", "updated", "updated"),
        ([A], HAS_A, None, "removed", "removed", "removed"),
        ([None], NOTHING_THERE, B, "added", "added", "added"),
        ([A], HAS_AX, B, "updated", "updated", "updated"),
        ([A], HAS_A, LINK, "updated", "updated", "updated"),
        ([LINK], HAS_LINK, B, "updated", "updated", "updated"),
        ([A], HAS_A, AX, "mode", "mode", "mode"),
        ([CRLF], HAS_C, B, "updated", "updated", "updated"),
        # Both did the same.
        ([A], HAS_B, B, "nothing", "nothing", "nothing"),
        ([A], NOTHING_THERE, None, "nothing", "nothing", "nothing"),
        ([None], HAS_B, B, "nothing", "nothing", "nothing"),
        # Both changed it.
        ([A], HAS_C, B, "beside", "kept", "aside"),
        ([A], HAS_LINK, B, "beside", "kept", "aside"),
        ([A], PIPE, B, "beside", "kept", "aside"),
        ([A], FOLDER, B, "beside", "kept", "aside"),
        ([A], BLOCKED, B, "beside", "kept", "aside"),
        ([A], HAS_C, None, "kept", "kept", "aside"),
        ([A], PIPE, None, "kept", "kept", "aside"),
        ([A], HAS_C, AX, "kept", "kept", "aside"),
        # Something untracked is in the way.
        ([None], HAS_C, B, "beside", "kept", "aside"),
        ([None], FOLDER, B, "beside", "kept", "aside"),
        ([None], BLOCKED, B, "beside", "kept", "aside"),
        # The person deleted it.
        ([A], NOTHING_THERE, B, "kept-deleted", "kept-deleted", "added"),
        ([A], BLOCKED, None, "nothing", "nothing", "nothing"),
        ([A], FOLDER, None, "nothing", "nothing", "nothing"),
        # A killed run may have put either.
        ([A, B], HAS_B, C, "updated", "updated", "updated"),
        ([A, B], HAS_A, C, "updated", "updated", "updated"),
        ([A, None], NOTHING_THERE, C, "added", "added", "added"),
        ([None, B], NOTHING_THERE, C, "added", "added", "added"),
        ([None, B], HAS_B, None, "removed", "removed", "removed"),
    ],
)
def test_table(
    bases: list[Entry | None],
    found: Found,
    incoming: Entry | None,
    both: str,
    mine: str,
    theirs: str,
) -> None:
    decided = [decide(bases, found, incoming, keep) for keep in (BOTH, MINE, THEIRS)]
    assert decided == [What(both), What(mine), What(theirs)]


@pytest.mark.parametrize(
    ("bases", "found", "incoming", "wanted"),
    [
        ([A], HAS_A, B, False),
        ([A], HAS_A, AX, True),
        ([A], HAS_AX, B, True),
        ([AX], HAS_A, AX, False),
        ([AX], HAS_AX, B, False),
        ([None], NOTHING_THERE, AX, True),
        ([None], HAS_AX, A, True),
        ([LINK], HAS_LINK, AX, True),
    ],
)
def test_executable_bit(
    bases: list[Entry | None], found: Found, incoming: Entry, wanted: bool
) -> None:
    assert executable(bases, found, incoming) is wanted
