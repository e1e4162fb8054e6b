"""What people see when parts of the cluster fail in the middle of what they do: words, or nothing.

Nothing they have is lost, and the same click goes on afterwards.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from gitserver import GitServer
from patience import SOON
from release import Outcome, Person, Release

from binderhub_ext.core.space import NOT_BUILT

SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
CLUSTER = str(Path(__file__).parents[2] / "scripts" / "cluster")
PEOPLE = [f"worker-{number}" for number in range(5)]
WITHIN = 6.0
"""Seconds of a launch in which something is deleted: a start takes about so long."""

EXCUSES = {
    # The launches of a service that is gone are; whoever watches is told to launch again.
    "service": {"", "cancelled", "interrupted", "hub-unreachable"},
    # The Hub's own sign-in is away for a moment, and so are people's tokens.
    "hub": {"", "hub-unavailable", "hub-unreachable", "launch-failed"},
    "proxy": {"", "hub-unreachable"},
}


@pytest.fixture(autouse=True)
def moments() -> random.Random:
    print(f"SEED={SEED}")
    return random.Random(SEED)


@pytest.fixture(scope="module")
def workers(release: Release, plain_repository: str) -> Iterator[list[Person]]:
    """People who have worked here before, each with a file of their own."""
    people = release.people(PEOPLE)
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(lambda person: begin_work(person, plain_repository), people))
    yield people
    nothing_is_left(release)


def begin_work(person: Person, link: str) -> None:
    person.launch_until_ready(link)
    person.write("mine.txt", f"of {person.name}")
    person.stop()


def signal(name: str, process: str) -> None:
    """Send a signal to one of the cluster's processes."""
    subprocess.run([CLUSTER, "signal", name, process], check=True)


@contextmanager
def stopped(process: str) -> Iterator[None]:
    """One of the cluster's processes stands still."""
    signal("STOP", process)
    try:
        yield
    finally:
        signal("CONT", process)


def in_words(outcome: Outcome) -> None:
    """Whatever a person was told, it was not that something nobody expected went wrong."""
    assert "reference number" not in outcome.words, outcome.told
    assert outcome.words.strip(), outcome.events


def go_on(release: Release, people: Sequence[Person], link: str) -> None:
    """The same click goes on, and everybody has what they had."""
    release.until_ready()
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(lambda person: person.launch_until_ready(link), people))
    for person in people:
        assert person.read("mine.txt") == f"of {person.name}"
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(Person.stop, people))


def nothing_is_left(release: Release) -> None:
    """Neither pods nor Jobs, nor what a server or a build had of its own."""
    until = time.monotonic() + SOON
    look = "ls -A /srv/binder/data/run/pods /srv/binder/data/run/jobs 2>/dev/null | grep -v : || :"
    while left := [*release.servers(), *release.builds(), *sh(release, look).split()]:
        assert time.monotonic() < until, left
        time.sleep(1)


def sh(release: Release, script: str) -> str:
    return release.inside_hub("sh", "-c", script)


@pytest.mark.parametrize("part", ["hub", "proxy", "service"])
def test_a_part_is_deleted_while_people_launch(
    release: Release,
    workers: list[Person],
    plain_repository: str,
    moments: random.Random,
    part: str,
) -> None:
    deletion = Timer(moments.uniform(0, WITHIN), release.delete_part, [part])
    with ThreadPoolExecutor(len(workers)) as pool:
        launches = [pool.submit(person.launch, plain_repository) for person in workers]
        deletion.start()
        seen = [each.result() for each in launches]
    deletion.join()
    for outcome in seen:
        in_words(outcome)
        assert outcome.code in EXCUSES[part], (outcome.code, outcome.words, outcome.told)
    go_on(release, workers, plain_repository)


def test_servers_are_found_again_behind_a_new_proxy(
    release: Release, workers: list[Person], plain_repository: str
) -> None:
    """The proxy has its routes in memory; the Hub tells a new one all of them at once."""
    person = workers[0]
    person.launch_until_ready(plain_repository)
    release.delete_part("proxy")
    release.until_ready()
    until = time.monotonic() + 15
    while not finds(person, "mine.txt"):
        assert time.monotonic() < until
        time.sleep(0.5)
    person.stop()


def finds(person: Person, path: str) -> bool:
    try:
        return person.read(path) == f"of {person.name}"
    except (AssertionError, OSError, ValueError):
        return False


def test_builds_are_deleted_while_people_launch(
    release: Release, repositories: GitServer, workers: list[Person], moments: random.Random
) -> None:
    """Each of its own environment; who deletes a Job is told that it was not the repository."""
    people = workers[:3]
    links = [
        repositories.create_repo(f"faults/build-{n}", {"postBuild": f"#!/bin/sh\necho {n}\n"}).url
        for n in range(len(people))
    ]
    with ThreadPoolExecutor(len(people)) as pool:
        launches = [pool.submit(*each) for each in zip(map(launching, people), links, strict=True)]
        for _ in people:
            delete_a_build(release, launches, moments.uniform(0, WITHIN))
        seen = [each.result() for each in launches]
    for outcome in seen:
        in_words(outcome)
        if not outcome.ready:
            assert outcome.code == "build-failed" and "ended from outside" in outcome.words
    assert not all(outcome.ready for outcome in seen)
    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(Person.launch_until_ready, people, links))
        list(pool.map(Person.stop, people))


def launching(person: Person):  # type: ignore[no-untyped-def]
    return person.launch


def delete_a_build(release: Release, launches: Sequence[Future[Outcome]], after: float) -> None:
    """Delete one of the Jobs that are there, some seconds after there is one."""
    while not (jobs := release.builds()):
        if all(each.done() for each in launches):
            return
        time.sleep(0.2)
    time.sleep(after)
    release.kubectl("delete", "job", jobs[0], "--wait=false", "--ignore-not-found")
    while jobs[0] in release.builds():
        time.sleep(0.2)


@pytest.mark.disturbs
def test_kubelet_stands_still_for_half_a_minute(
    release: Release, workers: list[Person], plain_repository: str
) -> None:
    """Whoever works goes on, whoever launches waits."""
    at_work, launching = workers[:2]
    at_work.launch_until_ready(plain_repository)
    with ThreadPoolExecutor(1) as pool, stopped("kubelet"):
        launch = pool.submit(launching.launch, plain_repository)
        for second in range(6):
            at_work.write("during.txt", str(second))
            assert at_work.read("during.txt") == str(second)
            time.sleep(5)
        assert not launch.done()
    assert launch.result().ready, launch.result().told
    at_work.stop()
    go_on(release, workers, plain_repository)


@pytest.mark.disturbs
def test_registry_stands_still(
    release: Release, workers: list[Person], repositories: GitServer, plain_repository: str
) -> None:
    person = workers[0]
    with stopped("registry"):
        outcome = person.launch(plain_repository)
    assert outcome.code == "registry-unavailable", outcome.told
    assert "does not answer" in outcome.words and "tell the administrator" in outcome.words
    go_on(release, workers[:1], plain_repository)


@pytest.mark.disturbs
def test_api_server_stands_still_for_a_minute(
    release: Release, workers: list[Person], repositories: GitServer, plain_repository: str
) -> None:
    """Whoever works goes on; a build goes on; whoever launches is told, or waits."""
    at_work, launching, building = workers[:3]
    at_work.launch_until_ready(plain_repository)
    slow = {"postBuild": "#!/bin/sh\necho begun\nsleep 20\n"}
    link = repositories.create_repo("faults/slow", slow).url
    with ThreadPoolExecutor(2) as pool:
        build = pool.submit(building.launch, link)
        while not release.builds():
            time.sleep(0.2)
        time.sleep(5)
        with stopped("apiserver"):
            launch = pool.submit(launching.launch, plain_repository)
            for second in range(12):
                at_work.write("during.txt", str(second))
                assert at_work.read("during.txt") == str(second)
                time.sleep(5)
    in_words(launch.result())
    assert launch.result().ready or "cluster of this hub" in launch.result().words
    in_words(build.result())
    assert build.result().ready or "cluster of this hub" in build.result().words
    building.launch_until_ready(link)
    for person in (at_work, building):
        person.stop()
    go_on(release, workers, plain_repository)


FILL = """
import os, sys
left = int(sys.argv[1])
with open("/srv/binder/full", "wb") as file:
    disk = os.statvfs("/srv/binder")
    os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize - left)
"""


@contextmanager
def full(release: Release, left: int) -> Iterator[None]:
    """The claim with everybody's files, with so many bytes left."""
    release.inside_hub("python3", "-c", FILL, str(left))
    try:
        yield
    finally:
        release.inside_hub("rm", "/srv/binder/full")


def test_the_data_claim_is_full(
    release: Release, workers: list[Person], repositories: GitServer, plain_repository: str
) -> None:
    """One's server starts, for making room; nothing new comes, and what is there stays."""
    person, other = workers[:2]
    new = repositories.create_repo("faults/new", {"postBuild": "#!/bin/sh\necho new\n"}).url
    with full(release, left=64 << 20):
        outcome = person.launch(plain_repository)
        assert outcome.ready, outcome.told
        assert "full" in outcome.told
        assert person.read("mine.txt") == f"of {person.name}"
        refused = other.launch(new)
        assert refused.code == "no-space" and refused.words == NOT_BUILT
    with full(release, left=0):
        with pytest.raises(AssertionError, match=r"(?i)no space|507|500"):
            person.write("large.txt", "x" * 100_000)
        assert person.read("mine.txt") == f"of {person.name}"
    person.stop()
    go_on(release, workers, plain_repository)
    other.launch_until_ready(new)
    other.stop()
