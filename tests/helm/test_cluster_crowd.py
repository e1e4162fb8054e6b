"""A class that opens one link in the same minute: one build Job for all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from gitserver import GitServer
from release import Outcome, Person, Release

CLASS = 50
STAY = 3


def test_one_build_for_a_whole_class(release: Release, repositories: GitServer) -> None:
    """Fifty click at once; when it is built, all but a few close their browsers."""
    files = {"requirements.txt": "six==1.16.0\n", "lesson.ipynb": "{}"}
    link = repositories.create_repo("class/lesson", files).url
    people = release.people([f"student-{number}" for number in range(CLASS)])

    def click(number: int) -> Outcome:
        return until_built(people[number], link) if number >= STAY else people[number].launch(link)

    with release.made_jobs() as jobs, ThreadPoolExecutor(CLASS) as pool:
        seen = list(pool.map(click, range(CLASS)))
    assert len(jobs) == 1, jobs
    for outcome in seen[:STAY]:
        assert outcome.ready, outcome.told
    with ThreadPoolExecutor(8) as pool:
        # Also of those who left when the Hub had just accepted their start.
        list(pool.map(Person.stop, people))
    assert release.servers() == []


def until_built(person: Person, link: str) -> Outcome:
    """Watch a launch until its environment is ready, and give it up then."""
    outcome = Outcome()
    client = person.client
    started = client.start(link)
    for event in client.events(started):
        outcome.events.append(event)
        if event.get("phase") == "built":
            client.cancel(started)
            return outcome
    raise AssertionError(outcome.told)
