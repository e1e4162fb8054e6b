"""Two who want one project at different commits at the same moment."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from patience import SOON
from upstream import Person, Upstream

from binderhub_ext.storage.sync import folder
from binderhub_ext.storage.sync.run import sync
from binderhub_ext.storage.sync.words import Report, State, SyncError

FIRST = {b"a": b"1", b"b": b"1"}


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


@pytest.fixture
def person(tmp_path: Path, upstream: Upstream) -> Person:
    person = Person(tmp_path / "home")
    person.sync(upstream, upstream.commit(FIRST))
    return person


def test_the_second_waits_and_says_so(
    upstream: Upstream, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = person.request(upstream, upstream.commit({b"a": b"2"}))
    reports: list[Report] = []
    waits, sleep = threading.Event(), time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: (waits.set(), sleep(seconds)))
    with folder.place(request) as where:
        with folder.locked_scratch(where) as (_, waited):
            second = threading.Thread(target=lambda: reports.append(sync(request)))
            second.start()
            assert waits.wait(SOON)
            assert not waited and not reports
        second.join()
    (report,) = reports
    assert report.state is State.UPDATED
    assert "Another launch" in report.notes[-1]
    assert person.tree()[b"a"] == b"2"


def test_who_waits_too_long_is_told(
    upstream: Upstream, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_PATIENCE", 0.2)
    request = person.request(upstream, upstream.commit({b"a": b"2"}))
    with (
        folder.place(request) as where,
        folder.locked_scratch(where),
        pytest.raises(SyncError, match="Another launch is just bringing"),
    ):
        sync(request)
    assert person.tree() == FIRST


def test_many_at_once_end_at_one_of_their_commits(upstream: Upstream, person: Person) -> None:
    person.write(b"a", b"mine")
    commits = [upstream.commit({b"b": b"%d" % n, b"new": b"%d" % n}) for n in range(2, 7)]
    requests = [person.request(upstream, commit) for commit in commits]
    failed: list[Exception] = []

    def bring(number: int) -> None:
        try:
            sync(requests[number])
        except SyncError as error:
            failed.append(error)

    threads = [threading.Thread(target=bring, args=(n,)) for n in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    tree = person.tree()
    assert tree[b"a"] == b"mine"
    assert tree[b"b"] == tree[b"new"] and tree[b"b"] in {b"%d" % n for n in range(2, 7)}
    assert not list(person.project.parent.glob(".binder-*"))
