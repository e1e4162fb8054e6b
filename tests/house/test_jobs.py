"""Work done once for all who want it, and what was told, for who is late, leaves or comes back."""

import asyncio

import pytest

from binderhub_ext.core.errors import BuildFailed, Cancelled
from binderhub_ext.core.progress import Event, Phase, unheard
from binderhub_ext.jobs import KEPT, LETTERS, History, Jobs


def event(number: int) -> Event:
    return Event.log(Phase.BUILDING, str(number))


# ---- history


async def collect(history: History, after: int = 0) -> list[tuple[int, str]]:
    return [(number, event.message) async for number, event in history.watch(after)]


async def test_before_during_and_after_are_all_told_once():
    history = History()
    history.append(event(1))
    watcher = asyncio.create_task(collect(history))
    await asyncio.sleep(0)
    history.append(event(2))
    history.append(event(3))
    await asyncio.sleep(0)
    history.append(event(4))
    history.close()
    everything = [(n, str(n)) for n in (1, 2, 3, 4)]
    assert await watcher == everything
    assert await collect(history) == everything
    assert await collect(history, after=2) == everything[2:]
    assert await collect(history, after=99) == []


async def test_numbers_stay_when_old_events_are_dropped():
    history = History()
    for number in range(1, KEPT + 11):
        history.append(event(number))
    assert history.since(0)[0][0] == 11
    assert [number for number, _ in history.since(KEPT + 8)] == [KEPT + 9, KEPT + 10]
    assert all(event.message == str(number) for number, event in history.since(0))


async def test_of_long_lines_fewer_are_kept():
    """A thousand launches that are over are kept, each with what it said."""
    history = History()
    for _ in range(KEPT):
        history.append(Event.log(Phase.BUILDING, "x" * 2000))
    kept = history.since(0)
    assert sum(len(event.message) for _, event in kept) <= LETTERS
    assert (kept[0][0], kept[-1][0]) == (KEPT + 1 - LETTERS // 2000, KEPT)
    history.append(Event.log(Phase.BUILDING, "x" * (LETTERS + 1)))
    assert len(history.since(0)) == 1, "the last is always there"


async def test_of_a_wait_only_how_it_stands_is_kept():
    history = History()
    history.append(event(1))
    for ahead in range(1000, 0, -1):
        history.append(Event(Phase.LAUNCHING, event(ahead).message, {"ahead": ahead}))
    history.append(event(2))
    kept = [(1, "1"), (1001, "1"), (1002, "2")]
    assert [(number, event.message) for number, event in history.since(0)] == kept
    assert [number for number, _ in history.since(500)] == [1001, 1002]
    assert history.since(1002) == []


async def test_waiting_ends_with_news_the_end_or_patience(monkeypatch):
    history = History()
    monkeypatch.setattr("binderhub_ext.jobs.KEEPALIVE_SECONDS", 0.01)
    assert not any(await asyncio.gather(history.wait(0), history.wait(0)))
    monkeypatch.undo()
    waiting = asyncio.create_task(history.wait(0))
    await asyncio.sleep(0)
    history.append(event(1))
    assert await waiting
    waiting = asyncio.create_task(history.wait(1))
    await asyncio.sleep(0)
    history.close()
    assert await waiting


# ---- jobs


class Worker:
    """Work that tells "begun", waits to be let go on, tells "done" and gives its number."""

    def __init__(self) -> None:
        self.begun = self.cancelled = 0
        self.go_on = asyncio.Event()
        self.cleaned_up = asyncio.Event()
        self.cleaned_up.set()
        self.error: Exception | None = None

    async def work(self, tell) -> int:
        self.begun += 1
        number = self.begun
        try:
            tell(Event.log(Phase.BUILDING, f"begun {number}"))
            await self.go_on.wait()
            if self.error:
                raise self.error
            tell(Event.log(Phase.BUILDING, f"done {number}"))
            return number
        except asyncio.CancelledError:
            self.cancelled += 1
            await self.cleaned_up.wait()
            raise


class Listener:
    """Somebody who joins the job "it" and keeps what they hear."""

    def __init__(self, jobs: Jobs[int], worker: Worker, key: str = "it") -> None:
        self.heard: list[str] = []
        self.task = asyncio.create_task(jobs.join(key, worker.work, self._hear))

    def _hear(self, event: Event) -> None:
        self.heard.append(event.message)


@pytest.fixture
def jobs() -> Jobs[int]:
    return Jobs()


@pytest.fixture
async def worker() -> Worker:
    return Worker()


async def ticks(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_one_run_for_all_and_who_is_late_hears_it_from_the_beginning(jobs, worker):
    early = [Listener(jobs, worker) for _ in range(1000)]
    await ticks()
    late = Listener(jobs, worker)
    await ticks()
    assert late.heard == ["begun 1"] and len(jobs) == 1
    worker.go_on.set()
    assert set(await asyncio.gather(*(each.task for each in [*early, late]))) == {1}
    assert {tuple(each.heard) for each in [*early, late]} == {("begun 1", "done 1")}
    assert worker.begun == 1 and not len(jobs)


async def test_what_is_over_is_done_anew(jobs, worker):
    worker.go_on.set()
    assert await jobs.join("it", worker.work, unheard) == 1
    assert await jobs.join("it", worker.work, unheard) == 2


async def test_other_keys_are_other_jobs(jobs, worker):
    worker.go_on.set()
    both = Listener(jobs, worker, "this"), Listener(jobs, worker, "that")
    assert sorted(await asyncio.gather(*(each.task for each in both))) == [1, 2]


async def test_the_last_one_to_leave_ends_it(jobs, worker):
    first, last = Listener(jobs, worker), Listener(jobs, worker)
    await ticks()
    first.task.cancel()
    await ticks()
    assert not worker.cancelled and not last.task.done()
    last.task.cancel()
    await ticks()
    assert worker.cancelled == 1 and not len(jobs)
    with pytest.raises(asyncio.CancelledError):
        await last.task


async def test_who_left_hears_nothing_more(jobs, worker):
    leaver, stayer = Listener(jobs, worker), Listener(jobs, worker)
    await ticks()
    leaver.task.cancel()
    await ticks()
    worker.go_on.set()
    await stayer.task
    assert leaver.heard == ["begun 1"] and stayer.heard == ["begun 1", "done 1"]


async def test_one_comes_in_the_tick_in_which_the_last_one_leaves(jobs, worker):
    leaver = Listener(jobs, worker)
    await ticks()
    comer = Listener(jobs, worker)
    leaver.task.cancel()
    await ticks()
    worker.go_on.set()
    assert await comer.task in (1, 2)
    assert comer.heard[-1].startswith("done")


async def test_it_is_asked_for_again_while_the_one_given_up_still_cleans_up(jobs, worker):
    worker.cleaned_up.clear()
    leaver = Listener(jobs, worker)
    await ticks()
    leaver.task.cancel()
    await ticks()
    again = Listener(jobs, worker)
    await ticks()
    worker.go_on.set()
    assert await again.task == 2
    assert again.heard == ["begun 2", "done 2"]
    worker.cleaned_up.set()
    await jobs.close()


async def test_it_is_done_in_the_tick_in_which_the_last_one_leaves(jobs, worker):
    """In every order: who leaves has left, and nothing else is lost."""
    for before in range(5):
        worker.go_on.clear()
        leaver = Listener(jobs, worker)
        await ticks()
        worker.go_on.set()
        await ticks(before)
        leaver.task.cancel()
        await asyncio.gather(leaver.task, return_exceptions=True)
        await ticks()
        assert not len(jobs)
        assert await jobs.join("it", worker.work, unheard) == worker.begun


async def test_a_failure_is_everybodys_and_not_for_ever(jobs, worker):
    worker.error = BuildFailed("No.")
    worker.go_on.set()
    joined = [Listener(jobs, worker).task for _ in range(3)]
    failures = await asyncio.gather(*joined, return_exceptions=True)
    assert failures == [worker.error] * 3 and worker.begun == 1
    worker.error = None
    assert await jobs.join("it", worker.work, unheard) == 2


async def test_work_that_is_cancelled_from_inside_is_no_cancellation_of_who_waits(jobs):
    async def work(tell):
        raise asyncio.CancelledError

    with pytest.raises(Cancelled):
        await jobs.join("it", work, unheard)


async def test_what_shall_finish_does_so_alone(jobs, worker):
    leaver = Listener(jobs, worker)
    await ticks()
    jobs.finish("it")
    leaver.task.cancel()
    await ticks()
    assert len(jobs) == 1 and not worker.cancelled
    comer = Listener(jobs, worker)
    worker.go_on.set()
    assert await comer.task == 1
    jobs.finish("it")
    assert not len(jobs)


async def test_closing_ends_all_and_waits_for_it(jobs, worker):
    worker.cleaned_up.clear()
    waiter, given_up = Listener(jobs, worker), Listener(jobs, worker, "other")
    await ticks()
    given_up.task.cancel()
    jobs.finish("it")
    closing = asyncio.create_task(jobs.close())
    await ticks()
    assert worker.cancelled == 2 and not closing.done()
    worker.cleaned_up.set()
    await closing
    with pytest.raises(Cancelled, match="service was stopped"):
        await waiter.task


async def test_of_a_flood_the_end_is_kept(jobs, worker):
    async def flood(tell):
        for number in range(KEPT + 10):
            tell(event(number))
        return await worker.work(tell)

    early = asyncio.create_task(jobs.join("it", flood, unheard))
    await ticks()
    late = Listener(jobs, worker)
    await ticks()
    assert len(late.heard) == KEPT and late.heard[-1] == "begun 1"
    worker.go_on.set()
    assert await early == await late.task == 1
