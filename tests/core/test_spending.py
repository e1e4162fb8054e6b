"""What was used within a rolling window, when there is room again, and what it costs."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.core.spending import (
    DAY,
    HOUR,
    Prices,
    Resource,
    Stretch,
    What,
    by_day,
    room_again,
    used,
)

GIB = 2**30
NOW = 1_800_000_000.0


def server(end: float, hours: float, **more: object) -> Stretch:
    """A server that ended so many hours ago."""
    asked = {"memory": 2 * GIB, "cpu": 1.0, **more}
    return Stretch(What.SERVER, "ana", NOW - end * HOUR, hours * HOUR, **asked)  # type: ignore[arg-type]


def test_only_what_lies_in_the_window_counts() -> None:
    runs = [server(23, 4), server(0, 2), server(30, 2)]
    assert used(runs, Resource.MEMORY, NOW - DAY, NOW) == pytest.approx(2 * GIB * 3)
    assert used(runs, Resource.CPU, NOW - DAY, NOW) == pytest.approx(3)
    assert used(runs, Resource.GPU, NOW - DAY, NOW) == 0
    build = Stretch(What.BUILD, "ana", NOW, 600)
    assert used([build], Resource.BUILD, NOW - DAY, NOW) == pytest.approx(10)
    assert used([build], Resource.MEMORY, NOW - DAY, NOW) == 0


def test_when_there_is_room_again() -> None:
    runs = [server(20, 3), server(0, 2)]
    asked = {"window": DAY, "now": NOW}
    # the first hour of the older run leaves the window 23 hours after it began
    assert room_again(runs, Resource.CPU, limit=4, **asked) == pytest.approx(NOW + 2 * HOUR)
    assert room_again(runs, Resource.CPU, limit=6, **asked) == NOW
    assert room_again([], Resource.CPU, limit=6, **asked) == NOW


STRETCHES = st.lists(
    st.builds(
        Stretch,
        st.just(What.SERVER),
        st.just("ana"),
        st.floats(NOW - 3 * DAY, NOW),
        st.floats(0, 2 * DAY),
        st.integers(0, 8 * GIB),
        st.floats(0.1, 8),
    ),
    max_size=12,
)


@given(STRETCHES, st.floats(0.5, 50))
def test_the_time_that_is_told_is_the_first_with_room(runs: list[Stretch], limit: float) -> None:
    told = room_again(runs, Resource.CPU, limit=limit, window=DAY, now=NOW)
    assert NOW <= told <= NOW + DAY + 1
    later = used(runs, Resource.CPU, told + 1 - DAY, told + 1)
    assert later <= limit + 1e-6
    if told > NOW + 2:
        assert used(runs, Resource.CPU, told - 2 - DAY, told - 2) >= limit - 1e-6


@given(STRETCHES)
def test_days_have_all_of_it_and_nothing_twice(runs: list[Stretch]) -> None:
    for one in runs:
        days = dict(by_day(one, NOW - 10 * DAY, NOW))
        assert sum(days.values()) == pytest.approx(one.seconds, abs=1e-3)
        assert all(0 < seconds <= DAY for seconds in days.values())


def test_days_are_those_of_utc() -> None:
    midnight = NOW // DAY * DAY
    one = Stretch(What.SERVER, "ana", midnight + 60, 120)
    assert list(by_day(one, 0, NOW)) == [(date(2027, 1, 14), 60), (date(2027, 1, 15), 60)]


def test_prices() -> None:
    prices = Prices({"large": 1.5}, memory=0.01, cpu=0.1, gpu=2, build=0.5, storage=0.02)
    assert prices.hour(size="", memory=4 * GIB, cpu=2, gpu=0) == pytest.approx(0.24)
    assert prices.of(server(0, 2, size="large"), 1800) == pytest.approx(0.75)
    assert prices.of(Stretch(What.BUILD, "ana", NOW, 120), 120) == pytest.approx(1)
    assert prices.of_storage(5 * GIB) == pytest.approx(0.1)
    assert prices and not Prices({})
