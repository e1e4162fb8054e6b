"""What was told, for those who come late, drop out and come back."""

import asyncio

from binderhub_ext.core.progress import Event, Phase
from binderhub_ext.service.history import KEPT, History


def event(number: int) -> Event:
    return Event(Phase.BUILDING, str(number))


async def collect(history: History, after: int = 0) -> list[tuple[int, str]]:
    return [(number, told.message) async for number, told in history.watch(after)]


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
    assert all(told.message == str(number) for number, told in history.since(0))


async def test_waiting_ends_with_news_the_end_or_patience(monkeypatch):
    history = History()
    monkeypatch.setattr("binderhub_ext.service.history.KEEPALIVE_SECONDS", 0.01)
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
