"""Builds: once per environment, watched by everyone, ended when nobody wants them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from memory_engine import MemoryBuilder, MemoryRepos
from patience import SOON

from binderhub_ext.core.errors import BuildFailed, Cancelled, NoSpace, RepoUnavailable, Unsupported
from binderhub_ext.core.layout import DataDirectory
from binderhub_ext.core.progress import Event, unheard
from binderhub_ext.core.repo import Commit, Repo
from binderhub_ext.engines.base import Image
from binderhub_ext.service.accounting.buildmeter import BuildMeter
from binderhub_ext.service.launching import prepulls
from binderhub_ext.service.launching.builds import Builds
from binderhub_ext.service.records.database import sqlite_url
from binderhub_ext.service.records.everybody import Everybody
from binderhub_ext.service.records.ledger import Ledger
from binderhub_ext.service.records.records import Records
from binderhub_ext.service.settings import BuildSettings

REPO = Repo("git", "https://git.example/a/b", "https://git.example/a/b")


def commit(id_: str) -> Commit:
    return Commit(REPO, "main", id_)


class Room:
    """Builds with everything around them."""

    def __init__(self, tmp_path: Path, **settings: int) -> None:
        self.layout = DataDirectory(tmp_path)
        self.records = Records(sqlite_url(tmp_path / "b.sqlite"), engine="memory")
        self.repos = MemoryRepos()
        self.builder = MemoryBuilder()
        self.builds = Builds(
            BuildSettings(**settings),
            layout=self.layout,
            builder=self.builder,
            providers={"git": self.repos},
            records=self.records,
            meter=BuildMeter(Ledger(self.records)),
        )

    def hold(self) -> None:
        """No build ends before :meth:`let_go`."""
        held = self.layout.root / "held"
        held.touch()
        self.builder.held = str(held)

    def let_go(self) -> None:
        Path(self.builder.held).unlink()

    async def image(self, id_: str) -> tuple[list[Event], Image]:
        events: list[Event] = []
        image = await self.builds.image(commit(id_), events.append)
        return events, image

    async def files(self, id_: str) -> None:
        await self.builds.files(commit(id_), unheard)

    def watch(self, id_: str) -> asyncio.Task[tuple[list[Event], Image]]:
        return asyncio.create_task(self.image(id_))

    async def until(self, condition) -> None:
        async with asyncio.timeout(SOON):
            while not condition():  # noqa: ASYNC110 - any condition
                await asyncio.sleep(0.005)

    def logs(self) -> list[str]:
        return [path.read_text() for path in self.layout.builds.glob("*.log")]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    made = Room(tmp_path)
    yield made
    await made.builds.close()
    made.records.close()


async def test_an_administrator_ends_a_build_for_all_who_wait(room):
    room.builder.seconds = 600
    watching = [room.watch("one") for _ in range(3)]
    await room.until(lambda: room.builder.started)
    [(row, _)] = await Everybody(room.records).builds()
    assert room.builds.at_work(row.id) and room.builds.waiting == 0
    assert room.builds.cancel(row.id)
    for outcome in await asyncio.gather(*watching, return_exceptions=True):
        assert isinstance(outcome, Cancelled) and "administrator" in outcome.message
    assert room.builder.ended == ["env-one"]
    assert not room.builds.at_work(row.id) and not room.builds.cancel(row.id)
    room.builder.seconds = 0
    assert (await room.image("one"))[1].name == "image-env-one"


async def test_how_many_builds_wait(tmp_path):
    room = Room(tmp_path, concurrency=1)
    room.builder.seconds = 600
    watching = [room.watch(id_) for id_ in ("one", "two", "three")]
    await room.until(lambda: len(room.builds) == 3)
    assert room.builds.waiting == 2
    await room.builds.close()
    await asyncio.gather(*watching, return_exceptions=True)
    room.records.close()


async def test_a_thousand_who_ask_at_once_share_one_build(room):
    room.builder.seconds = 0.2
    results = await asyncio.gather(*(room.image("one") for _ in range(1000)))
    assert len(room.builder.started) == room.builder.plans == len(room.repos.fetched) == 1
    assert {image.name for _, image in results} == {"image-env-one"}
    lines = [[e.message for e in events if e.data.get("log")] for events, _ in results]
    assert lines[0] == ["line 0", "line 1", "line 2"]
    assert all(line == lines[0] for line in lines)


async def test_what_is_asked_for_is_found_out_before_all_is_kept(room):
    room.repos.bundling.clear()
    watching = room.watch("one")
    await room.until(lambda: room.builder.plans)
    assert not room.builder.started, "a build needs what is kept"
    room.repos.bundling.set()
    await watching
    assert room.builder.plans == len(room.builder.started) == 1


async def test_what_was_looked_at_too_early_is_looked_at_again(room):
    def key_of(source):
        if room.builder.plans == 1:
            raise RepoUnavailable("The objects are gone.")
        return "found"

    room.builder.key_of = key_of
    room.repos.bundling.clear()
    watching = room.watch("one")
    await room.until(lambda: room.builder.plans)
    room.repos.bundling.set()
    _, image = await watching
    assert image.key == "found" and room.builder.plans == 2


async def test_a_raised_recipe_makes_environments_anew(room):
    """Also of commits that were looked at before, without a new version of ours."""
    await room.image("one")
    assert (await room.builds.known(commit("one")))[1]
    room.builder.recipe = "2"
    room.builder.key_of = lambda source: "raised"
    assert await room.builds.known(commit("one")) is None
    _, image = await room.image("one")
    assert image.key == "raised" and room.builder.plans == 2


async def test_what_cannot_be_built_is_refused_before_all_is_kept(room):
    def key_of(source):
        raise Unsupported("No Nix here.")

    room.builder.key_of = key_of
    room.repos.bundling.clear()
    with pytest.raises(Unsupported):
        await room.image("one")
    assert room.builder.plans == 1


async def test_an_image_that_is_there_is_known_before_all_is_kept(room):
    room.builder.key_of = lambda source: "same"
    await room.image("one")
    room.repos.bundling.clear()
    await room.image("two")
    assert room.builder.plans == 2 and room.builder.started == ["same"]
    waiting = asyncio.create_task(room.files("two"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    room.repos.bundling.set()
    await waiting


async def test_a_fetch_that_fails_in_its_second_half(room):
    """Whoever needs the files learns of it: a build, or a start; not who wants an image alone."""
    room.builder.key_of = lambda source: "same"
    room.repos.full = NoSpace("The disk is full.")
    with pytest.raises(NoSpace):
        await room.image("one")
    room.repos.full = None
    await room.image("one")
    room.repos.full = NoSpace("The disk is full.")
    assert (await room.image("two"))[1].key == "same"
    with pytest.raises(NoSpace):
        await room.files("two")


async def test_two_commits_with_one_environment_share_one_build(room):
    room.builder.seconds = 0.1
    room.builder.key_of = lambda source: "same"
    await asyncio.gather(room.image("one"), room.image("two"))
    assert room.builder.started == ["same"]


async def test_what_is_built_is_found_without_looking_again(room):
    await room.image("one")
    events, _ = await room.image("one")
    assert room.builder.plans == len(room.builder.started) == 1
    assert not events and room.repos.fetched == ["one"]


async def test_a_build_ends_with_the_last_who_wants_it_and_can_be_asked_for_again(room):
    room.builder.seconds = 600
    one, two = room.watch("one"), room.watch("one")
    await room.until(lambda: room.builder.started)
    one.cancel()
    await asyncio.sleep(0.05)
    assert room.builder.ended == []
    two.cancel()
    await room.until(lambda: room.builder.ended)
    room.builder.seconds = 0
    assert (await room.image("one"))[1].name == "image-env-one"
    assert len(room.builder.started) == 2


async def test_a_failure_reaches_everyone_and_leaves_its_log(room):
    room.builder.seconds = 0.1
    room.builder.fail = lambda key: True
    results = await asyncio.gather(*(room.image("one") for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [BuildFailed] * 3
    assert len(room.builder.started) == 1
    (log,) = room.logs()
    assert "line 2\nThe requirements cannot be solved.\nno such package\n" in log
    room.builder.fail = lambda key: False
    assert (await room.image("one"))[1].key == "env-one"


async def test_those_who_wait_are_told_how_many_are_ahead(tmp_path):
    room = Room(tmp_path, concurrency=1)
    room.hold()
    tasks = []
    for number in range(3):
        tasks.append(room.watch(f"c{number}"))
        await room.until(lambda: room.builder.started and room.builds.waiting == len(tasks) - 1)
    room.let_go()
    results = await asyncio.gather(*tasks)
    ahead = [[e.data["ahead"] for e in events if "ahead" in e.data] for events, _ in results]
    assert ahead == [[], [1], [2, 1]]
    await room.builds.close()
    room.records.close()


async def test_giving_up_in_the_queue_lets_the_next_one_move_up(tmp_path):
    room = Room(tmp_path, concurrency=1)
    room.hold()
    first, second, third = room.watch("a"), None, None
    await room.until(lambda: room.builder.started)
    second, third = room.watch("b"), room.watch("c")
    await room.until(lambda: room.builds.waiting == 2)
    second.cancel()
    room.let_go()
    await first
    await third
    assert room.builder.started == ["env-a", "env-c"]
    await room.builds.close()
    room.records.close()


async def test_a_log_is_cut_at_its_limit(tmp_path):
    room = Room(tmp_path, log_limit=200)
    room.builder.lines = 100
    events, _ = await room.image("one")
    assert len([event for event in events if event.data.get("log")]) == 100
    (log,) = room.logs()
    assert len(log) < 400
    assert "longer than this hub keeps" in log
    await room.builds.close()
    room.records.close()


async def test_a_log_that_cannot_be_written_ends_no_build(room):
    room.layout.builds.mkdir(parents=True)
    room.builds.log_path = lambda build: Path("/dev/full")
    events, _ = await room.image("one")
    assert len([event for event in events if event.data.get("log")]) == 3


async def test_closing_ends_what_runs(room):
    room.builder.seconds = 600
    task = room.watch("one")
    await room.until(lambda: room.builder.started)
    await room.builds.close()
    with pytest.raises(Exception, match="service was stopped"):
        await task
    assert room.builder.ended == ["env-one"] and room.repos.closed


async def test_an_image_is_got_to_where_servers_run_once_for_all_who_prepare_it(tmp_path):
    room = Room(tmp_path, concurrency=1)
    room.builder.seconds = 0.1
    events: list[Event] = []
    images = [Image("one", "1"), Image("one", "1"), Image("two", "2")]
    people = zip(images, ("ada", "bob", "eve"), strict=True)
    said = await asyncio.gather(
        *(room.builds.prepull(image, "", person, events.append) for image, person in people)
    )
    assert set(said) == {"It is on 1 of 2 nodes."}
    assert room.builder.prepulled == [("one", ""), ("two", "")], "one after the other"
    assert [event.ahead for event in events if event.ahead] == [1]
    await room.builds.prepull(images[0], "large", "ada", unheard)
    assert room.builder.prepulled[-1] == ("one", "large")
    await room.builds.close()
    room.records.close()


async def test_whoever_leaves_last_ends_it(room):
    room.builder.seconds = 600
    image = Image("one", "1")
    both = [asyncio.create_task(room.builds.prepull(image, "", "ada", unheard)) for _ in range(2)]
    await room.until(lambda: room.builder.prepulled)
    both[0].cancel()
    await asyncio.sleep(0.01)
    assert not both[1].done()
    await room.builds.close()
    assert isinstance((await asyncio.gather(*both, return_exceptions=True))[1], Cancelled)


async def test_no_image_of_one_person_is_in_anothers_way_for_long(tmp_path, monkeypatch):
    """Those that pull slowly go on, and have no place any more; of many of one person one has."""
    monkeypatch.setattr(prepulls, "_COUNTS", 0.2)
    room = Room(tmp_path, concurrency=2)
    room.builder.seconds = 60
    ada, events = [Image(f"slow-{n}", str(n)) for n in range(3)], []
    pulling = [asyncio.create_task(room.builds.prepull(each, "", "ada", unheard)) for each in ada]
    await room.until(lambda: room.builder.prepulled)
    bob = asyncio.create_task(room.builds.prepull(Image("bob", "9"), "", "bob", events.append))
    await room.until(lambda: len(room.builder.prepulled) == 2)
    assert room.builder.prepulled == [("slow-0", ""), ("bob", "")] and events == []
    await room.until(lambda: len(room.builder.prepulled) == 4)
    assert not any(task.done() for task in (*pulling, bob))
    await room.builds.close()
    ended = await asyncio.gather(*pulling, bob, return_exceptions=True)
    assert all(isinstance(each, Cancelled) for each in ended)
    room.records.close()
