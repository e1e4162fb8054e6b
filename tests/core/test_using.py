"""What a run has used: the most memory that was seen, and all the work of processors."""

from __future__ import annotations

import pytest

from binderhub_ext.core.intervals import Key, Measured
from binderhub_ext.core.using import NONE, Use, Used

GIB = 1 << 30


@pytest.mark.parametrize(
    ("before", "use", "after"),
    [
        (NONE, Use(), NONE),
        (NONE, Use(GIB, 2.5), Used(GIB, 2.5)),
        (Used(2 * GIB, 2.0), Use(GIB, 3.0), Used(2 * GIB, 3.0)),
        (Used(GIB, 3.0), Use(2 * GIB), Used(2 * GIB, 3.0)),
        # what has ended may take its share of what was counted along
        (Used(GIB, 3.0), Use(GIB, 1.0), Used(GIB, 3.0)),
        (NONE, Use(processors=0.5), Used(None, 5.0)),
        (Used(None, 5.0), Use(processors=2.0), Used(None, 25.0)),
    ],
)
def test_it_only_grows(before: Used, use: Use, after: Used) -> None:
    assert before.and_now(use, 10) == after


def test_nobody_worked_before_it_ran() -> None:
    key = Key("ana", "s", "1")
    measured = Measured({key: Use(processors=2.0)}, {key: 30})
    assert measured.used(key, NONE, ran=4) == Used(None, 8.0)
    assert measured.used(key, NONE, ran=400) == Used(None, 60.0)
    assert measured.used(Key("bo", "s", "1"), Used(1, 1.0), ran=4) == Used(1, 1.0)
