"""A Hub that is restarted while somebody launches: what the cluster's tests do with a real one.

Here its port is shut and opened again at the moments that count.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from patience import SOON
from playedhub import ADA, Port, a_hub, gets_ready, stream

from binderhub_ext.core.errors import Conflict, HubUnavailable, LaunchFailed, TooMany
from binderhub_ext.core.launch import TICKET
from binderhub_ext.core.progress import Event
from binderhub_ext.service import hub
from binderhub_ext.service.hub import StartLost, State
from binderhub_ext.service.launching.semaphore import FairSemaphore
from binderhub_ext.service.launching.starts import Starts

MODEL = {"name": "one", "url": "/user/ada/one/", "ready": True}
STOPPED = {**MODEL, "ready": False}
CHECKED = {**STOPPED, "pending": "check", "user_options": {TICKET: "ticket"}}
NOTHING_STARTS = (400, {"message": "ada:one is not starting..."})


async def breaks_off(request: web.Request) -> web.StreamResponse:
    response = await stream(request, '{"progress": 10, "message": "begun"}')
    assert request.transport
    request.transport.abort()
    return response


async def fails(request: web.Request) -> web.StreamResponse:
    words = "Spawn failed: The environment is no longer kept here."
    return await stream(request, f'{{"progress": 100, "failed": true, "message": "{words}"}}')


async def test_a_hub_that_comes_back_was_waited_for() -> None:
    async with a_hub() as (port, client):
        asked = asyncio.create_task(client.server(ADA, "one"))
        await asyncio.sleep(0.7)
        assert not asked.done()
        await port.open((200, MODEL))
        server = await asked
        assert server and server.state is State.RUNNING


async def test_a_crowd_leaves_the_hub_time_for_starts() -> None:
    now = most = 0

    async def slow(_: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return web.json_response({}, status=404)

    async with a_hub() as (port, client):
        await port.open(*[slow] * 200)
        answers = await asyncio.gather(*(client.server(ADA, "class") for _ in range(200)))
    assert answers == [None] * 200 and most == 20


async def test_one_that_does_not_come_back_is_said_to_be_that() -> None:
    async with a_hub(restart=0.2) as (_, client):
        with pytest.raises(HubUnavailable, match="The Hub does not answer"):
            await client.server(ADA, "one")


async def test_a_start_that_went_with_its_hub_is_begun_once_more() -> None:
    said: list[Event] = []
    async with a_hub() as (port, client):
        lost = (NOTHING_STARTS, (200, STOPPED))
        await port.open((202, {}), breaks_off, *lost, (201, {}), gets_ready)
        starts = Starts(client, FairSemaphore(1), 20)
        await starts.start(ADA, "one", lambda: "ticket", said.append)
        assert port.verbs == ["POST", "GET", "GET", "GET", "POST", "GET"]
    assert any("Starting your server once more" in event.message for event in said)


async def test_a_start_that_is_lost_again_and_again_ends_in_words() -> None:
    async with a_hub() as (port, client):
        lost = [(202, {}), breaks_off, (404, {}), (404, {})]
        await port.open(*lost, *lost, *lost)
        with pytest.raises(StartLost, match="The Hub was restarted"):
            await Starts(client, FairSemaphore(1), 20).start(ADA, "one", str, lambda _: None)


@pytest.mark.parametrize("knows", [NOTHING_STARTS, (404, {"message": "Not Found"})])
async def test_a_hub_that_is_gone_after_it_accepted_a_start_is_no_refusal(knows: Any) -> None:
    """Nothing was told of the start yet, and the next Hub knows no such server."""
    async with a_hub() as (port, client):
        lost = (knows, (200, STOPPED), knows, (200, STOPPED))
        await port.open((202, {}), *lost, (201, {}), gets_ready)
        await Starts(client, FairSemaphore(1), 20).start(ADA, "one", str, lambda _: None)
        assert port.verbs == ["POST", *["GET"] * 4, "POST", "GET"]


async def test_a_start_that_failed_is_told_once_the_hub_has_removed_what_it_left() -> None:
    """Until then the Hub says that nothing starts."""
    async with a_hub() as (port, client):
        removing = (200, {**STOPPED, "pending": "stop"})
        await port.open((202, {}), NOTHING_STARTS, removing, (200, STOPPED), fails)
        with pytest.raises(LaunchFailed, match="no longer kept here"):
            await Starts(client, FairSemaphore(1), 20).start(ADA, "one", str, lambda _: None)


async def test_what_a_new_hub_looks_for_is_waited_for() -> None:
    """It finds a server in its database and asks that whether it is there: nothing starts."""
    async with a_hub() as (port, client):
        checks = [(200, CHECKED), (200, CHECKED), (200, MODEL)]
        await port.open((200, CHECKED), NOTHING_STARTS, *checks, gets_ready)
        server = await client.server(ADA, "one")
        assert server and server.state is State.STARTING
        await Starts(client, FairSemaphore(1), 20).watch(ADA, "one", lambda _: None)
        assert port.verbs == ["GET"] * 6


@pytest.mark.parametrize("found", [CHECKED, {**CHECKED, "pending": None, "ready": True}])
async def test_a_start_that_a_hub_was_asked_for_before_is_no_conflict(found: Any) -> None:
    """The question is repeated where the answer was lost, and meets what came of the first."""
    refused = (400, {"message": "ada:one is pending check"})
    async with a_hub() as (port, client):
        await port.open(refused, (200, found), gets_ready)
        starts = Starts(client, FairSemaphore(1), 20)
        await starts.start(ADA, "one", lambda: "ticket", lambda _: None)
        await port.shut()
        await port.open(refused, (200, found))
        with pytest.raises(Conflict, match="pending check"):
            await starts.start(ADA, "one", lambda: "another", lambda _: None)


async def given_up(starts: Starts, port: Port, *, after: int) -> None:
    """Begin a start and leave it when the Hub has been asked so often."""
    begun = asyncio.create_task(starts.start(ADA, "one", lambda: "ticket", lambda _: None))
    async with asyncio.timeout(SOON):
        while len(port.asked) < after:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    begun.cancel()
    await asyncio.wait([begun])
    assert begun.cancelled()


async def test_a_start_that_nobody_waits_for_is_taken_back() -> None:
    """Also while the Hub has not answered yet: it would stop nothing of which it does not know."""
    answered = asyncio.Event()

    async def answers_late(_request: web.Request) -> web.StreamResponse:
        await answered.wait()
        return web.json_response({}, status=201)

    async def goes_on(request: web.Request) -> web.StreamResponse:
        response = await stream(request, '{"progress": 10, "message": "begun"}')
        await asyncio.sleep(20)
        return response

    async with a_hub() as (port, client):
        starts = Starts(client, FairSemaphore(1), 20)
        await port.open(answers_late, (202, {}), (201, {}), goes_on, (202, {}))
        await given_up(starts, port, after=1)
        taking = asyncio.create_task(starts.take_back(ADA, "one"))
        await asyncio.sleep(0.05)
        assert port.verbs == ["POST"]
        answered.set()
        assert await taking and port.verbs == ["POST", "DELETE"]
        assert not await starts.take_back(ADA, "one")
        await given_up(starts, port, after=4)
        assert await starts.take_back(ADA, "one")
        assert port.verbs == ["POST", "DELETE", "POST", "GET", "DELETE"]


async def test_a_start_that_takes_long_to_clean_up_is_stopped_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub, "_INTERRUPTED", (0.01, 0.01))
    async with a_hub() as (port, client):
        await port.open((500, {}), (204, {}), (500, {}), (500, {}), (500, {}))
        await client.stop(ADA, "one")
        with pytest.raises(LaunchFailed):
            await client.stop(ADA, "one")
        assert port.verbs == ["DELETE"] * 5


async def test_what_is_there_or_never_was_is_not_taken_back() -> None:
    async with a_hub() as (port, client):
        starts = Starts(client, FairSemaphore(1), 20)
        await port.open((201, {}), gets_ready, (429, {}), (201, {}), fails)
        await starts.start(ADA, "one", lambda: "ticket", lambda _: None)
        assert not await starts.take_back(ADA, "one")
        for refusal in (TooMany, LaunchFailed):
            with pytest.raises(refusal):
                await starts.start(ADA, "one", lambda: "ticket", lambda _: None)
            assert not await starts.take_back(ADA, "one")
        assert "DELETE" not in port.verbs


async def test_who_comes_to_a_start_that_was_given_up_has_it() -> None:
    async with a_hub() as (port, client):
        starts = Starts(client, FairSemaphore(1), 20)
        await port.open((201, {}), breaks_off, gets_ready)
        await given_up(starts, port, after=2)
        await starts.watch(ADA, "one", lambda _: None)
        assert not await starts.take_back(ADA, "one")
