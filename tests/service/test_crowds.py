"""A thousand people at once: who waits, what they are told, and that nobody is turned away."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import web
from patience import SOON
from playedhub import ADA, a_hub, gets_ready, stream
from traitlets.config import Config

from binderhub_ext.core.errors import TooMany
from binderhub_ext.core.progress import Event
from binderhub_ext.engines.base import Engine
from binderhub_ext.engines.installed import find_engine
from binderhub_ext.service.launching import starts as starts_module
from binderhub_ext.service.launching.semaphore import FairSemaphore
from binderhub_ext.service.launching.starts import Starts
from binderhub_ext.service.settings import Launcher

MODEL = {"name": "one", "url": "/user/ada/one/", "ready": True}
THROTTLED = {"message": "Too many users trying to log in right now. Try again in 40 seconds."}


class Queue:
    """People who want one of a few places, in the order in which they came."""

    def __init__(self, places: int, people: int) -> None:
        self.semaphore = FairSemaphore(places)
        self.told: list[list[int]] = [[] for _ in range(people)]
        self.came_in: list[int] = []
        self.go_on = asyncio.Event()
        self.tasks = [asyncio.create_task(self._person(number)) for number in range(people)]

    async def _person(self, number: int) -> None:
        async with self.semaphore.acquired(self.told[number].append):
            self.came_in.append(number)
            await self.go_on.wait()


async def ticks(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_places_are_given_in_the_order_of_coming() -> None:
    queue = Queue(2, 5)
    await ticks()
    assert queue.came_in == [0, 1] and queue.told == [[], [], [1], [2], [3]]
    queue.go_on.set()
    await asyncio.gather(*queue.tasks)
    assert queue.came_in == [0, 1, 2, 3, 4]
    async with queue.semaphore.acquired(queue.told[0].append):
        assert queue.told[0] == []


async def test_whoever_leaves_keeps_no_place() -> None:
    queue = Queue(1, 5)
    await ticks()
    queue.tasks[1].cancel()
    await ticks()
    assert queue.told == [[], [1], [2, 1], [3, 2], [4, 3]]
    # in one moment the place is passed on, and who got it leaves; and one behind, before it is
    queue.tasks[3].cancel()
    queue.tasks[0].cancel()
    await asyncio.sleep(0)
    queue.tasks[2].cancel()
    await ticks()
    assert queue.came_in == [0, 4]
    queue.go_on.set()
    await asyncio.gather(*queue.tasks, return_exceptions=True)
    async with queue.semaphore.acquired(queue.told[0].append):
        assert queue.told[0] == []


async def test_of_a_crowd_everybody_hears_how_it_goes_on_and_nobody_each_step() -> None:
    """What a thousand wait for must not be busy with telling each of them a thousand times."""
    queue = Queue(1, 2000)
    await ticks()
    queue.go_on.set()
    await asyncio.gather(*queue.tasks)
    assert queue.came_in == list(range(2000))
    for number, told in enumerate(queue.told[1:], start=1):
        assert told[0] == number and told == sorted(set(told), reverse=True)
        assert all(before - after <= before // 10 + 2 for before, after in pairwise([*told, 1]))
    assert max(map(len, queue.told)) < 100


async def throttles(_request: web.Request) -> web.Response:
    return web.json_response(THROTTLED, status=429, headers={"Retry-After": "33"})


async def test_a_hub_that_starts_all_it_can_is_asked_again(monkeypatch: Any) -> None:
    monkeypatch.setattr(starts_module, "_PAUSE", 0.01)
    said: list[Event] = []
    async with a_hub() as (port, client):
        await port.open(throttles, throttles, throttles, (202, {}), gets_ready)
        starts = Starts(client, FairSemaphore(1), 20)
        await starts.start(ADA, "one", lambda: "ticket", said.append)
        assert port.verbs == ["POST"] * 4 + ["GET"]
        assert sum("as soon as it may" in event.message for event in said) == 1
        await port.shut()
        await port.open(throttles, (400, {"message": "ada/one is already running"}))
        await starts.again(ADA, "one", "ticket", said.append)
        await port.shut()
        # nobody knows when a server stops that somebody uses
        await port.open((429, {"message": "Active user limit exceeded."}))
        with pytest.raises(TooMany, match="Active user limit"):
            await starts.start(ADA, "one", lambda: "ticket", said.append)


async def test_servers_that_start_keep_nobody_from_asking_the_hub() -> None:
    over = asyncio.Event()

    async def starts(request: web.Request) -> web.StreamResponse:
        response = await stream(request, '{"progress": 10, "message": "begun"}')
        await over.wait()
        await response.write(b'data: {"progress": 100, "ready": true, "message": "ready"}\n\n')
        return response

    async with a_hub(timeout=SOON) as (port, client):
        await port.open(*[starts] * 150, (200, MODEL))
        watch = Starts(client, FairSemaphore(1), 20).watch
        watching = [asyncio.create_task(watch(ADA, "one", lambda _: None)) for _ in range(150)]
        while len(port.asked) < 150:  # noqa: ASYNC110 - all of them are held
            await asyncio.sleep(0.01)
        assert await client.server(ADA, "one")
        over.set()
        await asyncio.gather(*watching)


async def test_servers_that_stop_keep_nobody_from_asking_the_hub() -> None:
    over = asyncio.Event()

    async def stops(_request: web.Request) -> web.Response:
        await over.wait()
        return web.json_response({}, status=204)

    async with a_hub(timeout=SOON) as (port, client):
        await port.open(*[stops] * 50, (200, MODEL))
        stopping = [asyncio.create_task(client.stop(ADA, "one")) for _ in range(50)]
        while len(port.asked) < 50:  # noqa: ASYNC110 - all of them are held
            await asyncio.sleep(0.01)
        assert await client.server(ADA, "one")
        over.set()
        await asyncio.gather(*stopping)


async def test_a_long_queue_of_questions_is_no_hub_that_does_not_answer() -> None:
    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(0.5)
        return web.json_response(MODEL)

    async with a_hub(timeout=5) as (port, client):
        await port.open(*[slow] * 240)
        assert all(await asyncio.gather(*(client.server(ADA, "one") for _ in range(240))))


def test_how_many_start_at_once_is_the_engines_to_know() -> None:
    here = Engine("here", "", "")
    unset, said = Launcher(), Launcher(config=Config(Launcher={"concurrent_starts": 7}))
    assert unset.places(find_engine("kubernetes")) == 64
    assert unset.places(here) == unset.places(find_engine("local")) <= 2 * 1024
    assert said.places(here) == said.places(find_engine("kubernetes")) == 7
