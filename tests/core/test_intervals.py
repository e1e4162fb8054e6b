"""Intervals of servers: clocks that jump, looks that fail, servers that come and go."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from binderhub_ext.core.intervals import Key, Open, Reading, look

KEY = Key("ana", "mine", "2026-11-28T10:00:00Z")


def at(ticks: float, *, wall: float | None = None, boot: str = "b") -> Reading:
    return Reading(1000 + ticks if wall is None else wall, boot, ticks)


def test_the_steady_clock_counts_on_one_machine_and_the_wall_clock_between_two() -> None:
    assert at(50, wall=-1e9).since(at(20)) == 30
    assert at(5, boot="c", wall=1100).since(at(20, wall=1040)) == 60
    assert at(5, boot="c", wall=0).since(at(20)) == 0
    assert at(20).before(at(50)) and not at(50, wall=0).before(at(20))
    assert Reading(100, "a").before(Reading(130, "b"))
    assert not Reading(100, "a").before(Reading(9e9, "b")), "a clock that was set says nothing"


def test_a_run_is_new_then_grows_and_ends_when_the_hub_says() -> None:
    first = look({}, {KEY: 1095.0}, {}, now=at(100), last=at(90), watched=30)
    assert first.new == {KEY: 5.0}
    known = {KEY: Open("1", 1100, 5)}
    grown = look(known, {KEY: 1095.0}, {}, now=at(110), last=at(100), watched=30)
    assert (grown.new, grown.grown) == ({}, {"1": 15})
    [ended] = look(known, {}, {KEY: 1104.0}, now=at(110), last=at(100), watched=30).ended
    assert (ended.seen, ended.seconds, ended.certain) == (1104, 9, True)


def test_what_ended_while_nobody_looked_ended_when_it_was_last_seen() -> None:
    known = {KEY: Open("1", 1100, 5)}
    for stopped, last in (({}, at(100)), ({KEY: 5000.0}, at(100))):
        [ended] = look(known, {}, stopped, now=at(9000), last=last, watched=30).ended
        assert (ended.seen, ended.seconds, ended.certain) == (1100, 5, False)


def test_what_ran_before_the_first_look_is_counted_from_it() -> None:
    assert look({}, {KEY: 0.0}, {}, now=at(100), last=None, watched=30).new == {KEY: 0}


@dataclass
class Book:
    """A ledger in memory, kept as the one in the database is."""

    rows: dict[Key, Open] = field(default_factory=dict)
    over: set[Key] = field(default_factory=set)
    last: Reading | None = None

    def look(self, running: dict[Key, float], stopped: dict[Key, float], now: Reading) -> None:
        known = {k: v for k, v in self.rows.items() if k not in self.over or k in running}
        seen = look(known, running, stopped, now=now, last=self.last, watched=60)
        for key, seconds in seen.new.items():
            assert key not in self.rows
            self.rows[key] = Open(f"{key}", now.wall, seconds)
        by_id = {one.id: key for key, one in self.rows.items()}
        for id, seconds in seen.grown.items():
            assert seconds >= self.rows[by_id[id]].seconds
            self.rows[by_id[id]] = Open(id, now.wall, seconds)
            self.over.discard(by_id[id])
        for one in seen.ended:
            assert one.seconds >= self.rows[by_id[one.id]].seconds
            self.rows[by_id[one.id]] = Open(one.id, one.seen, one.seconds)
            self.over.add(by_id[one.id])
        self.last = now


STEPS = st.lists(
    st.tuples(
        st.floats(0, 500),  # seconds that pass
        st.floats(-1e7, 1e7),  # by which somebody sets the wall clock
        st.sampled_from(["look", "look", "look", "nothing", "reboot", "start", "stop"]),
        st.booleans(),  # whether the Hub says when it stopped
    ),
    max_size=40,
)


@given(STEPS)
def test_nobody_pays_for_more_than_was_seen(steps: list[tuple[float, float, str, bool]]) -> None:
    """However clocks are set; and of one machine not for a second more than passed."""
    book, ticks, wall, boot, run = Book(), 0.0, 1e9, 0, 0
    running: dict[Key, float] = {}
    stopped: dict[Key, float] = {}
    ran: dict[Key, float] = {}
    rebooted = False
    for seconds, jump, what, said in steps:
        ticks += seconds
        wall += seconds + jump
        for key in running:
            ran[key] += seconds
        if what == "reboot":
            boot, ticks, rebooted = boot + 1, 0.0, True
        elif what == "start" and not running:
            run += 1
            running = {Key("ana", "mine", str(run)): wall}
            ran |= dict.fromkeys(running, 0.0)
        elif what == "stop":
            stopped |= {key: wall for key in running if said}
            running = {}
        elif what == "look":
            now = Reading(wall, str(boot), ticks)
            before = {key: one.seconds for key, one in book.rows.items()}
            passed = now.since(book.last) if book.last else 0.0
            book.look(running, stopped, now)
            for key, one in book.rows.items():
                assert one.seconds - before.get(key, 0.0) <= passed + 1e-3, "at most what passed"
            assert book.rows.keys() - book.over == running.keys(), "open is what runs"
    first = book.rows
    total = sum(one.seconds for one in first.values())
    assert all(one.seconds >= 0 for one in first.values())
    if not rebooted:
        assert total <= ticks + 1e-3, "one server at a time: never more than all the time there was"
